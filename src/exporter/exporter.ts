/**
 * Routes events to the files of their partitions and counts what becomes of each.
 *
 * Invariants:
 * - every event that `route` sees is counted as read once, and gets exactly one fate;
 * - a seal covers whole loads: no event is in one commit with its offset in another.
 */
import { present } from '../base/assert.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import { pageSlabs } from '../codec/parquet/page-slabs.ts'
import type { KernelInput } from '../kernel/kernel-input.ts'
import type { DeadLetter } from '../model/dead-letter.ts'
import { type EventFates, type EventLoad, type EventRefusal, settled } from '../model/event-load.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { LetterReplay } from '../model/letter-replay.ts'
import type { AppendPlace, IdleEvidence } from '../model/log-entry.ts'
import type { ModuleRows } from '../model/module-rows.ts'
import type { SealedCommit, SealedFile } from '../model/sealed-commit.ts'
import { partitionAt } from '../protocol/calendar.ts'
import { logTimeOf } from '../protocol/late.ts'
import { letterOf } from '../protocol/letter.ts'
import { CountTable, countReason } from './count-table.ts'
import type { DeadLetterTable } from './dead-letter-table.ts'
import { decodeRefusal, lateRefusal } from './event-refusals.ts'
import type { ExportedStream } from './exported-stream.ts'
import { GrowingFiles } from './growing-files.ts'
import { HeldBytesOfWriters } from './held-bytes.ts'
import { LoadWriters } from './load-writers.ts'
import { appendModuleRows, rowCountOf } from './module-rows.ts'
import { type BuilderMemory, PageRelief } from './page-relief.ts'
import type { PartitionWriter } from './partition-writer.ts'
import type { PositionTable } from './position-table.ts'
import { StreamWriter } from './stream-writer.ts'
import type { WaitingEvents } from './waiting-events.ts'

export interface ExporterParts {
  readonly streams: readonly ExportedStream[]
  readonly letters: DeadLetterTable
  readonly positions: PositionTable
  readonly input: KernelInput
  readonly waitingRoom: WaitingEvents
  readonly builders: BuilderMemory
  readonly nextCommitId: () => CommitId
}

/** Fewer rows of one file in a load wait for more of them. */
const rowsAtOnceMin = 64
/** On average; more of them gain nothing. */
const rowsAtOnceWanted = 128

const dayInUtc = { by: 'day', timezone: 'UTC' } as const

export class Exporter implements EventFates {
  readonly #parts: ExporterParts
  readonly #counts = new CountTable()
  readonly #streams: readonly StreamWriter[]
  readonly #writers = new LoadWriters()
  readonly #dirty: PartitionWriter[] = []
  readonly #growing = new GrowingFiles()
  #commitId: CommitId
  #fold: FoldState | undefined
  readonly #relief: PageRelief
  readonly #held: HeldBytesOfWriters

