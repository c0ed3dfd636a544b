/**
 * The requests of one consumer-group member: join, sync, heartbeat, leave. Keeps the member's id
 * and generation; what to do about the answers is `Membership`'s matter.
 *
 * Source: KIP-62, KIP-394 (a first join is answered with a member id), KIP-429.
 */
import {
  heartbeatV4,
  joinGroupV6,
  leaveGroupV4,
  offsetCommitV8,
  syncGroupV4,
} from '@platformatic/kafka'
import {
  encodeAssignment,
  encodeSubscription,
  parseAssignment,
  parseSubscription,
} from '../../codec/kafka/group-protocol.ts'
import type { NextOffset } from '../../model/offset.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { assignPartitions, type MemberFacts, type PartitionCounts } from './assign.ts'
import type { ControlPlane } from './control-plane.ts'
import { errorCode } from './error-code.ts'
import { answerOf } from './foreign-error.ts'
import type { BrokerAddress, KafkaSourceOptions } from './options.ts'

const protocolType = 'consumer'
/** Own name: members with another rule of assignment are kept out of the group by the broker. */
const protocolName = 'lakeward-cooperative-1'

export interface Joined {
  readonly errorCode: number
  /** All members, when we are the leader and have to assign; undefined when another one does. */
  readonly members: readonly MemberFacts[] | undefined
}

export interface Synced {
  readonly errorCode: number
  readonly assigned: readonly TopicPartition[]
}

export interface OffsetToCommit extends TopicPartition {
  readonly next: NextOffset
}

export class GroupSession {
  readonly #options: KafkaSourceOptions
  readonly #control: ControlPlane
  #memberId = ''
  #generationId = -1

  constructor(options: KafkaSourceOptions, control: ControlPlane) {
    this.#options = options
    this.#control = control
  }

  /** Waits in the broker until all members joined, at most the rebalance timeout. */
  async join(at: BrokerAddress, owned: readonly TopicPartition[]): Promise<Joined> {
    const { group, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const metadata = encodeSubscription({ topics, owned, generationId: this.#generationId })
    const connection = await this.#control.groupConnection(at)
    const asked = joinGroupV6.api.async(
      connection,
      group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      this.#memberId,
      null,
      protocolType,
      [{ name: protocolName, metadata: Buffer.from(metadata) }],
    )
    const answer = await answerOf(asked)
    const code = answer.errorCode
    if (code === errorCode.none || code === errorCode.memberIdRequired) {
      this.#memberId = answer.memberId
    }
    if (code !== errorCode.none) return { errorCode: this.#noted(code), members: undefined }
    this.#generationId = answer.generationId
    if (answer.leader !== answer.memberId) return { errorCode: code, members: undefined }
    const members = answer.members.map(({ memberId, metadata: theirs }) => {
      return { memberId, ...parseSubscription(theirs) }
    })
    return { errorCode: code, members }
  }

  /** Learns our share; the leader brings everybody's. */
  async sync(
    at: BrokerAddress,
    members: readonly MemberFacts[] | undefined,
    counts: PartitionCounts,
  ): Promise<Synced> {
    const shares = members === undefined ? new Map() : assignPartitions(members, counts)
    const assignments = [...shares].map(([memberId, partitions]) => {
      return { memberId, assignment: Buffer.from(encodeAssignment(partitions)) }
    })
    const connection = await this.#control.groupConnection(at)
    const { group } = this.#options
    const id = [group, this.#generationId, this.#memberId, null] as const
    const asked = syncGroupV4.api.async(connection, ...id, protocolType, protocolName, assignments)
    const answer = await answerOf(asked)
    const code = this.#noted(answer.errorCode)
    if (code !== errorCode.none) return { errorCode: code, assigned: [] }
    return { errorCode: code, assigned: parseAssignment(answer.assignment) }
  }

  /** @returns the error code of the answer. */
  async heartbeat(at: BrokerAddress): Promise<number> {
    const connection = await this.#control.groupConnection(at)
    const { group } = this.#options
    const asked = heartbeatV4.api.async(connection, group, this.#generationId, this.#memberId, null)
    return this.#noted((await answerOf(asked)).errorCode)
  }

  async leave(at: BrokerAddress): Promise<void> {
    if (this.#memberId === '') return
    const memberId = this.#memberId
    const connection = await this.#control.callConnection(at)
    await answerOf(leaveGroupV4.api.async(connection, this.#options.group, [{ memberId }]))
  }

  /** @returns the first error code of the answer, or none. */
  async commit(at: BrokerAddress, offsets: readonly OffsetToCommit[]): Promise<number> {
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, ofTopic]) => {
      const partitions = ofTopic.map(({ partition: partitionIndex, next: committedOffset }) => {
        return { partitionIndex, committedOffset, committedLeaderEpoch: -1 }
      })
      return { name, partitions }
    })
    const connection = await this.#control.callConnection(at)
    const id = [this.#options.group, this.#generationId, this.#memberId, null] as const
    const answer = await answerOf(offsetCommitV8.api.async(connection, ...id, topics))
    const codes = answer.topics.flatMap(({ partitions }) => partitions.map((at) => at.errorCode))
    return codes.find((code) => code !== errorCode.none) ?? errorCode.none
  }

  /** What we own is lost: the next join claims nothing. */
  dropGeneration(): void {
    this.#generationId = -1
  }

  /** A member that the broker does not know joins as a new one; others keep their id. */
  #noted(code: number): number {
    if (code === errorCode.unknownMember) this.#memberId = ''
    return code
  }
}
