/**
 * An independent reader of the kernel's pages: bodies to levels and values, columns to rows.
 *
 * Slow and plain on purpose: it shares nothing with the kernel but the specification.
 */
import { present } from '../../src/base/assert.ts'
import type { FileColumns } from '../../src/kernel/kernel.ts'
import type {
  ColumnLeaf,
  ColumnNode,
  LeafColumn,
  TableSchema,
} from '../../src/model/table-schema.ts'
import { readDeltas } from './delta-values.ts'

export type CellValue = bigint | number | boolean | string | null
/** Rows as plain data: groups are objects, lists arrays, maps arrays of pairs. */
export type RowValue = CellValue | readonly RowValue[] | { readonly [name: string]: RowValue }

interface Entry {
  readonly repetition: number
  readonly definition: number
  readonly value: CellValue
}

export interface ReadChunk {
  readonly entries: readonly Entry[]
  readonly encodings: readonly string[]
  /** Of each page: levels and values before compression. */
  readonly bodyBytes: readonly number[]
  readonly nullCount: number
  readonly dictionaryCount: number
  readonly min: CellValue | undefined
  readonly max: CellValue | undefined
}

class Cursor {
  readonly bytes: Uint8Array
  readonly view: DataView
  at = 0

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  byte(): number {
    return present(this.bytes[this.at++], 'the page has this byte')
  }

  varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
  }

  uint32(): number {
    this.at += 4
    return this.view.getUint32(this.at - 4, true)
  }

  take(size: number): Uint8Array {
    if (this.at + size > this.bytes.length) throw new RangeError('the page is too short')
    this.at += size
    return this.bytes.slice(this.at - size, this.at)
  }
}

function packedValues(cursor: Cursor, groups: number, width: number): number[] {
  const bytes = cursor.take(groups * width)
  return Array.from({ length: groups * 8 }, (_, index) => {
    let value = 0
    for (let bit = 0; bit < width; bit++) {
      const place = index * width + bit
      const byte = present(bytes[place >> 3], 'a packed group is whole')
      value += ((byte >> (place & 7)) & 1) * 2 ** bit
    }
    return value
  })
}

/** RLE and bit-packed hybrid, which must end exactly at the cursor's end. */
function hybrid(cursor: Cursor, width: number, count: number): number[] {
  const values: number[] = []
  while (values.length < count) {
    const header = cursor.varint()
    if ((header & 1) === 1) {
      values.push(...packedValues(cursor, header >> 1, width))
      continue
    }
    const bytes = cursor.take(Math.ceil(width / 8))
    const value = bytes.reduceRight((above, byte) => above * 256 + byte, 0)
    if (header >> 1 === 0) throw new RangeError('a run is not empty')
    for (let i = 0; i < header >> 1; i++) values.push(value)
  }
  if (values.length - count >= 8) throw new RangeError('only a last group has spare values')
  if (cursor.at !== cursor.bytes.length) throw new RangeError('a hybrid stream fills its place')
  return values.slice(0, count)
}

function levels(cursor: Cursor, levelMax: number, count: number): number[] {
  if (levelMax === 0) return Array.from({ length: count }, () => 0)
  const stream = new Cursor(cursor.take(cursor.uint32()))
  return hybrid(stream, 32 - Math.clz32(levelMax), count)
}

function textOf(leaf: ColumnLeaf, bytes: Uint8Array): string {
  const isText = leaf.logical === 'string' || leaf.logical === 'enum'
  return isText ? Buffer.from(bytes).toString('utf8') : `0x${Buffer.from(bytes).toString('hex')}`
}

