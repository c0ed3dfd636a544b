/**
 * The requests of one consumer-group member: join, sync, heartbeat, leave. Keeps the member's id
 * and generation; what to do about the answers is `Membership`'s matter.
 *
 * A static member (with an instance id) never leaves: it keeps its place for who comes back under
 * the same id within the session.
 *
 * Source: KIP-62, KIP-394 (a first join is answered with a member id), KIP-429, KIP-345 (static
 * members), KIP-814 (a leader that came back is told that there is nothing to assign).
 */

import {
  encodeAssignment,
  encodeSubscription,
  type PartitionLoad,
  parseAssignment,
  parseSubscription,
} from '../../codec/kafka/group-protocol.ts'
import type { NextOffset } from '../../model/offset.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import { assignPartitions, type MemberFacts, type PartitionCounts } from './assign.ts'
import type { ControlPlane } from './control-plane.ts'
import { errorCode } from './error-code.ts'
import { answerOf } from './foreign-error.ts'
import {
  heartbeatV4,
  joinGroupV6,
  joinGroupV9,
  leaveGroupV4,
  offsetCommitV8,
  syncGroupV4,
} from './library.ts'
import type { BrokerAddress, KafkaSourceOptions } from './options.ts'

const protocolType = 'consumer'
/** Own name: members with another rule of assignment are kept out of the group by the broker. */
export const protocolName = 'lakeward-cooperative-1'

export interface Joined {
  readonly errorCode: number
  /** We are the leader: the one who watches topics and partitions. */
  readonly leads: boolean
  /** All members, when we have to assign; undefined when another one does, or nobody needs to. */
  readonly members: readonly MemberFacts[] | undefined
}

/** What the leader knew of topics when it assigned, and the partitions of each. */
export interface AssignedBy {
  readonly counts: PartitionCounts
  /** Short for all of the counts: travels with each assignment, for a leader that comes back. */
  readonly mark: string
}

export interface Synced {
  readonly errorCode: number
  readonly assigned: readonly TopicPartition[]
  /** `AssignedBy.mark` of the leader that dealt this out; empty where it did not say. */
  readonly mark: string
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
  async join(
    at: BrokerAddress,
    owned: readonly TopicPartition[],
    loads: readonly PartitionLoad[],
  ): Promise<Joined> {
    const { group, instanceId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const generationId = this.#generationId
    const metadata = encodeSubscription({ topics, owned, generationId, loads })
    const connection = await this.#control.groupConnection(at)
    const { api } = instanceId === undefined ? joinGroupV6 : joinGroupV9
    const asked = api.async(
      connection,
      group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      this.#memberId,
      this.#instance,
      protocolType,
      [{ name: protocolName, metadata: Buffer.from(metadata) }],
    )
    const answer = await answerOf(asked)
    const code = answer.errorCode
    if (code === errorCode.none || code === errorCode.memberIdRequired) {
      this.#memberId = answer.memberId
    }
    const noMembers = { errorCode: this.#noted(code), leads: false, members: undefined }
    if (code !== errorCode.none) return noMembers
    this.#generationId = answer.generationId
    if (answer.leader !== answer.memberId) return noMembers
    if (answer.skipAssignment) return { ...noMembers, leads: true }
    const members = answer.members.map(({ memberId, metadata: theirs }) => {
      return { memberId, ...parseSubscription(theirs) }
    })
    return { errorCode: code, leads: true, members }
  }

  /** Learns our share; the leader brings everybody's. */
  async sync(
    at: BrokerAddress,
    members: readonly MemberFacts[] | undefined,
    { counts, mark }: AssignedBy,
  ): Promise<Synced> {
    const shares = members === undefined ? new Map() : assignPartitions(members, counts)
    const assignments = [...shares].map(([memberId, partitions]) => {
      return { memberId, assignment: Buffer.from(encodeAssignment({ partitions, mark })) }
    })
    const connection = await this.#control.groupConnection(at)
    const { group } = this.#options
    const id = [group, this.#generationId, this.#memberId, this.#instance] as const
    const asked = syncGroupV4.api.async(connection, ...id, protocolType, protocolName, assignments)
    const answer = await answerOf(asked)
    const code = this.#noted(answer.errorCode)
    if (code !== errorCode.none) return { errorCode: code, assigned: [], mark: '' }
    const assignment = parseAssignment(answer.assignment)
    return { errorCode: code, assigned: assignment.partitions, mark: assignment.mark }
  }

  /** @returns the error code of the answer. */
  async heartbeat(at: BrokerAddress): Promise<number> {
    const connection = await this.#control.groupConnection(at)
    const { group } = this.#options
    const id = [group, this.#generationId, this.#memberId, this.#instance] as const
    const asked = heartbeatV4.api.async(connection, ...id)
    return this.#noted((await answerOf(asked)).errorCode)
  }

  async leave(at: BrokerAddress): Promise<void> {
    if (this.#memberId === '' || this.#instance !== null) return
    const memberId = this.#memberId
    const connection = await this.#control.callConnection(at)
    await answerOf(leaveGroupV4.api.async(connection, this.#options.group, [{ memberId }]))
  }

  /** @returns the first error code of the answer, or none. */
  async commit(at: BrokerAddress, offsets: readonly OffsetToCommit[]): Promise<number> {
    const connection = await this.#control.callConnection(at)
    const id = [this.#options.group, this.#generationId, this.#memberId, this.#instance] as const
    const asked = offsetCommitV8.api.async(connection, ...id, topicsToCommit(offsets))
    return firstErrorOf(await answerOf(asked))
  }

  /** What we own is lost: the next join claims nothing. */
  dropGeneration(): void {
    this.#generationId = -1
  }

  get #instance(): string | null {
    return this.#options.instanceId ?? null
  }

  /** A member that the broker does not know joins as a new one; others keep their id. */
  #noted(code: number): number {
    if (code === errorCode.unknownMember) this.#memberId = ''
    return code
  }
}

/** As OffsetCommit has them. */
export const topicsToCommit = (offsets: readonly OffsetToCommit[]) =>
  [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, ofTopic]) => {
    const partitions = ofTopic.map(({ partition: partitionIndex, next: committedOffset }) => {
      return { partitionIndex, committedOffset, committedLeaderEpoch: -1 }
    })
    return { name, partitions }
  })

type Committed = Pick<ReturnType<typeof offsetCommitV8.parseResponse>, 'topics'>

/** The first error code of an answer to OffsetCommit, or none. */
export function firstErrorOf({ topics }: Committed): number {
  const codes = topics.flatMap(({ partitions }) => partitions.map((at) => at.errorCode))
  return codes.find((code) => code !== errorCode.none) ?? errorCode.none
}
