/**
 * Membership in a consumer group by KIP-848: the brokers' coordinator assigns, and each member
 * comes to what it is told on its own, while everybody goes on reading what stays theirs.
 *
 * Invariants:
 * - Heartbeats run on their own: they wait for no reader and no lake.
 * - What is to be given up is announced, and waited for at most `revokeShare` of the rebalance
 *   timeout, before a heartbeat leaves it out: not before that does anybody else get it.
 * - After a heartbeat whose answer may be lost the next one tells everything again.
 * - When the broker says that we are no member any more, or that our epoch is not ours, all that
 *   was ours is lost at once; the next heartbeat joins.
 * - Who was fenced by another process under the same instance id never joins again.
 *
 *     join → told: more is ours → assign it           → beat … → told …
 *                  less is ours → revoke it, wait     → beat … → unknown: lose all → join
 *
 * Source: KIP-848; docs/adr/0025-the-brokers-own-assignment.md.
 */
import { Fault } from '../../base/fault.ts'
import { type DurationMs, durationMs } from '../../base/time.ts'
import type { SourcePartition } from '../../model/topic-partition.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ConsumerCalls, Control } from './client-library.ts'
import { type ClusterFacts, partitionKey, subscribedTopics } from './cluster-facts.ts'
import type { HeartbeatAnswer, HeartbeatAsk } from './consumer-session.ts'
import { waitAtMost, withDeadline } from './deadline.ts'
import { decideHeartbeatAnswer, errorCode, errorName } from './error-code.ts'
import { faultOf } from './foreign-error.ts'
import type { GroupMember, MembershipEvents } from './group-member.ts'
import type { OffsetToCommit } from './group-session.ts'
import type { BrokerAddress, KafkaSourceOptions } from './options.ts'
import { planTakeOver, type TakeOverPlan, type TopicShare } from './take-over.ts'
import type { TroubleBoard } from './trouble-board.ts'
import { backoffMs, Wake } from './wake.ts'

const heartbeatTimeoutMs = 10_000
const revokeShare = 0.8
const leaveTimeoutMs = 3_000
/** How often a commit waits for the epoch that the brokers are at already. */
const staleCommitsMax = 2
const place = 'group'

export interface ConsumerMembershipParts {
  readonly options: KafkaSourceOptions
  readonly control: Control
  readonly session: ConsumerCalls
  readonly clock: Clock
  readonly trouble: TroubleBoard
  /** Topics and partitions as they are now; `onCluster` hears them as well. */
  readonly cluster: () => Promise<ClusterFacts>
  readonly events: MembershipEvents
}

/** What the brokers know by a heartbeat that they answered. */
interface Sent {
  readonly topics: string
  readonly owned: string
}

export class ConsumerMembership implements GroupMember {
  readonly #parts: ConsumerMembershipParts
  readonly #closing = new AbortController()
  readonly #wake: Wake
  #coordinator: BrokerAddress | undefined
  #cluster: ClusterFacts | undefined
  #sent: Sent | undefined
  /** What the brokers told last; undefined: nothing yet in this life as a member. */
  #told: readonly TopicShare[] | undefined
  /** Also what is being given up, until its reader is done with it. */
  #owned: readonly SourcePartition[] = []
  /** The take-over under way; a new object for each, so that an outdated one knows. */
  #moving: { readonly revoked: readonly SourcePartition[] } | undefined
  /** The heartbeat under way. */
  #beating: Promise<unknown> = Promise.resolve()
  #fenced = false

  constructor(parts: ConsumerMembershipParts) {
    this.#parts = parts
    this.#wake = new Wake(parts.clock)
  }