function fixedValue(leaf: ColumnLeaf, cursor: Cursor): CellValue {
  const { view, at } = cursor
  switch (leaf.physical) {
    case 'int32':
      cursor.at += 4
      return leaf.logical === 'uint32' ? view.getUint32(at, true) : view.getInt32(at, true)
    case 'int64':
      cursor.at += 8
      return leaf.logical === 'uint64' ? view.getBigUint64(at, true) : view.getBigInt64(at, true)
    case 'int96':
      cursor.at += 12
      return `${view.getUint32(at + 8, true)} ${view.getBigUint64(at, true)}`
    case 'float':
      cursor.at += 4
      return view.getFloat32(at, true)
    case 'double':
      cursor.at += 8
      return view.getFloat64(at, true)
    case 'boolean':
      return cursor.byte() === 1
    case 'byte-array':
      return textOf(leaf, cursor.take(cursor.bytes.length - at))
  }
}

function plainValues(leaf: ColumnLeaf, cursor: Cursor, count: number): CellValue[] {
  if (leaf.physical === 'boolean') {
    const bytes = cursor.take(Math.ceil(count / 8))
    return Array.from({ length: count }, (_, i) => (((bytes[i >> 3] ?? 0) >> (i & 7)) & 1) === 1)
  }
  return Array.from({ length: count }, () => {
    if (leaf.physical !== 'byte-array') return fixedValue(leaf, cursor)
    return textOf(leaf, cursor.take(cursor.uint32()))
  })
}

/** @param shared how many bytes each text has of the one before. */
function sharingTexts(leaf: ColumnLeaf, cursor: Cursor, shared: readonly bigint[]): CellValue[] {
  const lengths = readDeltas(cursor.bytes.subarray(cursor.at), 32)
  if (lengths.values.length !== shared.length) throw new RangeError('as many lengths as texts')
  cursor.take(lengths.sizeBytes)
  let text = new Uint8Array()
  return lengths.values.map((length, index) => {
    const kept = text.subarray(0, Number(shared[index]))
    if (BigInt(kept.length) !== shared[index]) throw new RangeError('more shared than there is')
    text = Buffer.concat([kept, cursor.take(Number(length))])
    return textOf(leaf, text)
  })
}

/** Values outside of a dictionary. */
function valuesOf(
  leaf: ColumnLeaf,
  cursor: Cursor,
  { encoding, count }: { readonly encoding: string; readonly count: number },
): CellValue[] {
  if (encoding === 'plain') return plainValues(leaf, cursor, count)
  const is64 = leaf.physical === 'int64'
  const deltas = readDeltas(cursor.bytes.subarray(cursor.at), is64 ? 64 : 32)
  if (deltas.values.length !== count) throw new RangeError('as many differences as values')
  cursor.take(deltas.sizeBytes)
  if (encoding === 'delta-byte-array') return sharingTexts(leaf, cursor, deltas.values)
  return deltas.values.map((value) => {
    const isUnsigned = leaf.logical === 'uint32' || leaf.logical === 'uint64'
    const shown = isUnsigned ? BigInt.asUintN(is64 ? 64 : 32, value) : value
    return is64 ? shown : Number(shown)
  })
}

interface OpenPage {
  readonly body: Uint8Array
  readonly valueCount: number
  readonly rowCount: number
  readonly nullCount: number
  readonly encoding: string
  readonly min: Uint8Array | undefined
  readonly max: Uint8Array | undefined
}

/** A page's values, and its bounds; texts that are too long for one leave it away. */
interface ReadPage {
  readonly entries: readonly Entry[]
  readonly min: CellValue | undefined
  readonly max: CellValue | undefined
}

/** In the order of the format: texts by their bytes, `true` above `false`. */
function isBelow(left: CellValue, right: CellValue): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return (left ?? 0) < (right ?? 0)
  return Buffer.compare(Buffer.from(left), Buffer.from(right)) < 0
}

/** The last of the order; NaN and absent values have no place in it. */
function lastOf(
  values: readonly (CellValue | undefined)[],
  isBefore: (left: CellValue, right: CellValue) => boolean,
): CellValue | undefined {
  let last: CellValue | undefined
  for (const value of values) {
    if (value === undefined || value === null || Number.isNaN(value)) continue
    if (last === undefined || isBefore(last, value)) last = value
  }
  return last
}

