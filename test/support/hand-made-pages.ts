/**
 * A kernel of hand-made pages, to test how files are put together without WebAssembly.
 *
 * The table: `id int64`, `name string?`, `tags list<int32>`. Rows are given directly; every
 * `append` of a batch takes the next rows. Pages are plain, or with a dictionary for `name`. As the
 * kernel's, its answers are views of memory that the next call overwrites.
 */
import type { TakenPage } from '../../src/kernel/file-columns.ts'
import type { CompiledTable, FileColumns } from '../../src/kernel/kernel.ts'
import type { RowBatch, RowRefusal } from '../../src/model/row-batch.ts'
import type { ColumnLeaf, ColumnNode, TableSchema } from '../../src/model/table-schema.ts'

export interface HandMadeRow {
  readonly id: bigint
  readonly name: string | undefined
  readonly tags: readonly number[]
}

const leaf = (
  name: string,
  physical: ColumnLeaf['physical'],
  more: Partial<ColumnLeaf> = {},
): ColumnLeaf => ({
  kind: 'leaf',
  name,
  repetition: 'required',
  physical,
  logical: undefined,
  fieldId: undefined,
  ...more,
})

const id = leaf('id', 'int64', { fieldId: 1 })
const name = leaf('name', 'byte-array', { repetition: 'optional', logical: 'string', fieldId: 2 })
const element = leaf('element', 'int32')
const tags: ColumnNode = {
  kind: 'group',
  name: 'tags',
  repetition: 'required',
  logical: 'list',
  fieldId: 3,
  children: [
    {
      kind: 'group',
      name: 'list',
      repetition: 'repeated',
      logical: undefined,
      fieldId: undefined,
      children: [element],
    },
  ],
}

export const handMadeSchema: TableSchema = {
  columns: [id, name, tags],
  leaves: [
    { leaf: id, path: ['id'], definitionMax: 0, repetitionMax: 0 },
    { leaf: name, path: ['name'], definitionMax: 1, repetitionMax: 0 },
    { leaf: element, path: ['tags', 'list', 'element'], definitionMax: 1, repetitionMax: 1 },
  ],
}

type Page = TakenPage

/** Levels of one bit, each as a run of length 1: long, and right. */
function levels(values: readonly number[]): Buffer {
  const runs = Buffer.from(values.flatMap((value) => [2, value]))
  const length = Buffer.alloc(4)
  length.writeInt32LE(runs.length)
  return Buffer.concat([length, runs])
}

function int32(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeInt32LE(value, 4 * index)
  return bytes
}

function int64(values: readonly bigint[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length)
  for (const [index, value] of values.entries()) bytes.writeBigInt64LE(value, 8 * index)
  return bytes
}

const string = (value: string): Buffer =>
  Buffer.concat([int32([Buffer.byteLength(value)]), Buffer.from(value)])

function idPage(rows: readonly HandMadeRow[]): Page {
  const count = rows.length
  const body = int64(rows.map((row) => row.id))
  const ids = rows.map((row) => row.id).sort((a, b) => (a < b ? -1 : 1))
  return {
    body,
    valueCount: count,
    rowCount: count,
    nullCount: 0,
    encoding: 'plain',
    min: int64(ids.slice(0, 1)),
    max: int64(ids.slice(-1)),
    hashes: undefined,
  }
}

/** Indexes are written with 8 bits, each as a run of length 1. */
function namePage(rows: readonly HandMadeRow[], dictionary: Map<string, number>): Page {
  const names = rows.flatMap((row) => row.name ?? [])
  for (const each of names) if (!dictionary.has(each)) dictionary.set(each, dictionary.size)
  const indexes = names.flatMap((each) => [2, dictionary.get(each) ?? 0])
  const sorted = names.map((each) => Buffer.from(each)).sort((a, b) => Buffer.compare(a, b))
  const defined = levels(rows.map((row) => (row.name === undefined ? 0 : 1)))
  return {
    body: Buffer.concat([defined, Buffer.from([8, ...indexes])]),
    valueCount: rows.length,
    rowCount: rows.length,
    nullCount: rows.length - names.length,
    encoding: 'rle-dictionary',
    min: sorted[0],
    max: sorted.at(-1),
    hashes: undefined,
  }
}

function tagsPage(rows: readonly HandMadeRow[]): Page {
  const places = rows.flatMap((row) =>
    row.tags.length === 0 ? [[0, 0]] : row.tags.map((_, index) => [index === 0 ? 0 : 1, 1]),
  )
  const values = rows.flatMap((row) => row.tags)
  const body = Buffer.concat([
    levels(places.map(([repetition = 0]) => repetition)),
    levels(places.map(([, definition = 0]) => definition)),
    int32(values),
  ])
  const nullCount = places.length - values.length
  const valueCount = places.length
  const hasValues = values.length > 0
  return {
    body,
    valueCount,
    rowCount: rows.length,
    nullCount,
    encoding: 'plain',
    min: hasValues ? int32([Math.min(...values)]) : undefined,
    max: hasValues ? int32([Math.max(...values)]) : undefined,
    hashes: undefined,
  }
}

