/**
 * The footer: schema, row groups with their column chunks, key-values, and the trailer behind it.
 *
 * - Offsets are absolute in the file.
 * - `column_orders` says for each leaf that its values are ordered as its type defines; without it
 *   readers ignore all minima and maxima.
 * - The format's version is 1: some readers refuse files above it, and nothing here needs more.
 *
 *     FileMetaData (Thrift compact) | its length, 4 bytes, little endian | "PAR1"
 *
 * Source: Apache Parquet, `parquet.thrift` (FileMetaData).
 */
import { type PageEncoding, pageEncodings } from '../../kernel/page-encodings.ts'
import type { LeafColumn, TableSchema } from '../../model/table-schema.ts'
import type { CompactBytes } from './compact-bytes.ts'
import type { ParquetCodec } from './compression.ts'
import { codecs, createdBy, encodings, magic, pageTypes, physicalTypes } from './format.ts'
import type { WrittenRowGroup } from './grown-file.ts'
import type { PagePlace } from './page-index.ts'
import { schemaElements } from './schema-elements.ts'
import { type ChunkBounds, writeStatistics } from './statistics.ts'
import { encodeThrift, list, struct, type ThriftValue, text } from './thrift.ts'

const formatVersion = 1

/** One column of one row group, as it stands in the file. */
export interface ChunkPlace extends ChunkBounds {
  readonly column: LeafColumn
  readonly codec: ParquetCodec
  /** Values and nulls of all data pages. */
  readonly valueCount: number
  readonly uncompressedBytes: number
  readonly compressedBytes: number
  readonly dictionaryOffset: number | undefined
  readonly dataOffset: number
  /** How many data pages there are of each encoding. */
  readonly pages: Readonly<Record<PageEncoding, number>>
  /** One after another from `dataOffset`. */
  readonly dataPages: readonly PagePlace[]
  /** Encoded; where it stands is said by `FileContent.indexes`. */
  readonly bloom: Uint8Array | undefined
}

/** A run of bytes of the file. */
export interface FileSpan {
  readonly offset: number
  readonly sizeBytes: number
}

/** What of a column chunk stands outside of it. */
interface ChunkIndexes {
  readonly bloom: FileSpan | undefined
  readonly columnIndex: FileSpan | undefined
  readonly offsetIndex: FileSpan | undefined
}

export interface RowGroupPlace {
  readonly rowCount: number
  /** In the order of the schema's leaves; at least one. */
  readonly chunks: readonly ChunkPlace[]
  /** Leaves by which the rows are sorted, ascending and without nulls, the first one first. */
  readonly sortedBy: readonly number[]
}

export interface FileContent {
  readonly schema: TableSchema
  /** Row groups that stand before, of a file that grows. */
  readonly earlier?: readonly WrittenRowGroup[]
  readonly rowGroups: readonly RowGroupPlace[]
  /** Of each chunk of each row group. */
  readonly indexes: readonly (readonly ChunkIndexes[])[]
  readonly keyValues: ReadonlyMap<string, string>
}

/**
 * Writes footer and trailer: everything behind the indexes.
 *
 * @returns where in `out` each row group is told of, those before left out.
 */
export function writeFooter(out: CompactBytes, content: FileContent): readonly FileSpan[] {
  const { schema, earlier = [], rowGroups, indexes, keyValues } = content
  const { elements, orders } = schemaLists(schema)
  const first = out.sizeBytes
  out.numberField(1, 'i32', formatVersion)
  out.field(1, 'list')
  out.written(elements)
  out.numberField(
    1,
    'i64',
    [...earlier, ...rowGroups].reduce((sum, group) => sum + group.rowCount, 0),
  )
  out.field(1, 'list')
  out.list('struct', earlier.length + rowGroups.length)
  for (const { bytes } of earlier) out.written(bytes)
  const spans = rowGroups.map((group, index) => {
    const offset = out.sizeBytes
    writeRowGroup(out, group, indexes[index] ?? [], earlier.length + index)
    return { offset, sizeBytes: out.sizeBytes - offset }
  })
  if (keyValues.size > 0) writeKeyValues(out, keyValues)
  out.field(keyValues.size > 0 ? 1 : 2, 'binary')
  out.binary(createdByBytes)
  out.field(1, 'list')
  out.written(orders)
  out.end()
  out.fixed32(out.sizeBytes - first)
  out.written(magic)
  return spans
}

