/**
 * A member of a consumer group by kafkajs's own group requests, in our cooperative protocol: it may
 * be in one group with members over the library that ships.
 *
 * kafkajs has no static members: it knows the field, and its broker leaves it out.
 */
import { assignPartitions, type MemberFacts } from '../../../src/adapters/kafka/assign.ts'
import type { MemberCalls } from '../../../src/adapters/kafka/client-library.ts'
import {
  type AssignedBy,
  type Joined,
  type OffsetToCommit,
  protocolName,
  type Synced,
} from '../../../src/adapters/kafka/group-session.ts'
import type { BrokerAddress } from '../../../src/adapters/kafka/options.ts'
import {
  encodeAssignment,
  encodeSubscription,
  type PartitionLoad,
  parseAssignment,
  parseSubscription,
} from '../../../src/codec/kafka/group-protocol.ts'
import type { TopicPartition } from '../../../src/model/topic-partition.ts'
import type { WholeBroker } from './kafkajs-client.ts'
import type { KafkajsSourceOptions } from './kafkajs-library.ts'

const unknownMember = 25

/** By which connection a broker is asked: that of a join waits as long as the join. */
export type BrokerAt = (at: BrokerAddress, use: 'group' | 'calls') => Promise<WholeBroker>

export class KafkajsMember implements MemberCalls {
  readonly #options: KafkajsSourceOptions
  readonly #brokerAt: BrokerAt
  #memberId = ''
  #generationId = -1

  constructor(options: KafkajsSourceOptions, brokerAt: BrokerAt) {
    this.#options = options
    this.#brokerAt = brokerAt
  }

  async join(
    at: BrokerAddress,
    owned: readonly TopicPartition[],
    loads: readonly PartitionLoad[],
  ): Promise<Joined> {
    const { group: groupId, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const generationId = this.#generationId
    const metadata = encodeSubscription({ topics, owned, generationId, loads })
    const broker = await this.#brokerAt(at, 'group')
    const joined = await answerOr(
      broker.joinGroup({
        groupId,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: rebalanceTimeoutMs,
        memberId: this.#memberId,
        groupProtocols: [{ name: protocolName, metadata: Buffer.from(metadata) }],
      }),
    )
    if (typeof joined === 'number') {
      return { errorCode: this.#noted(joined), leads: false, members: undefined }
    }
    this.#memberId = joined.memberId
    this.#generationId = joined.generationId
    const leads = joined.leaderId === joined.memberId
    if (!leads) return { errorCode: 0, leads, members: undefined }
    const members = joined.members.map(({ memberId, memberMetadata }) => {
      return { memberId, ...parseSubscription(memberMetadata) }
    })
    return { errorCode: 0, leads, members }
  }

  async sync(
    at: BrokerAddress,
    members: readonly MemberFacts[] | undefined,
    { counts, mark }: AssignedBy,
  ): Promise<Synced> {
    const shares = members === undefined ? new Map() : assignPartitions(members, counts)
    const groupAssignment = [...shares].map(([memberId, partitions]) => {
      return { memberId, memberAssignment: Buffer.from(encodeAssignment({ partitions, mark })) }
    })
    const broker = await this.#brokerAt(at, 'group')
    const { generationId } = this.#id()
    const synced = await answerOr(
      broker.syncGroup({ ...this.#id(), generationId, groupAssignment }),
    )
    if (typeof synced === 'number') {
      return { errorCode: this.#noted(synced), assigned: [], mark: '' }
    }
    const assignment = parseAssignment(synced.memberAssignment)
    return { errorCode: 0, assigned: assignment.partitions, mark: assignment.mark }
  }

  async heartbeat(at: BrokerAddress): Promise<number> {
    const broker = await this.#brokerAt(at, 'group')
    const { groupId, memberId, generationId: groupGenerationId } = this.#id()
    const beat = await answerOr(broker.heartbeat({ groupId, memberId, groupGenerationId }))
    return typeof beat === 'number' ? this.#noted(beat) : 0
  }

  async leave(at: BrokerAddress): Promise<void> {
    if (this.#memberId === '') return
    const { groupId, memberId } = this.#id()
    const broker = await this.#brokerAt(at, 'calls')
    await broker.leaveGroup({ groupId, memberId })
  }

  async commit(at: BrokerAddress, offsets: readonly OffsetToCommit[]): Promise<number> {
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([topic, ofTopic]) => {
      return {
        topic,
        partitions: ofTopic.map(({ partition, next }) => ({ partition, offset: `${next}` })),
      }
    })
    const broker = await this.#brokerAt(at, 'calls')
    const { groupId, memberId, generationId: groupGenerationId } = this.#id()
    const done = await answerOr(
      broker.offsetCommit({ groupId, memberId, groupGenerationId, topics }),
    )
    return typeof done === 'number' ? done : 0
  }

  dropGeneration(): void {
    this.#generationId = -1
  }

  #id() {
    const { group: groupId } = this.#options
    return { groupId, memberId: this.#memberId, generationId: this.#generationId }
  }

  /** A member that the broker does not know joins as a new one. */
  #noted(code: number): number {
    if (code === unknownMember) this.#memberId = ''
    return code
  }
}

/** The answer, or the error code that kafkajs made an error of. Other errors stay errors. */
async function answerOr<Answer>(call: Promise<Answer>): Promise<Answer | number> {
  try {
    return await call
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'number') {
      return error.code
    }
    throw error
  }
}
