import { type UnixMs, unixMs } from '../base/time.ts'
import type { FoldedStream, FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { LakePartition, PartitionPath } from '../model/lake-partition.ts'
import type { UnknownFieldsOfStream } from '../model/unknown-field.ts'
import { PartitionCalendar } from '../protocol/calendar.ts'
import { type RowFate, rowFateOf } from '../protocol/late.ts'
import type { CountTable } from './count-table.ts'
import type { ExportedStream } from './exported-stream.ts'
import { PartitionWriter } from './partition-writer.ts'

/** The partitions of one stream that a commit adds to; knows which of them rows are late for. */
export class StreamWriter {
  readonly stream: ExportedStream
  readonly #calendar: PartitionCalendar
  readonly #counts: CountTable
  readonly #commitId: () => CommitId
  /** Of the table, and of the one that late rows are diverted to. */
  #writers = new Map<PartitionPath, PartitionWriter>()
  #diverted = new Map<PartitionPath, PartitionWriter>()
  /** The one that the last event went to: nearly always that of the next event too. */
  #current: PartitionWriter | undefined
  /** The one before it: where two hours come mixed, an event goes to one of these two. */
  #previous: PartitionWriter | undefined
  /** What takes rows of a partition, as of the newest fold. */
  #taking = new Map<PartitionPath, PartitionWriter>()
  #folded: FoldedStream | undefined
  #logTimeMs: UnixMs | undefined

  /** @param commitId of the commit that accumulates: the same until `take`. */
  constructor(stream: ExportedStream, counts: CountTable, commitId: () => CommitId) {
    this.stream = stream
    this.#commitId = commitId
    this.#calendar = new PartitionCalendar(stream.scheme)
    this.#counts = counts
  }

  /** The writer that takes the rows of this event time. */
  at(eventMs: number): PartitionWriter {
    const current = this.#current
    if (current !== undefined && holds(current.partition, eventMs)) return current
    const previous = this.#previous
    const isPrevious = previous !== undefined && holds(previous.partition, eventMs)
    const writer = isPrevious ? previous : this.#takingAt(eventMs)
    this.#previous = current
    this.#current = writer
    return writer
  }

  *writers(): Iterable<PartitionWriter> {
    yield* this.#writers.values()
    yield* this.#diverted.values()
  }

  /**
   * Takes from the log which partitions are announced: further rows of them are late. What was
   * written before as in time falls with its commit, and is read again.
   */
  onFold(fold: FoldState, logTimeMs: UnixMs | undefined): void {
    const folded = fold.streams.get(this.stream.stream)
    const isTimed = this.stream.late.policy === 'append' && logTimeMs !== this.#logTimeMs
    const isSame = folded === this.#folded && !isTimed
    this.#folded = folded
    this.#logTimeMs = logTimeMs
    if (isSame) return
    this.#forgetTaking()
    for (const writer of this.#writers.values()) {
      const fate = this.#fateOf(writer.partition)
      // Of a partition that is closed: its rows are void, and further ones lie in a writer beside.
      if (fate !== 'divert') writer.fate = fate
    }
  }

  /** Hands over all open partitions and starts again from none. */
  take(): readonly PartitionWriter[] {
    const writers = [...this.writers()]
    this.#writers = new Map()
    this.#diverted = new Map()
    this.#forgetTaking()
    return writers
  }

  /** Fields that the schema does not know, counted since the last call. */
  takeUnknownFields(): readonly UnknownFieldsOfStream[] {
    const { stream, compiled } = this.stream
    const { fields, otherCount } = compiled.takeUnknownFields()
    return fields.length === 0 && otherCount === 0 ? [] : [{ stream, fields, otherCount }]
  }

  #takingAt(eventMs: number): PartitionWriter {
    const partition = this.#calendar.partitionAt(unixMs(eventMs))
    const writer = this.#taking.get(partition.path) ?? this.#open(partition)
    this.#taking.set(partition.path, writer)
    return writer
  }

  #forgetTaking(): void {
    this.#taking = new Map()
    this.#current = undefined
    this.#previous = undefined
  }

  #open(partition: LakePartition): PartitionWriter {
    const fate = this.#fateOf(partition)
    const isDiverted = fate === 'divert'
    const writers = isDiverted ? this.#diverted : this.#writers
    const found = writers.get(partition.path)
    if (found !== undefined) return found
    const table = isDiverted ? this.stream.diverted : this.stream
    const cell = this.#counts.cell(this.stream.stream, partition)
    const commit = { fate, commitId: this.#commitId() }
    const writer = new PartitionWriter(table, partition, cell, commit)
    writers.set(partition.path, writer)
    return writer
  }

  #fateOf(partition: LakePartition): RowFate {
    return rowFateOf(this.#folded, partition, this.stream.late, this.#logTimeMs)
  }
}

const holds = ({ startMs, nextMs }: LakePartition, eventMs: number): boolean =>
  eventMs >= startMs && eventMs < nextMs
