import { assert, present } from '../base/assert.ts'
import type { RefusalReason, RowBatch, RowRefusal } from '../model/row-batch.ts'
import type { LinkedTable } from './compiled-table.ts'
import { writeMessageTexts } from './message-texts.ts'
import { type FileEncodings, type PageEncoding, pageEncoding } from './page-encodings.ts'
import { SmallCopies } from './small-copies.ts'

/** A closed data page, body in the layout of version 1. */
export interface TakenPage {
  /** Valid until the next call on the kernel. */
  readonly body: Uint8Array
  /** Levels, nulls included. */
  readonly valueCount: number
  readonly rowCount: number
  readonly nullCount: number
  readonly encoding: PageEncoding
  /**
   * Plain-encoded, texts without their length and of those over 64 KiB the beginning: the whole one
   * is greater than that. Both are absent where no value has an order.
   */
  readonly min: Uint8Array | undefined
  readonly max: Uint8Array | undefined
  /**
   * XXH64 of each value, low word first, where the column is hashed and the page has no dictionary
   * indexes; valid until the next call.
   */
  readonly hashes: Uint32Array | undefined
}

/** What is known of a column chunk when all its pages are taken. */
export interface ClosedChunk {
  /** Plain-encoded; valid until the next call on the kernel. Undefined when no page uses it. */
  readonly dictionary: { readonly body: Uint8Array; readonly valueCount: number } | undefined
  /** Of the dictionary's entries, where the column is hashed; as those of pages. */
  readonly hashes: Uint32Array | undefined
  readonly nullCount: number
}

/** Column builders of one open file. */
export interface FileColumns {
  /**
   * Parses payloads and appends the good ones; a refused row leaves nothing behind.
   *
   * @returns refusals in the order of rows. Bad payloads never throw.
   * @throws {InvariantError} when the kernel's memory is used up by what is buffered.
   */
  append(batch: RowBatch): readonly RowRefusal[]
  /** Of the open row group. */
  readonly rowsBuffered: number
  /** Linear memory held by this file's builders. */
  readonly bufferedBytes: number
  /** Columns (leaf indexes) whose open page is full. */
  fullPages(): readonly number[]
  /** Memory of open pages, their dictionaries apart, of columns that hold at least so much. */
  pageBytesOf(leastBytes: number): number
  /** Columns (leaf indexes) whose open page holds at least so much. */
  largePages(leastBytes: number): readonly number[]
  /** Gives the memory of the page that was taken last back: rows that come take some anew. */
  shrink(column: number): void
  /** From here on pages and dictionaries of the column come with hashes; not of booleans. */
  hashValues(column: number): void
  /** Closes the column's open page; undefined when it is empty. */
  takePage(column: number): TakenPage | undefined
  /** After the column's last page of the row group. */
  closeChunk(column: number): ClosedChunk
  /** After `closeChunk` of all columns: the builders start over. */
  nextRowGroup(): void
  release(): void
}

/** What the last parse made of the first payloads that are staged. */
interface ParsedSlice {
  /** Payloads that were dealt with, from the first. */
  readonly taken: number
  readonly given: number
  /** Index of the row set that had no room for the next one, or -1, or `capturesFull`. */
  readonly full: number
  /** Those that were refused for a message within, by place. */
  readonly refused: ReadonlyMap<number, RefusalReason>
  /** To be called when the rows are encoded. */
  readonly release: () => void
}

/** Must agree with `Failure` in kernel/structures.ts. */
const refusalReasons: readonly (RefusalReason | undefined)[] = [
  undefined,
  'truncated',
  'malformed',
  'invalid-utf8',
  'too-deep',
  undefined,
  'out-of-range',
]

/** Must agree with `CAPTURES_FULL` in kernel/row-sets.ts. */
const capturesFull = -2
/** A batch cut this short by a full row set wants more room. */
const cutShort = 0.25
/** A payload above this share of the memory is impossible: it is copied several times. */
const payloadShareMax = 1 / 8

/** One for all files. */
const rangeEnds = new SmallCopies()

export class KernelFile implements FileColumns {
  readonly #table: LinkedTable
  readonly #onRelease: () => void
  readonly #file: number
  readonly #leafCount: number
  #anyFull = false
  #released = false

  constructor(table: LinkedTable, encodings: FileEncodings, onRelease: () => void) {
    this.#table = table
    this.#onRelease = onRelease
    this.#leafCount = table.plan.leaves.length
    const program = table.linked()
    const plainOnly = encodings === 'plain' ? 1 : 0
    this.#file = this.#memory.guard('opening a file', () =>
      this.#calls.openFile(program, plainOnly),
    )
    table.habits.teach(this.#calls, this.#file)
  }

