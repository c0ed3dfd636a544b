/**
 * Membership in a consumer group, classic protocol, cooperative: who reads what changes while
 * everybody goes on reading what stays theirs.
 *
 * Invariants:
 * - Heartbeats run on their own, from join to the next join: they wait for no reader and no lake.
 * - What is to be given up is announced, and waited for at most `revokeShare` of the rebalance
 *   timeout, before we join again without it.
 * - When the broker says that we are no member any more, all that was ours is lost at once.
 * - Who was fenced by another process under the same instance id never joins again: the two would
 *   take the place from each other for ever.
 *
 *     join → sync ─┬─ more is ours: assign ──────────────┬─ beat … ─ rebalance ─▶ join
 *                  └─ less is ours: revoke, then join again      ├─ unknown member: lose all ▶ join
 *                                                        └─ fenced: lose all, tell, end
 *
 * Source: KIP-429 (incremental cooperative rebalancing), KIP-62, KIP-345 (static members).
 */

import { hash } from 'node:crypto'
import { Fault } from '../../base/fault.ts'
import { durationMs } from '../../base/time.ts'
import type { PartitionLoad } from '../../codec/kafka/group-protocol.ts'
import type { SourcePartition, TopicPartition } from '../../model/topic-partition.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Control, MemberCalls } from './client-library.ts'
import { type ClusterFacts, partitionKey, sourceOf } from './cluster-facts.ts'
import { waitAtMost, withDeadline } from './deadline.ts'
import { decideGroupAnswer, errorName } from './error-code.ts'
import { faultOf } from './foreign-error.ts'
import type { GroupMember, MembershipEvents } from './group-member.ts'
import type { OffsetToCommit } from './group-session.ts'
import type { BrokerAddress, KafkaSourceOptions } from './options.ts'
import type { TroubleBoard } from './trouble-board.ts'
import { backoffMs } from './wake.ts'

/**
 * How late a member can hear that another one is gone. Nobody gets a share before all have heard,
 * so this comes on top of the session: with the 3 s of other clients each death costs 2 s more.
 */
const heartbeatMsMax = 1_000
const heartbeatsPerSession = 3
const revokeShare = 0.8
const leaveTimeoutMs = 3_000
const markLength = 16
/** Between two looks of the leader at what everybody observed. */
const balanceMsDefault = 600_000
const place = 'group'
const never = new Promise<never>(() => {})

export interface MembershipParts {
  readonly options: KafkaSourceOptions
  readonly control: Control
  readonly session: MemberCalls
  readonly clock: Clock
  readonly trouble: TroubleBoard
  /** Topics and partitions as they are now. */
  readonly cluster: () => Promise<ClusterFacts>
  /** What this member observed. */
  readonly loads: () => readonly PartitionLoad[]
  readonly events: MembershipEvents
}

/** Why heartbeats ended. */
type BeatEnd = 'stopped' | 'rejoin' | 'lost' | 'fenced' | 'find-coordinator' | 'refused'

export class Membership implements GroupMember {
  readonly #parts: MembershipParts
  readonly #session: MemberCalls
  readonly #closing = new AbortController()
  /** Ends the heartbeats of the generation under way. */
  #beating = new AbortController()
  #coordinator: BrokerAddress | undefined
  #owned: readonly SourcePartition[] = []
  /** The leader's: by which partition counts it was dealt out, and when loads are due again. */
  #assignedBy: { readonly mark: string; readonly dueMs: number } | undefined
  #fenced = false

  constructor(parts: MembershipParts) {
    this.#parts = parts
    this.#session = parts.session
  }