  async run(): Promise<void> {
    const { trouble, options, control, clock } = this.#parts
    for (let failures = 0; !this.#isOver(); ) {
      try {
        const pauseMs = await this.#beat()
        failures = 0
        if (!this.#isOver()) await this.#wake.sleep(pauseMs)
      } catch (error) {
        if (this.#isOver()) return
        this.#coordinator = undefined
        this.#sent = undefined
        trouble.set(place, faultOf(error, options))
        control.dropGroupConnection()
        await clock.sleep(backoffMs(++failures), this.#closing.signal)
      }
    }
  }

  onCluster(cluster: ClusterFacts): void {
    const before = this.#cluster
    this.#cluster = cluster
    this.#settle()
    const { topics } = this.#parts.options
    const [was, is] = [before, cluster].map((at) => at && subscribedTopics(topics, at).join())
    if (was !== is) this.#wake.wake()
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<number> {
    for (let stale = 0; ; stale++) {
      const code = await this.#parts.session.commit(await this.#findCoordinator(), offsets)
      if (code !== errorCode.staleMemberEpoch || stale === staleCommitsMax) return code
      // The heartbeat under way brings the epoch, unless its answer is lost.
      this.#wake.wake()
      await this.#beating.catch(() => {})
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake.wake()
    const { session, clock } = this.#parts
    const coordinator = this.#coordinator
    if (coordinator === undefined) return
    // A join that is answered later would be a member that nobody is.
    const joined = this.#beating.catch(() => {})
    const left = joined.then(() => session.leave(coordinator)).catch(() => {})
    await waitAtMost(clock, leaveTimeoutMs, left)
  }

  #isOver(): boolean {
    return this.#closing.signal.aborted || this.#fenced
  }

  async #findCoordinator(): Promise<BrokerAddress> {
    this.#coordinator ??= await this.#parts.control.coordinator()
    return this.#coordinator
  }

  /** One heartbeat and what its answer asks for. @returns the pause until the next one. */
  async #beat(): Promise<DurationMs> {
    const { clock, session, options } = this.#parts
    const cluster = this.#cluster ?? (await this.#parts.cluster())
    const topics = subscribedTopics(options.topics, cluster)
    // Nobody is let in without a topic; `onCluster` wakes us when there is one.
    if (session.joins && topics.length === 0) return durationMs(heartbeatTimeoutMs)
    const owned = session.joins ? [] : this.#owned
    const known = { topics: topics.join(), owned: owned.map(nameOf).sort().join() }
    const at = await this.#findCoordinator()
    // Who joins behind our leaving would be a member that nobody is.
    if (this.#isOver()) return durationMs(0)
    const asked = session.heartbeat(at, this.#askOf(topics, owned, known))
    this.#beating = asked
    const answer = await withDeadline(clock, asked, {
      what: 'a heartbeat',
      timeoutMs: heartbeatTimeoutMs,
    })
    if (this.#isOver()) return durationMs(0)
    return this.#take(answer, known)
  }

  #askOf(topics: readonly string[], owned: readonly SourcePartition[], known: Sent): HeartbeatAsk {
    const sent = this.#sent
    return {
      topics: sent?.topics === known.topics ? undefined : topics,
      owned: sent?.owned === known.owned ? undefined : owned,
      isWhole: sent === undefined,
    }
  }

  /** @throws {Fault} KAFKA_GROUP_REFUSED, KAFKA_INSTANCE_HELD. */
  async #take(answer: HeartbeatAnswer, known: Sent): Promise<DurationMs> {
    const { group, instanceId = '' } = this.#parts.options
    switch (decideHeartbeatAnswer(answer.errorCode)) {
      case 'ok':
        this.#sent = known
        this.#parts.trouble.clear(place)
        if (answer.assigned !== undefined) await this.#hear(answer.assigned)
        return durationMs(answer.everyMs)
      case 'lost':
        this.#lose()
        return backoffMs(1)
      case 'fenced':
        this.#fenced = true
        this.#lose()
        this.#parts.trouble.set(place, new Fault('KAFKA_INSTANCE_FENCED', { group, instanceId }))
        return durationMs(0)
      case 'find-coordinator':
        this.#coordinator = undefined
        this.#sent = undefined
        return backoffMs(1)
      case 'instance-held':
        throw new Fault('KAFKA_INSTANCE_HELD', { group, instanceId })
      case 'refused':
        throw new Fault('KAFKA_GROUP_REFUSED', { group, reason: refusalOf(answer.errorCode) })
    }
  }

  async #hear(told: readonly TopicShare[]): Promise<void> {
    this.#told = told
    const cluster = this.#cluster
    const facts = cluster && { owned: this.#owned, told, cluster }
    // A topic that is not in the metadata came since: they are asked before anything moves.
    if (facts === undefined || planTakeOver(facts).unknown) await this.#parts.cluster()
    this.#settle()
  }

  /** Begins to come to what was told, unless that is under way. */
  #settle(): void {
    const [told, cluster] = [this.#told, this.#cluster]
    if (told === undefined || cluster === undefined) return
    if (this.#moving !== undefined || this.#isOver()) return
    const plan = planTakeOver({ owned: this.#owned, told, cluster })
    this.#owned = [...plan.kept, ...plan.revoked, ...plan.added]
    if (plan.added.length > 0) this.#parts.events.onAssigned(plan.added)
    if (plan.revoked.length > 0) void this.#giveUp(plan)
    else if (plan.added.length > 0) this.#wake.wake()
  }

  /** Never rejects, except for a bug. */
  async #giveUp({ revoked }: TakeOverPlan): Promise<void> {
    const { events, clock, options, trouble } = this.#parts
    const moving = { revoked }
    this.#moving = moving
    try {
      const waitMs = options.rebalanceTimeoutMs * revokeShare
      await waitAtMost(clock, waitMs, events.onRevoked(revoked))
    } catch (error) {
      trouble.set(place, faultOf(error, options))
    }
    if (this.#moving !== moving) return
    this.#moving = undefined
    const gone = new Set(revoked.map(partitionKey))
    this.#owned = this.#owned.filter((at) => !gone.has(partitionKey(at)))
    this.#wake.wake()
    this.#settle()
  }

  #lose(): void {
    const announced = new Set(this.#moving?.revoked.map(partitionKey))
    const lost = this.#owned.filter((at) => !announced.has(partitionKey(at)))
    this.#owned = []
    this.#told = undefined
    this.#sent = undefined
    this.#moving = undefined
    this.#parts.session.dropEpoch()
    if (lost.length > 0) this.#parts.events.onLost(lost)
  }
}

const classicMembers: ReadonlySet<number> = new Set([
  errorCode.groupIdNotFound,
  errorCode.inconsistentGroupProtocol,
])

/** Brokers do not say it in a code of its own, and it is what a change of the protocol meets. */
const refusalOf = (code: number): string =>
  classicMembers.has(code)
    ? `${errorName(code)}, members of the classic protocol hold it`
    : errorName(code)

const nameOf = ({ topicId, partition }: SourcePartition): string => `${topicId}/${partition}`