  get #memory() {
    return this.#table.parts.memory
  }
  get #calls() {
    return this.#table.parts.memory.calls
  }

  get rowsBuffered(): number {
    return this.#calls.fileRows(this.#file)
  }
  get bufferedBytes(): number {
    return this.#calls.fileBytes(this.#file)
  }

  append(batch: RowBatch): readonly RowRefusal[] {
    assert(!this.#released, 'a released file takes no rows')
    const refusals: RowRefusal[] = []
    for (let first = 0; first < batch.count; ) {
      const next = Math.min(first + this.#table.rowsPerCall, batch.count)
      first += this.#appendSlice(batch, first, next, refusals)
    }
    return refusals
  }

  /** @returns how many rows were dealt with, at least one. */
  #appendSlice(batch: RowBatch, first: number, next: number, refusals: RowRefusal[]): number {
    if (this.#isImpossible(batch, first)) return this.#refuseTooLarge(first, refusals)
    const possible = this.#possibleNext(batch, first, next)
    const program = this.#table.linked()
    this.#table.parts.staging.stagePayloads(batch, first, possible)
    const slice = this.#parseSlice(program, possible - first)
    if (slice === undefined) return this.#refuseTooLarge(first, refusals)
    const { taken, given, full } = slice
    this.#table.countUnknown()
    this.#collectRefusals(first, slice.refused, refusals)
    const rows = this.#calls.acceptedRows(program)
    if (rows > 0) this.#encode(program, batch, { first, next: possible, rows })
    this.#calls.clearRows(program)
    slice.release()
    if (full === -1) return taken
    if (full === capturesFull) return taken > 0 ? taken : this.#refuseTooLarge(first, refusals)
    if (taken > 0) {
      if (taken < given * cutShort) this.#table.grow(full, false)
      return taken
    }
    return this.#table.grow(full, true) ? 0 : this.#refuseTooLarge(first, refusals)
  }

  /**
   * Parses staged payloads until all their messages are texts. A row cannot be taken back from
   * between others: where messages refuse some, all are parsed once more with those spoiled.
   *
   * @returns undefined when the texts of the first row alone have no room.
   */
  #parseSlice(program: number, count: number): ParsedSlice | undefined {
    const { staging, renderMessage } = this.#table.parts
    const refused = new Map<number, RefusalReason>()
    for (let given = count; given > 0; ) {
      const taken = this.#memory.guard('parsing rows', () =>
        this.#calls.parse(program, staging.starts, staging.ends, given),
      )
      const full = taken < given ? this.#calls.fullSet() : -1
      const texts = writeMessageTexts(this.#memory, this.#table.plan.leaves, renderMessage)
      if (texts.kind === 'written') return { taken, given, full, refused, release: texts.release }
      given = texts.next === undefined ? taken : this.#placeOf(texts.next)
      for (const { row, reason } of texts.refused) refused.set(this.#placeOf(row), reason)
      for (const place of refused.keys()) {
        if (place < given) staging.spoilPayload(place)
        else refused.delete(place)
      }
      this.#calls.clearRows(program)
      this.#calls.forgetUnknown()
    }
    return undefined
  }

  #encode(
    program: number,
    batch: RowBatch,
    slice: { readonly first: number; readonly next: number; readonly rows: number },
  ): void {
    for (const { leaf, identity } of this.#table.identityLeaves) {
      this.#table.parts.staging.fillIdentity(identity, this.#table.slotsOf(leaf), batch, slice)
    }
    const full = this.#memory.guard(`buffering ${this.bufferedBytes} bytes of a file`, () =>
      this.#calls.encode(program, this.#file),
    )
    if (full !== 0) this.#anyFull = true
  }

  /** Place in the batch of a row that was accepted. */
  #placeOf(row: number): number {
    const list = this.#calls.acceptedList() >>> 2
    return present(this.#memory.u32[list + row], 'place of an accepted row')
  }

  #isImpossible(batch: RowBatch, row: number): boolean {
    const start = present(batch.starts[row], 'row of the batch')
    const end = present(batch.ends[row], 'row of the batch')
    return (end - start) >>> 0 > this.#memory.memoryMaxBytes * payloadShareMax
  }

  /** End of the run of possible rows. */
  #possibleNext(batch: RowBatch, first: number, next: number): number {
    for (let row = first; row < next; row++) if (this.#isImpossible(batch, row)) return row
    return next
  }

  #refuseTooLarge(row: number, refusals: RowRefusal[]): number {
    refusals.push({ row, reason: 'too-large' })
    return 1
  }

  /** @param byMessages reasons of those that were spoiled, by place in the slice. */
  #collectRefusals(
    first: number,
    byMessages: ReadonlyMap<number, RefusalReason>,
    refusals: RowRefusal[],
  ): void {
    const count = this.#calls.refusedRows()
    assert(count >= byMessages.size, 'what is spoiled is refused')
    if (count === 0) return
    const list = this.#calls.refusedList() >>> 2
    const words = this.#memory.u32
    for (let i = 0; i < count; i++) {
      const place = present(words[list + i * 2], 'refused row')
      const known = refusalReasons[present(words[list + i * 2 + 1], 'reason of a refused row')]
      const reason = byMessages.get(place) ?? present(known, 'the kernel gives a known reason')
      refusals.push({ row: first + place, reason })
    }
  }

  fullPages(): readonly number[] {
    if (!this.#anyFull) return []
    this.#anyFull = false
    const columns = Array.from({ length: this.#leafCount }, (_, column) => column)
    const full = columns.filter((column) => this.#calls.pageIsFull(this.#file, column) !== 0)
    this.#anyFull = full.length > 0
    return full
  }

  pageBytesOf(leastBytes: number): number {
    return this.#calls.pagesHeld(this.#file, leastBytes)
  }

  largePages(leastBytes: number): readonly number[] {
    const columns = Array.from({ length: this.#leafCount }, (_, column) => column)
    return columns.filter((column) => this.#calls.pageHeld(this.#file, column) >= leastBytes)
  }

  shrink(column: number): void {
    const open = this.#calls.openLevels(this.#file, column)
    assert(open === 0, 'a column is shrunk after its page was taken')
    this.#calls.shrinkColumn(this.#file, column)
  }

  hashValues(column: number): void {
    this.#assertColumn(column)
    this.#calls.hashColumn(this.#file, column)
  }

  takePage(column: number): TakenPage | undefined {
    this.#assertColumn(column)
    if (this.#calls.openLevels(this.#file, column) === 0) return undefined
    const start = this.#memory.guard('closing a page', () =>
      this.#calls.takePage(this.#file, column),
    )
    const isKnown = this.#calls.rangeKnown(this.#file, column) !== 0
    const hashCount = this.#calls.takenHashCount()
    return {
      body: this.#memory.view(start, this.#calls.takenBytes()),
      valueCount: this.#calls.takenLevels(),
      rowCount: this.#calls.takenRows(),
      nullCount: this.#calls.takenNulls(),
      encoding: pageEncoding(this.#calls.takenEncoding()),
      min: isKnown ? this.#rangeEnd(column, 'min') : undefined,
      max: isKnown ? this.#rangeEnd(column, 'max') : undefined,
      hashes: hashCount === 0 ? undefined : this.#words(this.#calls.takenHashes(), hashCount * 2),
    }
  }

  closeChunk(column: number): ClosedChunk {
    this.#assertColumn(column)
    const open = this.#calls.openLevels(this.#file, column)
    assert(open === 0, 'a chunk is closed after its last page')
    const valueCount = this.#calls.dictionaryCount(this.#file, column)
    const start = this.#calls.dictionaryStart(this.#file, column)
    const sizeBytes = this.#calls.dictionarySize(this.#file, column)
    const nullCount = this.#calls.chunkNulls(this.#file, column)
    if (valueCount === 0) return { dictionary: undefined, hashes: undefined, nullCount }
    const hashes = this.#memory.guard('hashing a dictionary', () =>
      this.#calls.hashDictionary(this.#file, column),
    )
    const body = this.#memory.view(start, sizeBytes)
    return {
      dictionary: { body, valueCount },
      hashes: hashes === 0 ? undefined : this.#words(hashes, valueCount * 2),
      nullCount,
    }
  }

  #words(start: number, count: number): Uint32Array {
    const first = start >>> 2
    return this.#memory.u32.subarray(first, first + count)
  }

  #rangeEnd(column: number, end: 'min' | 'max'): Uint8Array {
    const isMax = end === 'max' ? 1 : 0
    const start = this.#calls.rangeStart(this.#file, column, isMax)
    const sizeBytes = this.#calls.rangeSize(this.#file, column, isMax)
    return rangeEnds.copy(this.#memory.view(start, sizeBytes))
  }

  nextRowGroup(): void {
    this.#calls.nextRowGroup(this.#file)
    this.#anyFull = false
  }

  release(): void {
    if (this.#released) return
    this.#released = true
    this.#table.habits.learn(this.#calls, this.#file)
    this.#calls.releaseFile(this.#file)
    this.#onRelease()
  }

  #assertColumn(column: number): void {
    assert(!this.#released, 'a released file has no columns')
    assert(column >= 0 && column < this.#leafCount, 'the column is a leaf of the table')
  }
}
