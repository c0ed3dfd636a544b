/**
 * Questions to brokers beside fetching: metadata, offsets, coordinator, group requests.
 *
 * Invariants:
 * - Group requests have their own connection: a join may wait for minutes, and brokers answer a
 *   connection's requests in order.
 * - Every question has a deadline; after it the connections are made anew.
 * - Versions are fixed; a broker that lacks one is refused by name, since brokers close the
 *   connection on a version they do not know, without a word.
 *
 * Source: `@platformatic/kafka` 2.12, its public protocol modules and connection pool.
 */

import { Fault } from '../../base/fault.ts'
import { clusterId, topicId } from '../../model/topic-partition.ts'
import {
  isSelectedByPattern,
  isTopicPattern,
  selectsTopic,
  topicNamesIn,
} from '../../model/topic-selection.ts'
import type { Clock } from '../../ports/clock.ts'
import type { ClusterFacts, TopicFacts } from './cluster-facts.ts'
import { closeQuietly, connectTimeoutMs, poolOf } from './connection-pool.ts'
import { Overdue, withDeadline } from './deadline.ts'
import { errorCode, errorName } from './error-code.ts'
import { answerOf } from './foreign-error.ts'
import {
  apiVersionsV0,
  type Broker,
  type Connection,
  type ConnectionPool,
  consumerGroupHeartbeatV1,
  findCoordinatorV4,
  heartbeatV4,
  joinGroupV6,
  joinGroupV9,
  leaveGroupV4,
  listOffsetsV6,
  metadataV12,
  offsetCommitV8,
  offsetCommitV9,
  offsetForLeaderEpochV4,
  protocolAPIsById,
  syncGroupV4,
} from './library.ts'
import { type BrokerAddress, type KafkaSourceOptions, parseAddress } from './options.ts'

const callTimeoutMs = 15_000
const deadlineMs = connectTimeoutMs + callTimeoutMs
const groupKey = 0
const noReplica = -1

const everyonesApis = [metadataV12, findCoordinatorV4, listOffsetsV6, offsetForLeaderEpochV4]
const classicApis = [joinGroupV6, syncGroupV4, heartbeatV4, leaveGroupV4, offsetCommitV8]
const consumerApis = [consumerGroupHeartbeatV1, offsetCommitV9]

/** What brokers must have for a source of these options. */
function neededApis({ groupProtocol, instanceId }: KafkaSourceOptions): readonly NeededApi[] {
  const member = groupProtocol === 'consumer' ? consumerApis : classicApis
  // A static member must hear that its group needs no new assignment: KIP-814.
  const named = groupProtocol !== 'consumer' && instanceId !== undefined ? [joinGroupV9] : []
  return [...everyonesApis, ...member, ...named].map(({ api: { key, version } }) => {
    return { key, version }
  })
}

/** One partition of a ListOffsets question. */
export interface OffsetAsk {
  readonly topic: string
  readonly partition: number
  readonly leaderEpoch: number
  /** -1 latest, -2 earliest, else Unix milliseconds. */
  readonly timestamp: bigint
}

export interface OffsetAnswer {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** -1: no record at or after the time. */
  readonly offset: bigint
}

/** One partition of an OffsetForLeaderEpoch question. */
export interface EpochAsk {
  readonly topic: string
  readonly partition: number
  /** The one asked about. */
  readonly leaderEpoch: number
  /** The one that we believe in force. */
  readonly currentEpoch: number
}

export interface EpochAnswer {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  /** -1, with the offset: the broker knows no such epoch. */
  readonly leaderEpoch: number
  readonly endOffset: bigint
}

export class ControlPlane {
  readonly #options: KafkaSourceOptions
  readonly #clock: Clock
  #pool: ConnectionPool
  #groupPool: ConnectionPool
  #known: readonly BrokerAddress[]
  #versionsChecked = false
  /** Topics that a pattern selected and that were there when last asked for. */
  readonly #seen = new Set<string>()
  #closed = false

  constructor(options: KafkaSourceOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
    this.#known = options.brokers.map(parseAddress)
    this.#pool = poolOf(options, callTimeoutMs)
    this.#groupPool = this.#newGroupPool()
  }

