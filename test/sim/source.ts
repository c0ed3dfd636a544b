/**
 * Kafka in memory: topics of real record batches, groups, and sources that read them.
 * Deterministic: no time passes in it, and handlers run in one order.
 *
 * Bytes handed to a reader are overwritten when it has taken them, as the real ones are.
 */
import { assignPartitions, type MemberFacts } from '../../src/adapters/kafka/assign.ts'
import { present } from '../../src/base/assert.ts'
import { type NextOffset, type Offset, offset } from '../../src/model/offset.ts'
import {
  type ClusterId,
  clusterId,
  type SourceKey,
  type TopicId,
  type TopicPartition,
  topicId,
  topicPartitionName,
} from '../../src/model/topic-partition.ts'
import { encodeBatch, encodeMarker, type TestBatch } from '../support/record-batch.ts'
import { newLog, type SimLog } from './partition-log.ts'
import { SimSource } from './sim-source.ts'

interface SimTopic {
  readonly topicId: TopicId
  readonly logs: SimLog[]
}

export interface RecreatedTopic {
  readonly topicId: TopicId
  readonly firsts: readonly bigint[]
}

interface SimGroup {
  readonly members: SimSource[]
  generationId: number
  /** Rebalances run one after the other. */
  settled: Promise<void>
}

/** The brokers, for a test to fill and to break. */
export class SimKafka {
  readonly clusterId: ClusterId
  readonly committed = new Map<SourceKey, NextOffset>()
  readonly #topics = new Map<string, SimTopic>()
  readonly #groups = new Map<string, SimGroup>()
  readonly #open = new Set<SimSource>()
  /** Whether the answer that is made now ends in the midst of a batch. */
  tears: () => boolean = () => false
  /** Whole batches that a torn answer brings at least one of, and at most one less than these. */
  tornAfter: (count: number) => number = (count) => count - 1
  #topicsMade = 0
  #producerId = 1_000n

  constructor(id = 'sim-cluster') {
    this.clusterId = clusterId(id)
  }

