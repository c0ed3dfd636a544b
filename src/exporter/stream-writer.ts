import { type UnixMs, unixMs } from '../base/time.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { LakePartition, PartitionPath } from '../model/lake-partition.ts'
import type { UnknownFieldsOfStream } from '../model/unknown-field.ts'
import { PartitionCalendar } from '../protocol/calendar.ts'
import type { CountTable } from './count-table.ts'
import type { ExportedStream } from './exported-stream.ts'
import { PartitionWriter } from './partition-writer.ts'

/** The open partitions of one stream; knows which of them rows are late for. */
export class StreamWriter {
  readonly stream: ExportedStream
  readonly #calendar: PartitionCalendar
  readonly #counts: CountTable
  readonly #commitId: () => CommitId
  #writers = new Map<PartitionPath, PartitionWriter>()
  /** The one that the last event went to: nearly always that of the next event too. */
  #current: PartitionWriter | undefined
  #announcedNextMs: UnixMs | undefined
  #announced: ReadonlySet<PartitionPath> = new Set()

  /** @param commitId of the commit that accumulates: the same until `take`. */
  constructor(stream: ExportedStream, counts: CountTable, commitId: () => CommitId) {
    this.stream = stream
    this.#commitId = commitId
    this.#calendar = new PartitionCalendar(stream.scheme)
    this.#counts = counts
  }

  /** The writer of the partition that holds this event time. */
  at(eventMs: number): PartitionWriter {
    const current = this.#current
    if (current !== undefined && holds(current.partition, eventMs)) return current
    const writer = this.#open(this.#calendar.partitionAt(unixMs(eventMs)))
    this.#current = writer
    return writer
  }

  writers(): Iterable<PartitionWriter> {
    return this.#writers.values()
  }

  /** Takes from the log which partitions are announced: further rows of them are late. */
  onFold(fold: FoldState): void {
    const folded = fold.streams.get(this.stream.stream)
    if (folded === undefined || folded.announcedNextMs === this.#announcedNextMs) return
    this.#announcedNextMs = folded.announcedNextMs
    this.#announced = new Set(
      [...folded.partitions.values()]
        .filter(({ place }) => place === 'announced')
        .map(({ partition }) => partition.path),
    )
    for (const writer of this.#writers.values()) writer.late = this.#isLate(writer.partition)
  }

  /** Hands over all open partitions and starts again from none. */
  take(): readonly PartitionWriter[] {
    const writers = [...this.#writers.values()]
    this.#writers = new Map()
    this.#current = undefined
    return writers
  }

  /** Fields that the schema does not know, counted since the last call. */
  takeUnknownFields(): readonly UnknownFieldsOfStream[] {
    const { stream, compiled } = this.stream
    const { fields, otherCount } = compiled.takeUnknownFields()
    return fields.length === 0 && otherCount === 0 ? [] : [{ stream, fields, otherCount }]
  }

  #open(partition: LakePartition): PartitionWriter {
    const found = this.#writers.get(partition.path)
    if (found !== undefined) return found
    const cell = this.#counts.cell(this.stream.stream, partition)
    const writer = new PartitionWriter(this.stream, partition, cell, {
      late: this.#isLate(partition),
      commitId: this.#commitId(),
    })
    this.#writers.set(partition.path, writer)
    return writer
  }

  #isLate({ path, nextMs }: LakePartition): boolean {
    const before = this.#announcedNextMs !== undefined && nextMs <= this.#announcedNextMs
    return before || this.#announced.has(path)
  }
}

const holds = ({ startMs, nextMs }: LakePartition, eventMs: number): boolean =>
  eventMs >= startMs && eventMs < nextMs