const textBytesMax = 65_536

/** A bound is the value itself, or as much of it as is kept, or absent; 0 equals -0. */
function checkBound(
  bound: CellValue | Uint8Array | undefined,
  expected: CellValue | undefined,
): void {
  const isSame = bound === expected || (Number(bound) === 0 && Number(expected) === 0)
  if (isSame || isBeginning(bound, expected)) return
  throw new RangeError(`bound of the page: ${String(bound)}, not ${String(expected)}`)
}

/** Of a long text; the last character may be cut. */
function isBeginning(bound: unknown, expected: unknown): boolean {
  if (typeof bound !== 'string' || typeof expected !== 'string') return false
  const whole = bound.replace(/\ufffd$/, '')
  return Buffer.byteLength(whole) > textBytesMax - 4 && expected.startsWith(whole)
}

/** Collects the pages of one column of a file. */
export class ChunkReader {
  readonly #file: FileColumns
  readonly #column: number
  readonly #leaf: LeafColumn
  readonly #pages: OpenPage[] = []

  constructor(file: FileColumns, column: number, leaf: LeafColumn) {
    this.#file = file
    this.#column = column
    this.#leaf = leaf
  }

  takePage(): void {
    const page = this.#file.takePage(this.#column)
    if (page !== undefined) this.#pages.push({ ...page, body: page.body.slice() })
  }

  close(): ReadChunk {
    this.takePage()
    const chunk = this.#file.closeChunk(this.#column)
    const { leaf } = this.#leaf
    const { dictionary } = chunk
    const texts = dictionary && new Cursor(dictionary.body.slice())
    const entries = texts && plainValues(leaf, texts, dictionary.valueCount)
    if (texts && texts.at !== texts.bytes.length) throw new RangeError('spare dictionary bytes')
    const pages = this.#pages.map((page) => this.#readPage(page, entries))
    return {
      entries: pages.flatMap((page) => page.entries),
      encodings: this.#pages.map(({ encoding }) => encoding),
      bodyBytes: this.#pages.map(({ body }) => body.length),
      nullCount: chunk.nullCount,
      dictionaryCount: dictionary?.valueCount ?? 0,
      min: lastOf(
        pages.map(({ min }) => min),
        (left, right) => isBelow(right, left),
      ),
      max: lastOf(
        pages.map(({ max }) => max),
        isBelow,
      ),
    }
  }

  #readPage(page: OpenPage, dictionary: readonly CellValue[] | undefined): ReadPage {
    const { leaf, definitionMax, repetitionMax } = this.#leaf
    const cursor = new Cursor(page.body)
    const repetitions = levels(cursor, repetitionMax, page.valueCount)
    const definitions = levels(cursor, definitionMax, page.valueCount)
    const count = definitions.filter((level) => level === definitionMax).length
    if (page.nullCount !== page.valueCount - count) throw new RangeError('null count of the page')
    const rows = repetitions.filter((level) => level === 0).length
    if (page.rowCount !== rows) throw new RangeError('row count of the page')
    if (repetitions[0] !== 0) throw new RangeError('the page begins within a row')
    const values =
      page.encoding === 'rle-dictionary'
        ? indexed(cursor, count, present(dictionary, 'indexes have a dictionary'))
        : valuesOf(leaf, cursor, { encoding: page.encoding, count })
    if (cursor.at !== cursor.bytes.length) throw new RangeError('the page has spare bytes')
    let next = 0
    const entries = definitions.map((definition, index) => ({
      repetition: present(repetitions[index], 'as many repetition levels'),
      definition,
      value: definition === definitionMax ? present(values[next++], 'as many values') : null,
    }))
    return { entries, ...this.#readBounds(page, values) }
  }