  constructor(parts: ExporterParts) {
    this.#parts = parts
    this.#streams = parts.streams.map(
      (stream) => new StreamWriter(stream, this.#counts, () => this.#commitId),
    )
    this.#relief = new PageRelief(parts.builders, () =>
      this.#streams.flatMap((stream) => [...stream.writers()]),
    )
    this.#held = new HeldBytesOfWriters(this.#streams)
    this.#commitId = parts.nextCommitId()
  }

  /** Bytes held for the commit that accumulates. */
  get bufferedBytes(): number {
    let sum = this.#parts.waitingRoom.heldBytes
    for (const bytes of this.bufferedByStream().values()) sum += bytes
    return sum
  }

  /** The kernel's memory: builders of open files, and the rest, some of which is free for rows. */
  get kernelBytes(): { readonly builders: number; readonly shared: number; readonly free: number } {
    const { everTakenBytes, takenBytes } = this.#parts.builders
    const { builders } = this.#held.sums
    return { builders, shared: everTakenBytes - builders, free: everTakenBytes - takenBytes }
  }

  /** The same by stream, dead letters under the stream they are counted in. */
  bufferedByStream(): ReadonlyMap<string, number> {
    const { byStream } = this.#held.sums
    const letters = this.#parts.letters.bufferedByStream()
    if (letters.size === 0) return byStream
    const held = new Map(byStream)
    for (const [name, bytes] of letters) held.set(name, (held.get(name) ?? 0) + bytes)
    return held
  }

  get cellCount(): number {
    return this.#counts.cellCount
  }

  get openWriterCount(): number {
    return this.#streams.reduce((sum, stream) => sum + [...stream.writers()].length, 0)
  }

  onFold(fold: FoldState): void {
    if (fold === this.#fold) return
    this.#fold = fold
    const logTimeMs = logTimeOf(fold)
    for (const stream of this.#streams) stream.onFold(fold, logTimeMs)
  }

  /** First look at a load: counts events as read, moves event times, turns away what is late. */
  route(load: EventLoad): void {
    const { events, records } = load
    const maxima = records.sources.map((source) => this.#parts.positions.eventMsMax(source))
    this.#writers.begin(events)
    for (let event = 0; event < events.count; event++) {
      const index = events.stream[event] ?? settled
      if (index === settled) continue
      const eventMs = events.eventTimeMs[event] ?? Number.NaN
      const writer = this.#writerAt(index, eventMs)
      this.#writers.set(event, writer)
      writer.cell.read += 1
      const eventMsMax = maxima[records.source[events.record[event] ?? 0] ?? 0]
      if (eventMsMax !== undefined && !((eventMsMax[index] ?? Number.NaN) >= eventMs)) {
        eventMsMax[index] = eventMs
      }
      if (writer.fate === 'dead-letter') this.refused(load, event, lateRefusal(writer))
    }
  }

  /** Last look at a load that was routed last: writes the events that have no fate yet. */
  append(load: EventLoad): void {
    const { waitingRoom } = this.#parts
    waitingRoom.begin(load)
    const waits = this.#writers.areScattered(load.events, rowsAtOnceMin)
    if (!waits || !waitingRoom.adopt(this.#writers.numbers)) this.#appendEach(load)
    const { count, writerCount, isFull } = waitingRoom
    if (isFull || (count > 0 && count >= writerCount * rowsAtOnceWanted)) this.#writeWaiting()
    this.#parts.letters.flush()
    this.#relieve()
  }

  filtered(load: EventLoad, event: number, reason: string): void {
    countReason(this.#cellOf(load, event).filtered, reason)
    load.events.stream[event] = settled
  }

  refused(load: EventLoad, event: number, refusal: EventRefusal): void {
    const cell = this.#cellOf(load, event)
    const index = load.events.stream[event] ?? settled
    const { stream } = this.#streamAt(index).stream
    const memory = this.#parts.input.u8
    const at = { stream, partition: cell.partition }
    this.#keep(letterOf({ load, event, memory, ...at }, refusal))
    load.events.stream[event] = settled
  }

  /** A letter of the stages before `route`, which never saw its event: counts it as read too. */
  refuse(letter: DeadLetter): void {
    this.#counts.cell(letter.stream, letter.partition).read += 1
    this.#keep(letter)
  }

  /**
   * Takes what a module made of events that `route` counted, and gives each of them its fate. The
   * kernel's input is free.
   *
   * An event one of whose rows the kernel refuses is a dead letter, whatever became of the others.
   */
  appendModuleRows(module: ModuleRows): void {
    const { input } = this.#parts
    const writer = this.#streamAt(module.stream)
    const refused = appendModuleRows(module, input.load(module.rows), (eventMs) =>
      writer.at(eventMs),
    )
    const { events } = module.load
    for (let event = 0; event < events.count; event++) {
      const target = writer.at(events.eventTimeMs[event] ?? Number.NaN)
      const { cell } = target
      const letter = module.letters.get(event)
      const reason = refused.get(event)
      if (letter !== undefined) this.#keep(letter)
      else if (reason !== undefined) {
        const { load, memory } = module
        const at = { load, event, memory, stream: cell.stream }
        this.#keep(letterOf({ ...at, partition: cell.partition }, decodeRefusal(reason)))
      } else if (rowCountOf(module, event) > 0) target.countTaken(1)
      else countReason(cell.filtered, 'etl-empty')
    }
    this.#parts.letters.flush()
    this.#held.onChange()
    this.#relieve()
    input.clear()
  }

  /** `sealing`, in one go. */
  seal(facts: SealFacts): SealedCommit | undefined {
    const steps = this.sealing(facts)
    for (;;) {
      const step = steps.next()
      if (step.done === true) return step.value
    }
  }

  /**
   * Closes all files and hands over what accumulated; the next commit starts from nothing. Of many
   * files this takes long: after each one others may have their turn, if nobody takes anything in
   * or discards it meanwhile. What is counted and up to where is taken in one go.
   */
  *sealing(facts: SealFacts): Generator<void, SealedCommit | undefined> {
    yield* this.#writingWaiting()
    this.#relief.beforeSeal(this.#held.sums.fullest)
    this.#parts.input.clear()
    this.#writers.forget()
    const writers = this.#streams.flatMap((stream) => stream.take())
    this.#held.onChange()
    const { publishedHere = new Set() } = facts
    this.#growing.settle({ fold: this.#fold, publishedHere })
    for (const { cell, fate } of writers) if (fate === 'append') cell.lateAppended = cell.written
    const { ranges, progress } = this.#parts.positions.seal()
    const counts = this.#counts.seal()
    const unknownFields = this.#streams.flatMap((stream) => stream.takeUnknownFields())
    const files: SealedFile[] = []
    const places: AppendPlace[] = []
    for (const writer of writers) {
      const sealed = this.#sealedBy(writer, files.length)
      yield
      if (sealed.length === 0) continue
      files.push(...sealed)
      const place = { stream: writer.table.stream, partition: writer.partition }
      places.push(writer.fate === 'append' ? { ...place, late: true } : place)
    }
    const day = partitionAt(facts.lakeNowMs, dayInUtc)
    const letters = this.#parts.letters.seal(day, this.#commitId)
    if (letters !== undefined) {
      files.push(letters)
      places.push({ stream: letters.stream, partition: day })
    }
    const { configVersion, evidence, replay } = facts
    const isEmpty = ranges.length === 0 && evidence.length === 0
    if (isEmpty && replay === undefined) return undefined
    const commitId = this.#commitId
    this.#commitId = this.#parts.nextCommitId()
    const commit = { commitId, ranges, places, configVersion, files, counts, progress, evidence }
    return { ...commit, unknownFields, ...(replay === undefined ? {} : { replay }) }
  }

  /** Forgets what accumulated: its records will be read again. */
  discard(): void {
    for (const stream of this.#streams) {
      for (const writer of stream.take()) writer.discard()
      stream.takeUnknownFields()
    }
    this.#held.onChange()
    this.#parts.waitingRoom.clear()
    this.#parts.input.clear()
    this.#writers.forget()
    this.#dirty.length = 0
    this.#parts.letters.discard()
    this.#counts.seal()
    this.#commitId = this.#parts.nextCommitId()
  }

  /** Takes back the memory of files that nobody reads any more: their commit is published. */
  release({ files }: SealedCommit): void {
    for (const file of files) file.release()
    pageSlabs.trim()
  }

  /** @param first place of its first file among those of the commit. */
  #sealedBy(writer: PartitionWriter, first: number): readonly SealedFile[] {
    if (!writer.grows) return writer.seal()
    const { files, last } = writer.sealGrowing(this.#growing.at(writer.place))
    if (last !== undefined) {
      const commit = { commitId: this.#commitId, ordinal: first + files.length - 1 }
      this.#growing.sealed(last.state, commit, last.base)
    }
    return files
  }

  #appendEach(load: EventLoad): void {
    const { events } = load
    for (let event = 0; event < events.count; event++) {
      if (events.stream[event] === settled) continue
      const writer = this.#writers.of(event)
      if (writer.pending.count === 0) this.#dirty.push(writer)
      writer.pending.add(event)
    }
    for (const writer of this.#dirty) {
      const pending = writer.pending.take()
      const waits = pending.length < rowsAtOnceMin || this.#parts.waitingRoom.hasOf(writer.number)
      if (waits) this.#setAside(writer, pending, load)
      else this.#write(writer, pending, load)
    }
    this.#dirty.length = 0
  }

  /** Has events wait for more of their file, or writes them where there is no room for that. */
  #setAside(writer: PartitionWriter, events: Int32Array, load: EventLoad): void {
    const { waitingRoom } = this.#parts
    for (let index = 0; index < events.length; index++) {
      const event = events[index] ?? -1
      let taken = waitingRoom.take(event, writer.number)
      if (taken === 'taken') continue
      // Rows keep their order: what waits of the file is written before them.
      this.#writeWaiting()
      if (taken === 'no-room') taken = waitingRoom.take(event, writer.number)
      if (taken !== 'taken') return this.#write(writer, events.subarray(index), load)
    }
    return undefined
  }

  #writeWaiting(): void {
    for (const _ of this.#writingWaiting()) continue
  }

  /** Writes what waits, one file after the other. */
  *#writingWaiting(): Generator<void> {
    const { waitingRoom } = this.#parts
    for (const { number, events, load } of waitingRoom.byWriter()) {
      this.#write(this.#writers.numbered(number), events, load)
      // Files of even streams outgrow their pages at the same time: not all before some are closed.
      this.#relieve()
      yield
    }
    waitingRoom.clear()
  }

  #write(writer: PartitionWriter, events: Int32Array, load: EventLoad): void {
    this.#held.onChange()
    const refusals = writer.write(events, load)
    writer.countTaken(events.length - refusals.length)
    for (const { event, reason } of refusals) {
      this.refused(load, event, decodeRefusal(reason))
    }
  }

  #relieve(): void {
    if (this.#relief.give() === 'pages-closed') this.#held.onChange()
  }

  #keep(letter: DeadLetter): void {
    const cell = this.#counts.cell(letter.stream, letter.partition)
    if (letter.step === 'late') cell.late += 1
    else countReason(cell.deadLettered, letter.reason)
    this.#parts.letters.add(letter, this.#commitId)
  }

  #cellOf(load: EventLoad, event: number): PartitionWriter['cell'] {
    const index = load.events.stream[event] ?? settled
    return this.#writerAt(index, load.events.eventTimeMs[event] ?? Number.NaN).cell
  }

  #writerAt(stream: number, eventMs: number): PartitionWriter {
    return this.#streamAt(stream).at(unixMs(eventMs))
  }

  #streamAt(index: number): StreamWriter {
    return present(this.#streams[index], 'a routed event has a configured stream')
  }
}

export interface SealFacts {
  readonly lakeNowMs: UnixMs
  readonly configVersion: number
  readonly evidence: readonly IdleEvidence[]
  /** Where the events came from dead letters. */
  readonly replay?: LetterReplay
  /** Commits that are published, though the log will say so only in the next entry. */
  readonly publishedHere?: ReadonlySet<CommitId>
}