/** A table whose files take the given rows, `pageRows` to a page. */
export class HandMadeTable implements CompiledTable {
  readonly plan = {
    schema: handMadeSchema,
    leaves: handMadeSchema.leaves.map(() => ({ identity: undefined })),
  } as unknown as CompiledTable['plan']
  readonly #rows: readonly HandMadeRow[]
  readonly #pageRows: number
  released = 0

  constructor(rows: readonly HandMadeRow[], pageRows = 100) {
    this.#rows = rows
    this.#pageRows = pageRows
  }

  openFile(): FileColumns {
    return new HandMadeColumns(this.#rows, this.#pageRows, () => this.released++)
  }

  takeUnknownFields(): ReturnType<CompiledTable['takeUnknownFields']> {
    return { fields: [], otherCount: 0 }
  }

  release(): void {
    this.released++
  }
}

type Closed = ReturnType<FileColumns['closeChunk']>

class HandMadeColumns implements FileColumns {
  readonly #memory = new Uint8Array(65_536)
  #used = 0
  readonly #rows: readonly HandMadeRow[]
  readonly #pageRows: number
  readonly #onRelease: () => void
  /** Rows `[#groupFirst, #taken)` are in the open row group; each column is at its own place. */
  #taken = 0
  #groupFirst = 0
  #paged = [0, 0, 0]
  #dictionary = new Map<string, number>()

  constructor(rows: readonly HandMadeRow[], pageRows: number, onRelease: () => void) {
    this.#rows = rows
    this.#pageRows = pageRows
    this.#onRelease = onRelease
  }

  get rowsBuffered(): number {
    return this.#taken - this.#groupFirst
  }

  get bufferedBytes(): number {
    return this.#paged.reduce((sum, paged) => sum + 8 * (this.#taken - paged), 0)
  }

  /** A row with a negative id is refused. */
  append(batch: RowBatch): readonly RowRefusal[] {
    const rows = this.#rows.slice(this.#taken, this.#taken + batch.count)
    this.#taken += batch.count
    return rows.flatMap((row, index) =>
      row.id < 0n ? [{ row: index, reason: 'malformed' as const }] : [],
    )
  }

  pageBytesOf(leastBytes: number): number {
    return this.largePages(leastBytes).reduce((sum, column) => sum + this.#openBytes(column), 0)
  }

  largePages(leastBytes: number): readonly number[] {
    return [0, 1, 2].filter((column) => this.#openBytes(column) >= leastBytes)
  }

  shrink(): void {}

  #openBytes(column: number): number {
    return 8 * (this.#taken - (this.#paged[column] ?? 0))
  }

  fullPages(): readonly number[] {
    return [0, 1, 2].filter((column) => this.#taken - (this.#paged[column] ?? 0) >= this.#pageRows)
  }

  takePage(column: number): Page | undefined {
    const page = this.#page(column)
    return page && { ...page, body: this.#shared(page.body) }
  }

  #page(column: number): Page | undefined {
    const rows = this.#rows.slice(this.#paged[column], this.#taken).filter((row) => row.id >= 0n)
    this.#paged[column] = this.#taken
    if (rows.length === 0) return undefined
    if (column === 0) return idPage(rows)
    return column === 1 ? namePage(rows, this.#dictionary) : tagsPage(rows)
  }

  closeChunk(column: number): Closed {
    this.#memory.fill(0xee)
    this.#used = 0
    const { dictionary, nullCount } = this.#closed(column)
    return {
      dictionary: dictionary && { ...dictionary, body: this.#view(dictionary.body) },
      hashes: undefined,
      nullCount,
    }
  }

  hashValues(): void {
    throw new Error('hand-made columns have no hashes')
  }

  #shared(bytes: Uint8Array): Uint8Array {
    this.#memory.fill(0xee)
    this.#used = 0
    return this.#view(bytes)
  }

  #view(bytes: Uint8Array): Uint8Array {
    this.#memory.set(bytes, this.#used)
    this.#used += bytes.length
    return this.#memory.subarray(this.#used - bytes.length, this.#used)
  }

  #closed(column: number): Closed {
    const rows = this.#rows.slice(this.#groupFirst, this.#taken).filter((row) => row.id >= 0n)
    const nothing = { dictionary: undefined, hashes: undefined }
    if (column === 0) return { ...nothing, nullCount: 0 }
    if (column === 2) {
      return { ...nothing, nullCount: rows.filter((row) => row.tags.length === 0).length }
    }
    const nullCount = rows.filter((row) => row.name === undefined).length
    const valueCount = this.#dictionary.size
    const body = Buffer.concat([...this.#dictionary.keys()].map(string))
    return {
      ...nothing,
      dictionary: valueCount === 0 ? undefined : { body, valueCount },
      nullCount,
    }
  }

  nextRowGroup(): void {
    this.#groupFirst = this.#taken
    this.#dictionary = new Map()
  }

  release(): void {
    this.#onRelease()
  }
}

/** A batch of so many rows; their bytes are of no meaning here. */
export const batchOf = (count: number): RowBatch => ({
  count,
  starts: new Int32Array(count),
  ends: new Int32Array(count),
  topic: '',
  partitions: new Int32Array(count),
  offsets: new BigInt64Array(count),
  indexes: new Int32Array(count),
  ingestMs: 0,
})