const createdByBytes = Buffer.from(createdBy, 'utf8')

/** Lists that are the same in all files of a schema. */
interface SchemaLists {
  readonly elements: Uint8Array
  readonly orders: Uint8Array
}

const listsOfSchemas = new WeakMap<TableSchema, SchemaLists>()
const paths = new WeakMap<LeafColumn, Uint8Array>()

function schemaLists(schema: TableSchema): SchemaLists {
  const known = listsOfSchemas.get(schema)
  if (known !== undefined) return known
  const typeOrder = struct([[1, struct([])]])
  const orders = listBytes(schema.leaves.map(() => typeOrder))
  const lists = { elements: listBytes(schemaElements(schema)), orders }
  listsOfSchemas.set(schema, lists)
  return lists
}

/** A list of structs without the header of the field around it. */
const listBytes = (values: readonly ThriftValue[]): Uint8Array =>
  encodeThrift(struct([[1, list('struct', values)]])).slice(1, -1)

function pathBytes(column: LeafColumn): Uint8Array {
  const known = paths.get(column)
  if (known !== undefined) return known
  const path = encodeThrift(struct([[1, list('binary', column.path.map(text))]])).slice(1, -1)
  paths.set(column, path)
  return path
}

function writeKeyValues(out: CompactBytes, keyValues: ReadonlyMap<string, string>): void {
  out.field(1, 'list')
  out.list('struct', keyValues.size)
  for (const [key, value] of keyValues) {
    out.field(1, 'binary')
    out.binary(Buffer.from(key, 'utf8'))
    out.field(1, 'binary')
    out.binary(Buffer.from(value, 'utf8'))
    out.end()
  }
}

function writeRowGroup(
  out: CompactBytes,
  group: RowGroupPlace,
  indexes: readonly ChunkIndexes[],
  index: number,
): void {
  const { chunks, rowCount, sortedBy } = group
  const [first] = chunks
  out.field(1, 'list')
  out.list('struct', chunks.length)
  for (const [column, chunk] of chunks.entries()) writeColumnChunk(out, chunk, indexes[column])
  out.numberField(
    1,
    'i64',
    chunks.reduce((total, chunk) => total + chunk.uncompressedBytes, 0),
  )
  out.numberField(1, 'i64', rowCount)
  if (sortedBy.length > 0) writeSortedBy(out, sortedBy)
  out.numberField(
    sortedBy.length > 0 ? 1 : 2,
    'i64',
    first?.dictionaryOffset ?? first?.dataOffset ?? 0,
  )
  out.numberField(
    1,
    'i64',
    chunks.reduce((total, chunk) => total + chunk.compressedBytes, 0),
  )
  // The ordinal is 16 bits wide, of use to encrypted files only.
  if (index <= 0x7fff) {
    out.field(1, 'i16')
    out.number(index)
  }
  out.end()
}

/** Ascending, nulls last: there are none. */
function writeSortedBy(out: CompactBytes, columns: readonly number[]): void {
  out.field(1, 'list')
  out.list('struct', columns.length)
  for (const column of columns) {
    out.numberField(1, 'i32', column)
    out.flag(1, false)
    out.flag(1, false)
    out.end()
  }
}

/** `file_offset` is 0: there is no second copy of the metadata outside of the footer. */
function writeColumnChunk(
  out: CompactBytes,
  chunk: ChunkPlace,
  indexes: ChunkIndexes | undefined,
): void {
  const { columnIndex, offsetIndex } = indexes ?? {}
  out.numberField(2, 'i64', 0)
  out.field(1, 'struct')
  writeMetaData(out, chunk, indexes?.bloom)
  if (offsetIndex !== undefined) {
    writeSpan(out, 1, offsetIndex)
    // Never without the other: file-tail.ts writes both or the offset index alone.
    if (columnIndex !== undefined) writeSpan(out, 1, columnIndex)
  }
  out.end()
}

