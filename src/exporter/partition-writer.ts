import { assert } from '../base/assert.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import { ParquetFileWriter, type SealedParquet } from '../codec/parquet/file-writer.ts'
import type { EventLoad } from '../model/event-load.ts'
import type { EventTable } from '../model/event-table.ts'
import type { CommitId } from '../model/ids.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { RowBatch, RowRefusal } from '../model/row-batch.ts'
import type { SealedFile } from '../model/sealed-commit.ts'
import type { RowFate } from '../protocol/late.ts'
import { BatchScratch } from './batch-scratch.ts'
import { commitKeyValues } from './commit-key-values.ts'
import type { OpenCell } from './count-table.ts'
import { EventList } from './event-list.ts'
import type { ExportedTable } from './exported-stream.ts'
import type { GrowingFile, GrowthPlace, SealedState } from './growing-files.ts'

/** One for all writers: a batch is written before the next is made. */
const scratch = new BatchScratch()

/** The files of one stream and partition in the commit that accumulates. */
export class PartitionWriter {
  readonly table: ExportedTable
  readonly partition: LakePartition
  /** Where its events are counted. */
  readonly cell: OpenCell
  /** What becomes of rows of the partition. Where it is `divert`, this is the other table. */
  fate: RowFate
  /** Its place among the writers of the commit; -1 until its first event is routed. */
  number = -1
  /** Events of the load under way. */
  readonly pending = new EventList()
  readonly #sealed: SealedFile[] = []
  readonly #commitId: CommitId
  #file: ParquetFileWriter | undefined
  /** Of the rows in the open file. */
  #eventMs = noEventMs()

  constructor(
    table: ExportedTable,
    partition: LakePartition,
    cell: OpenCell,
    commit: { readonly commitId: CommitId; readonly fate: RowFate },
  ) {
    this.table = table
    this.partition = partition
    this.cell = cell
    this.fate = commit.fate
    this.#commitId = commit.commitId
  }

