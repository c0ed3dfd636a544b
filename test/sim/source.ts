/**
 * Kafka in memory: topics of real record batches, groups, and sources that read them.
 * Deterministic: no time passes in it, and handlers run in one order.
 *
 * Bytes handed to a reader are overwritten when it has taken them, as the real ones are.
 */
import { assignPartitions, type MemberFacts } from '../../src/adapters/kafka/assign.ts'
import { present } from '../../src/base/assert.ts'
import { Fault } from '../../src/base/fault.ts'
import { walkBatches } from '../../src/codec/kafka/record-batch.ts'
import { skippedBatches } from '../../src/codec/kafka/skipped-batches.ts'
import { type NextOffset, nextOffset, type Offset, offset } from '../../src/model/offset.ts'
import {
  type ClusterId,
  clusterId,
  type SourceKey,
  type SourcePartition,
  sourceKey,
  type TopicId,
  type TopicPartition,
  topicId,
  topicPartitionName,
} from '../../src/model/topic-partition.ts'
import type {
  FetchedBatches,
  MetadataAnswer,
  OffsetPosition,
  Source,
  SourceReader,
} from '../../src/ports/source.ts'
import { encodeBatch, encodeMarker, type TestBatch } from '../support/record-batch.ts'
import { newLog, offsetAt, type SimLog, torn, visible } from './partition-log.ts'

interface SimTopic {
  readonly topicId: TopicId
  readonly logs: SimLog[]
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

interface SimReading {
  source: SourcePartition
  position: bigint | undefined
  /** The highest position so far, however often what is below is delivered again. */
  asked: bigint
  paused: boolean
  refused: boolean
}

/** One member of a group; a `Source` like any other. */
export class SimSource implements Source {
  readonly topics: readonly string[]
  readonly group: string
  readonly #kafka: SimKafka
  readonly #readings = new Map<string, SimReading>()
  #reader: SourceReader | undefined
  #fetching = false
  #loop: Promise<void> = Promise.resolve()
  #wakeUp: () => void = () => {}

  constructor(kafka: SimKafka, topics: readonly string[], group: string) {
    this.#kafka = kafka
    this.topics = topics
    this.group = group
  }

  async open(reader: SourceReader): Promise<void> {
    this.#reader = reader
    this.#fetching = true
    this.#kafka.reads(this, true)
    this.#loop = this.#read(reader)
    await this.#kafka.join(this)
  }

  async stopFetching(): Promise<void> {
    this.#fetching = false
    this.#kafka.reads(this, false)
    this.wake()
    await this.#loop
  }

  async close(): Promise<void> {
    await this.stopFetching()
    this.#readings.clear()
    await this.#kafka.leave(this)
  }