/** Two fields, offset and size. @param step of the first. */
function writeSpan(out: CompactBytes, step: number, { offset, sizeBytes }: FileSpan): void {
  out.numberField(step, 'i64', offset)
  out.numberField(1, 'i32', sizeBytes)
}

function writeMetaData(out: CompactBytes, chunk: ChunkPlace, bloom: FileSpan | undefined): void {
  const { column, dictionaryOffset } = chunk
  const used = usedEncodings(chunk)
  out.numberField(1, 'i32', physicalTypes[column.leaf.physical])
  out.field(1, 'list')
  out.list('i32', used.length)
  for (const encoding of used) out.number(encoding)
  out.field(1, 'list')
  out.written(pathBytes(column))
  out.numberField(1, 'i32', codecs[chunk.codec])
  out.numberField(1, 'i64', chunk.valueCount)
  out.numberField(1, 'i64', chunk.uncompressedBytes)
  out.numberField(1, 'i64', chunk.compressedBytes)
  out.numberField(2, 'i64', chunk.dataOffset)
  if (dictionaryOffset !== undefined) {
    out.numberField(2, 'i64', dictionaryOffset)
  }
  out.field(dictionaryOffset === undefined ? 3 : 1, 'struct')
  writeStatistics(out, column.leaf, chunk)
  writeEncodingStats(out, chunk)
  if (bloom !== undefined) writeSpan(out, 1, bloom)
  out.end()
}

/** Ascending, each once; levels are always run lengths. */
function usedEncodings({ pages, column, dictionaryOffset }: ChunkPlace): readonly number[] {
  const hasLevels = column.definitionMax > 0 || column.repetitionMax > 0
  const hasPlain = pages.plain > 0 || dictionaryOffset !== undefined
  let kinds = (hasLevels ? 1 : 0) | (hasPlain ? 2 : 0)
  for (let place = 0; place < pageEncodings.length; place++) {
    const encoding = pageEncodings[place]
    if (encoding !== undefined && encoding !== 'plain' && pages[encoding] > 0) kinds |= 4 << place
  }
  return (encodingLists[kinds] ??= encodingsOf(kinds))
}

/** By what a chunk has, a bit each: few kinds of chunks there are, and many chunks. */
const encodingLists: (readonly number[] | undefined)[] = []

const encodingsOf = (kinds: number): readonly number[] =>
  [
    ...((kinds & 1) === 0 ? [] : [encodings.rle]),
    ...((kinds & 2) === 0 ? [] : [encodings.plain]),
    ...pageEncodings.flatMap((encoding, place) =>
      (kinds & (4 << place)) === 0 ? [] : [encodings[encoding]],
    ),
  ].sort((left, right) => left - right)

/** By these a reader knows that a chunk has only dictionary pages, and may filter by dictionary. */
function writeEncodingStats(out: CompactBytes, { pages, dictionaryOffset }: ChunkPlace): void {
  const hasDictionary = dictionaryOffset !== undefined
  let count = hasDictionary ? 1 : 0
  for (const encoding of pageEncodings) if (pages[encoding] > 0) count += 1
  out.field(1, 'list')
  out.list('struct', count)
  if (hasDictionary) writeEncodingCount(out, pageTypes.dictionary, encodings.plain, 1)
  for (const encoding of pageEncodings) {
    if (pages[encoding] === 0) continue
    writeEncodingCount(out, pageTypes.data, encodings[encoding], pages[encoding])
  }
}

function writeEncodingCount(
  out: CompactBytes,
  page: number,
  encoding: number,
  count: number,
): void {
  out.numberField(1, 'i32', page)
  out.numberField(1, 'i32', encoding)
  out.numberField(1, 'i32', count)
  out.end()
}
