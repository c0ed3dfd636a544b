/**
 * What is ours to read, and what happens to it: assigned, given up, refused, paused, moved.
 *
 * Invariant: whatever changes what may be asked raises the reading's version or removes it, so that
 * no answer to an older question is handed on.
 */
import { Fault } from '../../base/fault.ts'
import type { Offset } from '../../model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../../model/topic-partition.ts'
import type { SourceReader } from '../../ports/source.ts'
import { type ClusterFacts, partitionKey } from './cluster-facts.ts'
import type { LoadMeter } from './load-meter.ts'
import { follow, type Reading, readingOf } from './reading.ts'
import type { TroubleBoard } from './trouble-board.ts'

export class ReadSet {
  readonly #readings = new Map<string, Reading>()
  readonly #reader: SourceReader
  readonly #trouble: TroubleBoard
  readonly #meter: LoadMeter
  #cluster: ClusterFacts | undefined

  constructor(reader: SourceReader, trouble: TroubleBoard, meter: LoadMeter) {
    this.#reader = reader
    this.#trouble = trouble
    this.#meter = meter
  }

  all(): Iterable<Reading> {
    return this.#readings.values()
  }

  has(reading: Reading): boolean {
    return this.#readings.get(partitionKey(reading.source)) === reading
  }

  sources(): readonly SourcePartition[] {
    return [...this.#readings.values()].map(({ source }) => source)
  }

  add(sources: readonly SourcePartition[]): readonly Reading[] {
    this.#meter.begin(sources)
    return sources.map((source) => {
      const reading = readingOf(source)
      this.#readings.set(partitionKey(source), reading)
      if (this.#cluster !== undefined) follow(reading, this.#cluster)
      return reading
    })
  }

  /** @returns them under the topic ids that they are read under by now. */
  remove(sources: readonly SourcePartition[]): readonly SourcePartition[] {
    this.#meter.end(sources)
    return sources.map((source) => {
      const reading = this.#readings.get(partitionKey(source))
      if (reading !== undefined) reading.version++
      this.#readings.delete(partitionKey(source))
      this.#trouble.clear(topicPartitionName(source))
      return reading?.source ?? source
    })
  }

  /** Where the reader begins; what it leaves out stays unread, what it sought since stays. */
  begin(readings: readonly Reading[], from: ReadonlyMap<SourceKey, Offset>): void {
    for (const reading of readings) {
      if (!this.has(reading)) continue
      reading.position ??= from.get(sourceKey(reading.source))
    }
  }

  setPaused(sources: readonly SourcePartition[], paused: boolean): void {
    for (const source of sources) {
      const reading = this.#readings.get(partitionKey(source))
      if (reading !== undefined) reading.paused = paused
    }
  }

  /** Also the way on after a refusal, and to a topic that was made anew under the name. */
  seek(source: SourcePartition, position: Offset, lastEpoch: number): void {
    const reading = this.#readings.get(partitionKey(source))
    if (reading === undefined) return
    const renewed = sourceKey(reading.source) !== sourceKey(source)
    if (renewed) Object.assign(reading, { source, leaderEpoch: -1, nodeId: -1 })
    const fresh = { refused: false, judging: false, failures: 0, cuts: 0, retryAtMs: 0 }
    Object.assign(reading, { position, lastEpoch, ...fresh })
    reading.version++
    if (this.#cluster !== undefined) this.#compare(reading, this.#cluster)
  }

  /** Stops the partition until the reader seeks. */
  refuse(reading: Reading, fault: Fault): void {
    if (reading.refused || !this.has(reading)) return
    reading.refused = true
    reading.version++
    this.#trouble.clear(topicPartitionName(reading.source))
    this.#reader.onRefused(reading.source, fault)
  }

  /** Takes over leaders; refuses what is not the topic or cluster that we read before. */
  onCluster(cluster: ClusterFacts): void {
    this.#cluster = cluster
    for (const reading of this.#readings.values()) this.#compare(reading, cluster)
  }

  #compare(reading: Reading, cluster: ClusterFacts): void {
    const { source } = reading
    const where = { topicPartition: topicPartitionName(source) }
    if (cluster.clusterId !== source.clusterId) {
      const ids = { logHas: source.clusterId, brokerHas: cluster.clusterId }
      this.refuse(reading, new Fault('KAFKA_CLUSTER_CHANGED', { ...where, ...ids }))
      return
    }
    const topicId = cluster.topics.get(source.topic)?.topicId
    if (topicId !== undefined && topicId !== source.topicId) {
      const ids = { logHas: source.topicId, brokerHas: topicId }
      this.refuse(reading, new Fault('KAFKA_TOPIC_RECREATED', { ...where, ...ids }))
      return
    }
    follow(reading, cluster)
  }
}