  /** Topics, partitions and leaders, from whichever broker answers. */
  metadata(): Promise<ClusterFacts> {
    return this.#bounded('metadata', this.#metadata())
  }

  async #metadata(): Promise<ClusterFacts> {
    const connection = await this.#any()
    const answer = await this.#askTopics(connection)
    const brokers = new Map(
      answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]),
    )
    this.#known = [...brokers.values(), ...this.#options.brokers.map(parseAddress)]
    const topics = new Map<string, TopicFacts>()
    const missingTopics: string[] = []
    const hiddenTopics = new Map<string, number>()
    for (const topic of answer.topics) {
      const name = topic.name ?? ''
      if (!selectsTopic(this.#options.topics, name)) continue
      if (topic.errorCode === errorCode.none) topics.set(name, topicOf(name, topic))
      else if (topic.errorCode === errorCode.unknownTopicOrPartition) missingTopics.push(name)
      else hiddenTopics.set(name, topic.errorCode)
    }
    const id = clusterId(answer.clusterId ?? '')
    return { clusterId: id, brokers, topics, missingTopics, hiddenTopics }
  }

  /**
   * Of a pattern all topics are asked for. What is not among them is asked for by its name: only
   * then does the broker say whether it is gone or not to be seen by us.
   */
  async #askTopics(connection: Connection): Promise<MetadataAnswer> {
    const { topics: selectors } = this.#options
    const ask = (topics: string[] | null): Promise<MetadataAnswer> =>
      answerOf(metadataV12.api.async(connection, topics, false))
    if (!selectors.some(isTopicPattern)) return ask([...selectors])
    const all = await ask(null)
    const there = new Set(all.topics.map(({ name }) => name ?? ''))
    for (const topic of there) if (isSelectedByPattern(selectors, topic)) this.#seen.add(topic)
    const absent = [...topicNamesIn(selectors), ...this.#seen].filter((topic) => !there.has(topic))
    if (absent.length === 0) return all
    const { topics } = await ask(absent)
    for (const { name, errorCode: code } of topics) {
      if (code === errorCode.unknownTopicOrPartition) this.#seen.delete(name ?? '')
    }
    return { ...all, topics: [...all.topics, ...topics] }
  }

  /** Asks one broker for offsets of the partitions that it leads. */
  async listOffsets(
    at: BrokerAddress,
    asks: readonly OffsetAsk[],
  ): Promise<readonly OffsetAnswer[]> {
    const connection = await this.#pool.get(at)
    const topics = [...Map.groupBy(asks, ({ topic }) => topic)].map(([name, ofTopic]) => {
      const partitions = ofTopic.map(({ partition, leaderEpoch, timestamp }) => {
        return { partitionIndex: partition, currentLeaderEpoch: leaderEpoch, timestamp }
      })
      return { name, partitions }
    })
    // Isolation 0: the high watermark, not the last stable offset.
    const answer = await answerOf(listOffsetsV6.api.async(connection, noReplica, 0, topics))
    return answer.topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, errorCode: code, offset }) => {
        return { topic, partition, errorCode: code, offset }
      }),
    )
  }

  /** Asks one broker where its logs of given epochs end. */
  async epochEnds(at: BrokerAddress, asks: readonly EpochAsk[]): Promise<readonly EpochAnswer[]> {
    const connection = await this.#pool.get(at)
    const topics = [...Map.groupBy(asks, ({ topic }) => topic)].map(([name, ofTopic]) => {
      const partitions = ofTopic.map(({ partition, leaderEpoch, currentEpoch }) => {
        return { partitionIndex: partition, currentLeaderEpoch: currentEpoch, leaderEpoch }
      })
      return { name, partitions }
    })
    const asked = offsetForLeaderEpochV4.api.async(connection, noReplica, topics)
    const answer = await answerOf(asked)
    return answer.topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partition, errorCode: code, leaderEpoch, endOffset }) => {
        return { topic, partition, errorCode: code, leaderEpoch, endOffset }
      }),
    )
  }

  /** The broker that keeps a group, ours if none is named. @throws {Fault} KAFKA_GROUP_REFUSED */
  coordinator(group = this.#options.group): Promise<BrokerAddress> {
    return this.#bounded('finding the group coordinator', this.#coordinator(group))
  }

  async #coordinator(group: string): Promise<BrokerAddress> {
    const connection = await this.#any()
    const asked = findCoordinatorV4.api.async(connection, groupKey, [group])
    const [found] = (await answerOf(asked)).coordinators
    if (found?.errorCode === errorCode.none) return { host: found.host, port: found.port }
    const reason = errorName(found?.errorCode ?? errorCode.coordinatorNotAvailable)
    throw new Fault('KAFKA_GROUP_REFUSED', { group, reason })
  }

  /** A connection for the group's requests alone. */
  groupConnection(coordinator: BrokerAddress): Promise<Connection> {
    return this.#bounded('connecting', this.#groupPool.get(coordinator))
  }

  /** A connection for questions that must not wait behind a join. */
  callConnection(at: BrokerAddress): Promise<Connection> {
    return this.#bounded('connecting', this.#pool.get(at))
  }

  /** Drops the group's connection: whatever hangs on it fails at once. */
  dropGroupConnection(): void {
    closeQuietly(this.#groupPool)
    this.#groupPool = this.#newGroupPool()
  }

  close(): void {
    this.#closed = true
    closeQuietly(this.#pool)
    closeQuietly(this.#groupPool)
  }

  async #bounded<Answer>(what: string, work: Promise<Answer>): Promise<Answer> {
    const pool = this.#pool
    try {
      return await withDeadline(this.#clock, work, { what, timeoutMs: deadlineMs })
    } catch (error) {
      // The pool may hold a connection that never becomes ready.
      const stuck = error instanceof Overdue && pool === this.#pool && !this.#closed
      if (stuck) this.#renewPool()
      throw error
    }
  }

  #renewPool(): void {
    closeQuietly(this.#pool)
    this.#pool = poolOf(this.#options, callTimeoutMs)
  }

  async #any(): Promise<Connection> {
    const connection = await this.#pool.getFirstAvailable(unique(this.#known))
    if (!this.#versionsChecked) await checkVersions(connection, neededApis(this.#options))
    this.#versionsChecked = true
    return connection
  }

  #newGroupPool(): ConnectionPool {
    return poolOf(this.#options, this.#options.rebalanceTimeoutMs + callTimeoutMs)
  }
}

interface NeededApi {
  readonly key: number
  readonly version: number
}

type MetadataAnswer = ReturnType<typeof metadataV12.parseResponse>
type TopicAnswer = MetadataAnswer['topics'][number]

function topicOf(name: string, topic: TopicAnswer): TopicFacts {
  const partitions = topic.partitions.map(({ partitionIndex, leaderId, leaderEpoch }) => {
    return { partition: partitionIndex, leaderId, leaderEpoch }
  })
  partitions.sort((a, b) => a.partition - b.partition)
  return { topic: name, topicId: topicId(topic.topicId), partitions }
}

function unique(addresses: readonly BrokerAddress[]): Broker[] {
  return [...new Map(addresses.map((at) => [`${at.host}:${at.port}`, at])).values()]
}

/** @throws {Fault} KAFKA_VERSION_NOT_SUPPORTED */
async function checkVersions(connection: Connection, needed: readonly NeededApi[]): Promise<void> {
  const { apiKeys } = await answerOf(apiVersionsV0.api.async(connection, '', ''))
  for (const { key, version } of needed) {
    const offered = apiKeys.find(({ apiKey }) => apiKey === key)
    if (offered && offered.minVersion <= version && version <= offered.maxVersion) continue
    const range = offered ? `${offered.minVersion} to ${offered.maxVersion}` : 'none'
    const api = protocolAPIsById[key] ?? String(key)
    const facts = { api, needed: String(version), offered: range }
    throw new Fault('KAFKA_VERSION_NOT_SUPPORTED', facts)
  }
}
