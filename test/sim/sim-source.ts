/** One member of a group of the simulated Kafka: the source that a daemon reads from. */
import { present } from '../../src/base/assert.ts'
import { Fault } from '../../src/base/fault.ts'
import { walkBatches } from '../../src/codec/kafka/record-batch.ts'
import { skippedBatches } from '../../src/codec/kafka/skipped-batches.ts'
import { type NextOffset, nextOffset, type Offset, offset } from '../../src/model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  type TopicPartition,
  topicId,
  topicPartitionName,
} from '../../src/model/topic-partition.ts'
import type {
  EpochEnd,
  FetchedBatches,
  MetadataAnswer,
  OffsetPosition,
  Source,
  SourceReader,
} from '../../src/ports/source.ts'
import { offsetAt, type SimLog, torn, visible } from './partition-log.ts'
import type { SimKafka } from './source.ts'

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

  /** No world has another consumer group. */
  async groupOffsets(_group: string): Promise<ReadonlyMap<SourceKey, Offset>> {
    return new Map()
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

  /** Logs never part: what was read under an epoch is there. */
  epochEnds: Source['epochEnds'] = async (asked) => {
    const ends = await this.highWatermarks(asked.map(({ source }) => source))
    const found = new Map<SourceKey, EpochEnd>()
    for (const { source, leaderEpoch } of asked) {
      const next = ends.get(sourceKey(source))
      if (next !== undefined) found.set(sourceKey(source), { leaderEpoch, next })
    }
    return found
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
    const bytes = Buffer.concat(
      isTorn ? torn(wanted, this.#kafka.tornAfter(wanted.length)) : wanted,
    )
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