  get bufferedBytes(): number {
    const sealedBytes = this.#sealed.reduce((sum, file) => sum + file.sizeBytes, 0)
    return sealedBytes + (this.#file?.bufferedBytes ?? 0)
  }

  /** Of them, the kernel's. */
  get builderBytes(): number {
    return this.#file?.builderBytes ?? 0
  }

  /** Memory that `closePages` would give back. */
  openPageBytes(leastBytes: number): number {
    return this.#file?.openPageBytes(leastBytes) ?? 0
  }

  closePages(leastBytes: number): void {
    this.#file?.closePages(leastBytes)
  }

  /** Counts events that it took as rows: where they lie says what their fate is. */
  countTaken(eventCount: number): void {
    if (this.fate === 'divert') this.cell.late += eventCount
    else this.cell.written += eventCount
  }

  /** Writes events of a load. @returns those that were refused. */
  write(events: Int32Array, load: EventLoad): readonly (RowRefusal & { event: number })[] {
    const refused: (RowRefusal & { event: number })[] = []
    for (const group of groupedByTopic(events, load)) {
      const refusals = this.append(rowBatchOf(group, load), group, load)
      for (const refusal of refusals) {
        refused.push({ ...refusal, event: group[refusal.row] ?? -1 })
      }
    }
    return refused
  }

  /**
   * Appends rows whose payloads lie in the kernel's input. Counts nothing.
   *
   * @param eventOf the event of each row, as an index into the load's events.
   * @returns the rows that were refused.
   */
  append(batch: RowBatch, eventOf: Int32Array, { events }: EventLoad): readonly RowRefusal[] {
    const file = (this.#file ??= new ParquetFileWriter(this.table.compiled, this.table.file))
    const refusals = file.append(batch)
    this.#widen(refusals.length === 0 ? eventOf : eventsKept(eventOf, refusals), events)
    if (file.encodedBytes >= this.table.rollBytes) this.#roll(file)
    return refusals
  }

  /** Closes the open file. @returns all files of this commit, possibly none. */
  seal(): readonly SealedFile[] {
    assert(this.pending.count === 0, 'the events of a partition are written before it is sealed')
    if (this.#file !== undefined) this.#roll(this.#file)
    return this.#sealed
  }

  /** True where its last file may go on in the next commit: late rows begin files of their own. */
  get grows(): boolean {
    return this.table.grows && this.fate === 'in-time'
  }

  get place(): GrowthPlace {
    const { stream, schemaVersion } = this.table
    return { stream, schemaVersion, partitionPath: this.partition.path }
  }

  /**
   * Closes the open file as one that may go on.
   *
   * @param going a file of the partition that its rows go on with, if there is room for them.
   * @returns all files, as `seal`; and of the last one what its next tail needs.
   */
  sealGrowing(going: GrowingFile | undefined): GrowingSeal {
    assert(this.pending.count === 0, 'the events of a partition are written before it is sealed')
    const file = this.#file
    if (file === undefined || file.rowCount === 0) return { files: this.seal() }
    this.#file = undefined
    const hasRoom = (going?.parquet.sizeBytes ?? 0) + file.encodedBytes < this.table.rollBytes
    const base = hasRoom ? going : undefined
    const eventTimeMs = around(this.#times, base?.eventTimeMs)
    const keyValues = commitKeyValues(this.#commitId, eventTimeMs)
    const { grown, alone, ...told } = file.sealGrowing(keyValues, base?.parquet)
    const sealed = this.#sealedFile(told)
    const state = { ...this.place, parquet: grown, crc32c: told.crc32c, eventTimeMs }
    if (base === undefined) this.#sealed.push(sealed)
    else {
      const { sizeBytes, rowCount } = grown
      const whole = { sizeBytes, rowCount, crc32c: told.crc32c, eventTimeMs }
      const from = { sizeBytes: base.parquet.sizeBytes, rowCount: base.parquet.rowCount }
      this.#sealed.push({ ...sealed, tail: { path: base.path, base: from, grown: whole, alone } })
    }
    return { files: this.#sealed, last: { state, base } }
  }

  discard(): void {
    this.#file?.discard()
    this.#file = undefined
    for (const sealed of this.#sealed.splice(0)) sealed.release()
  }

  #roll(file: ParquetFileWriter): void {
    this.#file = undefined
    if (file.rowCount === 0) return file.discard()
    this.#sealed.push(this.#sealedFile(file.seal(commitKeyValues(this.#commitId, this.#times))))
    this.#eventMs = noEventMs()
    return undefined
  }

  /** Of the rows of the open file. */
  get #times(): Times {
    return { min: unixMs(this.#eventMs.min), max: unixMs(this.#eventMs.max) }
  }

  #sealedFile(parquet: SealedParquet): SealedFile {
    const { stream, table, schemaVersion } = this.table
    return {
      ...parquet,
      stream,
      table,
      schemaVersion,
      partitionPath: this.partition.path,
      eventTimeMs: this.#times,
    }
  }

  #widen(written: Int32Array, { eventTimeMs }: EventTable): void {
    let { min, max } = this.#eventMs
    for (let row = 0; row < written.length; row++) {
      const eventMs = eventTimeMs[written[row] ?? -1] ?? Number.NaN
      if (eventMs < min) min = eventMs
      if (eventMs > max) max = eventMs
    }
    this.#eventMs = { min, max }
  }
}

/** What a partition has for a commit. */
export interface GrowingSeal {
  readonly files: readonly SealedFile[]
  /** The last of the files, and what it goes on with. Absent: none may go on. */
  readonly last?: { readonly state: SealedState; readonly base: GrowingFile | undefined }
}

type Times = SealedFile['eventTimeMs']

const around = ({ min, max }: Times, before: Times | undefined): Times =>
  before === undefined
    ? { min, max }
    : { min: earlier(min, before.min), max: later(max, before.max) }

const earlier = (one: UnixMs, other: UnixMs): UnixMs => (one < other ? one : other)
const later = (one: UnixMs, other: UnixMs): UnixMs => (one > other ? one : other)

const noEventMs = (): { min: number; max: number } => {
  return { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }
}

/** The events of a batch that are in the file. */
function eventsKept(eventOf: Int32Array, refusals: readonly RowRefusal[]): Int32Array {
  const refused = new Set(refusals.map(({ row }) => row))
  return eventOf.filter((_, row) => !refused.has(row))
}

/** Splits events so that each group comes from one topic; nearly always there is one group. */
function groupedByTopic(events: Int32Array, load: EventLoad): readonly Int32Array[] {
  const topics = load.records.sources.map(({ topic }) => topic)
  if (events.length === 0) return []
  if (topics.every((topic) => topic === topics[0])) return [events]
  const topicOf = (event: number): string | undefined => topics[sourceOf(load, event)]
  const groups: Int32Array[] = []
  let first = 0
  for (let next = 1; next <= events.length; next++) {
    const ends = next === events.length
    if (!ends && topicOf(events[next] ?? -1) === topicOf(events[first] ?? -1)) continue
    groups.push(events.subarray(first, next))
    first = next
  }
  return groups
}

const sourceOf = (load: EventLoad, event: number): number =>
  load.records.source[load.events.record[event] ?? -1] ?? -1

/** The kernel's view of events of one topic, in memory that is used again. */
function rowBatchOf(group: Int32Array, load: EventLoad): RowBatch {
  const { records, events, fetchedAtMs, fetchedAtMsOf } = load
  const count = group.length
  const batch = scratch.take(count)
  const partitionOf = records.sources.map(({ partition }) => partition)
  for (let row = 0; row < count; row++) {
    const event = group[row] ?? -1
    const record = events.record[event] ?? -1
    batch.starts[row] = events.payloadStart[event] ?? 0
    batch.ends[row] = events.payloadEnd[event] ?? 0
    batch.partitions[row] = partitionOf[records.source[record] ?? -1] ?? -1
    batch.offsets[row] = records.offset[record] ?? 0n
    batch.indexes[row] = events.index[event] ?? 0
    if (fetchedAtMsOf !== undefined) batch.fetchedAtMs[row] = fetchedAtMsOf[event] ?? 0
  }
  const source = records.sources[records.source[events.record[group[0] ?? -1] ?? -1] ?? -1]
  const ingestMs = fetchedAtMsOf === undefined ? fetchedAtMs : batch.fetchedAtMs
  return { ...batch, count, topic: source?.topic ?? '', ingestMs }
}