  pause(sources: readonly SourcePartition[]): void {
    for (const reading of this.#of(sources)) reading.paused = true
  }

  resume(sources: readonly SourcePartition[]): void {
    for (const reading of this.#of(sources)) reading.paused = false
    this.wake()
  }

  seek(source: SourcePartition, position: Offset): void {
    const reading = this.#readings.get(topicPartitionName(source))
    if (reading === undefined) return
    Object.assign(reading, { source, position, asked: 0n, refused: false })
    this.wake()
  }

  async metadata(): Promise<MetadataAnswer> {
    const missingTopics = this.topics.filter((topic) => this.#kafka.topic(topic) === undefined)
    const sources = [...this.topics].sort().flatMap((topic) => {
      const { topicId: id, logs } = this.#kafka.topic(topic) ?? { topicId: topicId(''), logs: [] }
      return logs.map((_, partition) => {
        return { clusterId: this.#kafka.clusterId, topic, topicId: id, partition }
      })
    })
    return { clusterId: this.#kafka.clusterId, sources, missingTopics }
  }

  async highWatermarks(
    sources: readonly SourcePartition[],
  ): Promise<ReadonlyMap<SourceKey, NextOffset>> {
    const ends = await this.offsetsAt(sources, 'latest')
    return new Map([...ends].map(([key, end]) => [key, nextOffset(end)]))
  }

  async offsetsAt(
    sources: readonly SourcePartition[],
    position: OffsetPosition,
  ): Promise<ReadonlyMap<SourceKey, Offset>> {
    const found = new Map<SourceKey, Offset>()
    for (const source of sources) {
      const log = this.#logOf(source)
      if (log === undefined || log.leaderless) continue
      found.set(sourceKey(source), offset(offsetAt(log, position)))
    }
    return found
  }

  /** Logs of one epoch, 0, that never part. */
  epochEnds: Source['epochEnds'] = async (asked) => {
    const ends = await this.highWatermarks(asked.map(({ source }) => source))
    return new Map([...ends].map(([key, next]) => [key, { leaderEpoch: 0, next }]))
  }

  async commitOffsets(next: ReadonlyMap<SourceKey, NextOffset>): Promise<void> {
    for (const [key, reached] of next) this.#kafka.committed.set(key, reached)
  }

  assigned(): readonly SourcePartition[] {
    return [...this.#readings.values()].map(({ source }) => source)
  }

  /** Everything it reads is delivered again from a record before, though nobody asked. */
  rewind(records: bigint): void {
    for (const reading of this.#readings.values()) {
      const { position } = reading
      const start = this.#logOf(reading.source)?.start
      if (position === undefined || start === undefined) continue
      reading.asked = position
      reading.position = position - records > start ? position - records : start
    }
    this.wake()
  }

  /** For `SimKafka`: something may have become readable. */
  wake(): void {
    this.#wakeUp()
  }

  /** For `SimKafka`: the session expired. */
  lose(): void {
    const lost = this.assigned()
    this.#readings.clear()
    if (lost.length > 0) this.#reader?.onLost(lost)
  }

  /** For `SimKafka`: our share. @returns true when something was given up. */
  async takeOver(share: readonly TopicPartition[]): Promise<boolean> {
    const wanted = new Set(share.map(topicPartitionName))
    const revoked = this.assigned().filter((at) => !wanted.has(topicPartitionName(at)))
    for (const source of revoked) this.#readings.delete(topicPartitionName(source))
    if (revoked.length > 0) await this.#reader?.onRevoked(revoked)
    const added = (await this.metadata()).sources.filter((at) => {
      const name = topicPartitionName(at)
      return wanted.has(name) && !this.#readings.has(name)
    })
    if (added.length > 0) await this.#begin(added)
    return revoked.length > 0
  }

  /** For `SimKafka`: topics changed. */
  lookAgain(): void {
    for (const reading of this.#readings.values()) {
      const brokerHas = this.#kafka.topic(reading.source.topic)?.topicId
      const { topicId: logHas } = reading.source
      if (brokerHas === undefined || brokerHas === logHas) continue
      const topicPartition = topicPartitionName(reading.source)
      this.#refuse(
        reading,
        new Fault('KAFKA_TOPIC_RECREATED', { topicPartition, logHas, brokerHas }),
      )
    }
  }

  async #begin(added: readonly SourcePartition[]): Promise<void> {
    for (const source of added) {
      const reading = { source, position: undefined, asked: 0n, paused: false, refused: false }
      this.#readings.set(topicPartitionName(source), reading)
    }
    const from = await this.#reader?.onAssigned(added)
    for (const reading of this.#of(added)) reading.position ??= from?.get(sourceKey(reading.source))
    this.wake()
  }

  async #read(reader: SourceReader): Promise<void> {
    while (this.#fetching) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wakeUp = resolve
      const fetched = [...this.#readings.values()].flatMap((reading) => this.#fetch(reading))
      if (fetched.length === 0) {
        await promise
        continue
      }
      await reader.onFetched(fetched)
      for (const { bytes } of fetched) bytes.fill(0xff)
    }
  }

  /** What the next answer holds of one topic-partition. */
  #fetch(reading: SimReading): readonly FetchedBatches[] {
    const { source } = reading
    const log = this.#logOf(source)
    if (log !== undefined) this.#passGone(reading, log.start)
    const { position } = reading
    if (position === undefined || reading.paused || reading.refused || log === undefined) return []
    if (log.leaderless) return []
    if (position < log.start || position > log.end) {
      const where = { topicPartition: topicPartitionName(source), asked: position }
      const facts = { ...where, earliest: log.start, latest: log.end }
      this.#refuse(reading, new Fault('KAFKA_OFFSET_OUT_OF_RANGE', facts))
      return []
    }
    const wanted = visible(log, position)
    if (wanted.length === 0) return []
    const isTorn = wanted.length > 1 && this.#kafka.tears()
    const bytes = Buffer.concat(isTorn ? torn(wanted) : wanted)
    const { batches, end } = walkBatches({ source, bytes, start: 0, end: bytes.length })
    const part = { source, bytes, start: 0, end }
    const last = present(batches.at(-1), 'there is a batch')
    reading.position = last.nextOffset
    return [
      {
        ...part,
        fetchOffset: offset(position),
        nextOffset: last.nextOffset,
        highWatermark: nextOffset(log.held ?? log.end),
        leaderEpoch: last.leaderEpoch,
        skippedBatches: skippedBatches(part, batches, log.aborted),
      },
    ]
  }

  /** Nothing is delivered again that is gone: nobody has asked for it. */
  #passGone(reading: SimReading, start: bigint): void {
    const { position, asked } = reading
    if (position !== undefined && position < start && asked >= start) reading.position = start
  }

  #refuse(reading: SimReading, fault: Fault): void {
    if (reading.refused) return
    reading.refused = true
    this.#reader?.onRefused(reading.source, fault)
  }

  #logOf(source: SourcePartition): SimLog | undefined {
    const topic = this.#kafka.topic(source.topic)
    return topic?.topicId === source.topicId ? topic.logs[source.partition] : undefined
  }

  #of(sources: readonly SourcePartition[]): readonly SimReading[] {
    return sources.flatMap((source) => this.#readings.get(topicPartitionName(source)) ?? [])
  }
}
