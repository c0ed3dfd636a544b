/**
 * The requests of one member of a group of KIP-848: heartbeats, which say everything, and commits
 * of offsets. Keeps the member's id and epoch; what to do about the answers is
 * `ConsumerMembership`'s matter.
 *
 *     epoch 0 (joins) → epoch of each answer, repeated in the next heartbeat → -1 leaves for good,
 *                                                                      -2 leaves and comes back
 *
 * A static member (with an instance id) leaves with -2: its place is kept for who comes back under
 * the same id within the brokers' session.
 *
 * Source: KIP-848; ConsumerGroupHeartbeat version 1 (the member makes its id), OffsetCommit
 * version 9 (a member epoch in the place of a generation).
 */
import { randomUUID } from 'node:crypto'
import { type SourcePartition, topicId } from '../../model/topic-partition.ts'
import type { ControlPlane } from './control-plane.ts'
import { errorCode } from './error-code.ts'
import { answerOf } from './foreign-error.ts'
import { firstErrorOf, type OffsetToCommit, topicsToCommit } from './group-session.ts'
import { consumerGroupHeartbeatV1, offsetCommitV9 } from './library.ts'
import type { BrokerAddress, KafkaSourceOptions } from './options.ts'
import type { TopicShare } from './take-over.ts'

const joiningEpoch = 0
const leavingEpoch = -1
const leavingForNowEpoch = -2
const sameTimeout = -1

/** What a heartbeat tells; what is undefined has not changed since the last one. */
export interface HeartbeatAsk {
  /** Names of the topics that we read. */
  readonly topics: readonly string[] | undefined
  /** What we own: leaving something out is how it is given up. */
  readonly owned: readonly SourcePartition[] | undefined
  /** The first of a life, or the last one's answer may be lost: everything is told. */
  readonly isWhole: boolean
}

export interface HeartbeatAnswer {
  readonly errorCode: number
  /** When the next one is due. */
  readonly everyMs: number
  /** All that is ours now; undefined: as told before. */
  readonly assigned: readonly TopicShare[] | undefined
}

export class ConsumerSession {
  readonly #options: KafkaSourceOptions
  readonly #control: ControlPlane
  readonly #memberId = randomUUID()
  #epoch = joiningEpoch

  constructor(options: KafkaSourceOptions, control: ControlPlane) {
    this.#options = options
    this.#control = control
  }

  /** The next heartbeat joins: whoever does owns nothing. */
  get joins(): boolean {
    return this.#epoch === joiningEpoch
  }

  async heartbeat(
    at: BrokerAddress,
    { topics, owned, isWhole }: HeartbeatAsk,
  ): Promise<HeartbeatAnswer> {
    const { rack = null, rebalanceTimeoutMs } = this.#options
    const connection = await this.#control.groupConnection(at)
    const asked = consumerGroupHeartbeatV1.api.async(
      connection,
      ...this.#as(this.#epoch),
      rack,
      isWhole ? rebalanceTimeoutMs : sameTimeout,
      topics === undefined ? null : [...topics],
      null,
      null,
      owned === undefined ? null : sharesOf(owned),
    )
    const { errorCode: code, memberEpoch, heartbeatIntervalMs, assignment } = await answerOf(asked)
    if (code === errorCode.none) this.#epoch = memberEpoch
    const assigned = assignment?.topicPartitions.map((share) => {
      return { topicId: topicId(share.topicId), partitions: share.partitions }
    })
    return { errorCode: code, everyMs: heartbeatIntervalMs, assigned }
  }

  /** Nothing is ours any more: the next heartbeat joins. */
  dropEpoch(): void {
    this.#epoch = joiningEpoch
  }

  async leave(at: BrokerAddress): Promise<void> {
    if (this.joins) return
    const epoch = this.#options.instanceId === undefined ? leavingEpoch : leavingForNowEpoch
    const connection = await this.#control.callConnection(at)
    const nothing = [null, sameTimeout, null, null, null, null] as const
    await answerOf(consumerGroupHeartbeatV1.api.async(connection, ...this.#as(epoch), ...nothing))
  }

  /** @returns the first error code of the answer, or none. */
  async commit(at: BrokerAddress, offsets: readonly OffsetToCommit[]): Promise<number> {
    const { group, instanceId = null } = this.#options
    const connection = await this.#control.callConnection(at)
    const id = [group, this.#epoch, this.#memberId, instanceId] as const
    const asked = offsetCommitV9.api.async(connection, ...id, topicsToCommit(offsets))
    return firstErrorOf(await answerOf(asked))
  }

  #as(epoch: number) {
    const { group, instanceId = null } = this.#options
    return [group, this.#memberId, epoch, instanceId] as const
  }
}

const sharesOf = (owned: readonly SourcePartition[]) =>
  [...Map.groupBy(owned, (at) => at.topicId)].map(([id, ofTopic]) => {
    return { topicId: id, partitions: ofTopic.map(({ partition }) => partition) }
  })