  /** Makes the topic, with another id than any before; a topic of that name is replaced. */
  createTopic(topic: string, partitionCount: number): TopicId {
    const number = String(++this.#topicsMade).padStart(12, '0')
    const id = topicId(`00000000-0000-4000-8000-${number}`)
    this.#topics.set(topic, { topicId: id, logs: Array.from({ length: partitionCount }, newLog) })
    this.#changed()
    return id
  }

  /**
   * Makes the topic anew, with as many partitions. Each begins behind a transaction that was taken
   * back, with offsets that no record of the topic before had: records are told apart by them.
   *
   * @returns its id, and the first offsets of records to come, by partition.
   */
  recreateTopic(topic: string, aborted: Omit<TestBatch, 'baseOffset'>): RecreatedTopic {
    const ends = this.#topic(topic).logs.map(({ end }) => end)
    const id = this.createTopic(topic, ends.length)
    const firsts = ends.map((end, partition) => {
      const log = this.#log({ topic, partition })
      log.end = end + 1n
      this.appendAborted({ topic, partition }, aborted)
      return log.end
    })
    return { topicId: id, firsts }
  }

  deleteTopic(topic: string): void {
    this.#topics.delete(topic)
    this.#changed()
  }

  addPartition(topic: string): void {
    this.#topic(topic).logs.push(newLog())
    this.#changed()
  }

  /** Appends one batch at the end of the log. @returns its first offset. */
  append(at: TopicPartition, batch: Omit<TestBatch, 'baseOffset'>): Offset {
    const log = this.#log(at)
    const first = log.end
    const bytes = encodeBatch({ leaderEpoch: log.leaderEpoch, ...batch, baseOffset: first })
    this.#push(log, bytes, Math.max(...batch.records.map((record) => record.timestampMs ?? 0)))
    return offset(first)
  }

  /** Appends a transaction that is taken back: its batch and the abort marker. */
  appendAborted(at: TopicPartition, batch: Omit<TestBatch, 'baseOffset'>): void {
    const log = this.#log(at)
    const producerId = this.#producerId++
    log.aborted.push({ producerId, first: offset(log.end) })
    this.append(at, { ...batch, producerId, transactional: true })
    this.#push(log, encodeMarker('abort', { baseOffset: log.end, producerId }), 0)
  }

  /** Appends the marker of a transaction without records. */
  appendEmpty(at: TopicPartition, end: 'abort' | 'commit'): void {
    const log = this.#log(at)
    this.#push(log, encodeMarker(end, { baseOffset: log.end, producerId: this.#producerId++ }), 0)
  }

  /** Retention: records below `start` are gone. */
  truncate(at: TopicPartition, start: bigint): void {
    const log = this.#log(at)
    log.start = start
    log.batches.splice(0, log.batches.findIndex((batch) => batch.next > start) >>> 0)
    this.#changed()
  }

  /** Shows readers nothing at or beyond `highWatermark`; undefined shows everything again. */
  hold(at: TopicPartition, highWatermark: bigint | undefined): void {
    this.#log(at).held = highWatermark
    this.#changed()
  }

  /** Its leader is gone: nobody answers until another one `leads`. */
  loseLeader(at: TopicPartition): void {
    this.#log(at).leaderless = true
  }

  /** Another leader, under the next epoch. */
  leads(at: TopicPartition): void {
    const log = this.#log(at)
    log.leaderEpoch += 1
    log.leaderless = false
    this.#wake()
  }

  /** All that the topics hold, by name. */
  topic(name: string): SimTopic | undefined {
    return this.#topics.get(name)
  }

  log({ topic, partition }: TopicPartition): SimLog | undefined {
    return this.#topics.get(topic)?.logs[partition]
  }

  /** For `SimSource`: it reads from now on, or not any more. */
  reads(source: SimSource, isOpen: boolean): void {
    if (isOpen) this.#open.add(source)
    else this.#open.delete(source)
  }

  /** A source that reads `topics`; sources of one group share them. */
  source(topics: readonly string[], group = 'sim'): SimSource {
    return new SimSource(this, topics, group)
  }

  /** The group drops the member as if its session had expired; it joins again at once. */
  expire(member: SimSource): Promise<void> {
    member.lose()
    return this.rebalance(member.group)
  }

  async join(member: SimSource): Promise<void> {
    this.#group(member.group).members.push(member)
    await this.rebalance(member.group)
  }

  async leave(member: SimSource): Promise<void> {
    const { members } = this.#group(member.group)
    const index = members.indexOf(member)
    if (index >= 0) members.splice(index, 1)
    await this.rebalance(member.group)
  }

  /** Deals the partitions out, revoking before assigning, as the real group does. */
  rebalance(name: string): Promise<void> {
    const group = this.#group(name)
    group.settled = group.settled.then(() => this.#dealOut(group))
    return group.settled
  }

  async #dealOut(group: SimGroup): Promise<void> {
    for (let again = true; again; ) {
      again = false
      group.generationId++
      const counts = new Map([...this.#topics].map(([name, { logs }]) => [name, logs.length]))
      const facts = group.members.map((member, index): MemberFacts => {
        const memberId = String(index).padStart(4, '0')
        const { topics } = member
        return { memberId, topics, owned: member.assigned(), generationId: group.generationId }
      })
      const shares = assignPartitions(facts, counts)
      for (const [index, member] of [...group.members].entries()) {
        const share = shares.get(String(index).padStart(4, '0')) ?? []
        if (await member.takeOver(share)) again = true
      }
    }
  }

  #group(name: string): SimGroup {
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const group: SimGroup = { members: [], generationId: 0, settled: Promise.resolve() }
    this.#groups.set(name, group)
    return group
  }

  #topic(name: string): SimTopic {
    return present(this.#topics.get(name), `topic "${name}" exists`)
  }

  #log(at: TopicPartition): SimLog {
    return present(this.log(at), `"${topicPartitionName(at)}" exists`)
  }

  #push(log: SimLog, bytes: Buffer, maxTimestampMs: number): void {
    const first = log.end
    log.end += BigInt(bytes.readInt32BE(23)) + 1n
    log.batches.push({ first, next: log.end, maxTimestampMs, bytes })
    this.#wake()
  }

  #changed(): void {
    for (const [name, group] of this.#groups) {
      for (const member of group.members) member.lookAgain()
      void this.rebalance(name)
    }
    this.#wake()
  }

  /** Also those that their group has dropped: brokers answer whoever asks. */
  #wake(): void {
    for (const source of this.#open) source.wake()
  }
}