  async run(): Promise<void> {
    for (let failures = 0; !this.#closing.signal.aborted && !this.#fenced; ) {
      try {
        await this.#generation()
        failures = 0
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#coordinator = undefined
        this.#parts.trouble.set(place, faultOf(error, this.#parts.options))
        this.#parts.control.dropGroupConnection()
        await this.#parts.clock.sleep(backoffMs(++failures), this.#closing.signal)
      }
    }
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<number> {
    return this.#session.commit(await this.#findCoordinator(), offsets)
  }

  /**
   * Topics or partitions may have changed: the leader deals them out anew. So it does when others
   * have not been asked for their loads for long: they tell them when they join, and only then.
   */
  onCluster(cluster: ClusterFacts): void {
    if (this.#assignedBy === undefined) return
    const { mark, dueMs } = this.#assignedBy
    const isDue = this.#parts.clock.monotonicMs() >= dueMs
    if (isDue || markOf(cluster) !== mark) this.#beating.abort()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#beating.abort()
    const coordinator = this.#coordinator
    if (coordinator === undefined) return
    const left = this.#session.leave(coordinator).catch(() => {})
    await waitAtMost(this.#parts.clock, leaveTimeoutMs, left)
  }

  /** The coordinator, asked for when it is not known. */
  async #findCoordinator(): Promise<BrokerAddress> {
    this.#coordinator ??= await this.#parts.control.coordinator()
    return this.#coordinator
  }

  /** One generation: from a join to what ends it. */
  async #generation(): Promise<void> {
    const at = await this.#findCoordinator()
    const joined = await this.#session.join(at, this.#owned, this.#parts.loads())
    if (!this.#accept(joined.errorCode)) return
    const cluster = await this.#parts.cluster()
    const by = { counts: countsOf(cluster), mark: markOf(cluster) }
    const synced = await this.#session.sync(at, joined.members, by)
    if (!this.#accept(synced.errorCode) || this.#closing.signal.aborted) return
    this.#assignedBy = joined.leads ? this.#dealtOut(synced.mark) : undefined
    const assigned = sourcesOf(cluster, synced.assigned)
    this.#parts.trouble.clear(place)
    this.#beating = new AbortController()
    const beats = this.#beat(this.#beating.signal)
    const lost = beats.then((end) => (end === 'lost' || end === 'fenced' ? false : never))
    if (await Promise.race([this.#takeOver(assigned), lost])) this.#beating.abort()
    const end = await beats
    if (end === 'lost') this.#lose()
    if (end === 'fenced') this.#fence()
  }

  #dealtOut(mark: string): { readonly mark: string; readonly dueMs: number } {
    const { clock, options } = this.#parts
    return { mark, dueMs: clock.monotonicMs() + (options.balance?.everyMs ?? balanceMsDefault) }
  }

  /** Tells the reader what changed. @returns true when something was given up: join again. */
  async #takeOver(assigned: readonly SourcePartition[]): Promise<boolean> {
    const { events, clock, options } = this.#parts
    const before = new Set(this.#owned.map(partitionKey))
    const after = new Set(assigned.map(partitionKey))
    const added = assigned.filter((at) => !before.has(partitionKey(at)))
    const revoked = this.#owned.filter((at) => !after.has(partitionKey(at)))
    this.#owned = [...this.#owned.filter((at) => after.has(partitionKey(at))), ...added]
    if (added.length > 0) events.onAssigned(added)
    if (revoked.length === 0) return false
    const waitMs = options.rebalanceTimeoutMs * revokeShare
    await waitAtMost(clock, waitMs, events.onRevoked(revoked))
    return true
  }

  /** Heartbeats until the generation ends. Never rejects. */
  async #beat(stop: AbortSignal): Promise<BeatEnd> {
    const { sessionTimeoutMs } = this.#parts.options
    const everyMs = Math.min(heartbeatMsMax, sessionTimeoutMs / heartbeatsPerSession)
    for (let failures = 0; ; ) {
      await this.#parts.clock.sleep(durationMs(everyMs), stop)
      if (stop.aborted) return 'stopped'
      try {
        const at = await this.#findCoordinator()
        const code = await withDeadline(this.#parts.clock, this.#session.heartbeat(at), {
          what: 'a heartbeat',
          timeoutMs: sessionTimeoutMs,
        })
        failures = 0
        this.#parts.trouble.clear(place)
        const decision = decideGroupAnswer(code)
        if (decision === 'find-coordinator') this.#coordinator = undefined
        else if (decision !== 'ok') return decision
      } catch (error) {
        this.#coordinator = undefined
        this.#parts.trouble.set(place, faultOf(error, this.#parts.options))
        this.#parts.control.dropGroupConnection()
        await this.#parts.clock.sleep(backoffMs(++failures), stop)
      }
    }
  }

  /** @returns whether the group took us. @throws {Fault} KAFKA_GROUP_REFUSED */
  #accept(code: number): boolean {
    switch (decideGroupAnswer(code)) {
      case 'ok':
        return true
      case 'rejoin':
        return false
      case 'lost':
        this.#lose()
        return false
      case 'fenced':
        this.#fence()
        return false
      case 'find-coordinator':
      case 'refused':
        throw this.#refused(code)
    }
  }

  #fence(): void {
    const { group, instanceId = '' } = this.#parts.options
    this.#fenced = true
    this.#lose()
    this.#parts.trouble.set(place, new Fault('KAFKA_INSTANCE_FENCED', { group, instanceId }))
  }

  #refused(code: number): Fault {
    const { group } = this.#parts.options
    return new Fault('KAFKA_GROUP_REFUSED', { group, reason: errorName(code) })
  }

  #lose(): void {
    const lost = this.#owned
    this.#owned = []
    this.#session.dropGeneration()
    if (lost.length > 0) this.#parts.events.onLost(lost)
  }
}

const countsOf = ({ topics }: ClusterFacts): ReadonlyMap<string, number> =>
  new Map([...topics.values()].map(({ topic, partitions }) => [topic, partitions.length]))

/** The same for the same topics with the same numbers of partitions. */
function markOf(cluster: ClusterFacts): string {
  const counts = JSON.stringify([...countsOf(cluster)].sort(([a], [b]) => (a < b ? -1 : 1)))
  return hash('sha256', counts, 'hex').slice(0, markLength)
}

/** @throws {Fault} KAFKA_PARTITION_REFUSED: the leader knows a partition that we do not. */
function sourcesOf(
  cluster: ClusterFacts,
  assigned: readonly TopicPartition[],
): readonly SourcePartition[] {
  return assigned.map((at) => {
    const source = sourceOf(cluster, at)
    if (source !== undefined) return source
    const reason = 'it was assigned to us, but the metadata does not list it'
    throw new Fault('KAFKA_PARTITION_REFUSED', { topicPartition: partitionKey(at), reason })
  })
}