  #readBounds(page: OpenPage, values: readonly CellValue[]): Pick<ReadPage, 'min' | 'max'> {
    if (this.#leaf.leaf.physical === 'int96') {
      checkBound(page.min, undefined)
      checkBound(page.max, undefined)
      return { min: undefined, max: undefined }
    }
    const [min, max] = [page.min, page.max].map(
      (bytes) => bytes && fixedValue(this.#leaf.leaf, new Cursor(bytes)),
    )
    checkBound(
      min,
      lastOf(values, (left, right) => isBelow(right, left)),
    )
    checkBound(max, lastOf(values, isBelow))
    return { min, max }
  }
}

function indexed(cursor: Cursor, count: number, dictionary: readonly CellValue[]): CellValue[] {
  const width = cursor.byte()
  const stream = new Cursor(cursor.take(cursor.bytes.length - cursor.at))
  const indexes = count === 0 ? [] : hybrid(stream, width, count)
  return indexes.map((index) => present(dictionary[index], 'the dictionary has the index'))
}

class LeafCursor {
  readonly entries: readonly Entry[]
  at = 0
  constructor(entries: readonly Entry[]) {
    this.entries = entries
  }
  get next(): Entry | undefined {
    return this.entries[this.at]
  }
}

/** Puts rows together again from the entries of all leaves. */
export function assembleRows(schema: TableSchema, chunks: readonly ReadChunk[]): RowValue[] {
  const cursors = chunks.map(({ entries }) => new LeafCursor(entries))
  const rows: RowValue[] = []
  while (cursors[0]?.next !== undefined) {
    let leaf = 0
    const row: Record<string, RowValue> = {}
    for (const column of schema.columns) {
      const width = leafCount(column)
      row[column.name] = read(column, cursors.slice(leaf, leaf + width), [0, 0])
      leaf += width
    }
    rows.push(row)
  }
  for (const { next } of cursors) if (next !== undefined) throw new RangeError('uneven columns')
  return rows
}

const leafCount = (node: ColumnNode): number =>
  node.kind === 'leaf' ? 1 : node.children.reduce((sum, child) => sum + leafCount(child), 0)

type Levels = readonly [definition: number, repetition: number]

function read(node: ColumnNode, cursors: readonly LeafCursor[], levelsAbove: Levels): RowValue {
  const [definition, repetition] = levelsAbove
  const first = present(cursors[0], 'a node has leaves')
  const level = present(first.next, 'the column has as many rows').definition
  if (node.repetition === 'required') return readInside(node, cursors, [definition, repetition])
  const inside: Levels = [definition + 1, repetition + (node.repetition === 'repeated' ? 1 : 0)]
  if (level <= definition) {
    for (const cursor of cursors) cursor.at += 1
    return node.repetition === 'repeated' ? [] : null
  }
  if (node.repetition === 'optional') return readInside(node, cursors, inside)
  const elements = [readInside(node, cursors, inside)]
  while (first.next?.repetition === inside[1]) elements.push(readInside(node, cursors, inside))
  return elements
}

function readInside(node: ColumnNode, cursors: readonly LeafCursor[], at: Levels): RowValue {
  if (node.kind === 'leaf') {
    const cursor = present(cursors[0], 'a leaf has a column')
    const entry = present(cursor.next, 'the column has as many rows')
    cursor.at += 1
    return entry.value
  }
  let leaf = 0
  const values: Record<string, RowValue> = {}
  for (const child of node.children) {
    const width = leafCount(child)
    values[child.name] = read(child, cursors.slice(leaf, leaf + width), at)
    leaf += width
  }
  if (node.logical === undefined) return values
  const inner = values[node.logical === 'list' ? 'list' : 'key_value']
  return Array.isArray(inner) ? inner.map(unwrap) : present(inner, 'a list has its level')
}

/** `{element}` and `{key, value}` as what they stand for. */
function unwrap(item: RowValue): RowValue {
  if (typeof item !== 'object' || item === null) throw new RangeError('an element is a group')
  const { element, key, value } = Object.fromEntries(Object.entries(item))
  return element === undefined ? [key ?? null, value ?? null] : element
}
