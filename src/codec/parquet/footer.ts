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
import type { ParquetCodec } from './compression.ts'
import {
  codecs,
  createdBy,
  encodings,
  magic,
  pageTypes,
  physicalTypes,
  trailerBytes,
} from './format.ts'
import type { PagePlace } from './page-index.ts'
import { schemaElements } from './schema-elements.ts'
import { type ChunkBounds, statisticsOf } from './statistics.ts'
import {
  bool,
  encodeThrift,
  i16,
  i32,
  i64,
  list,
  struct,
  type ThriftValue,
  text,
} from './thrift.ts'

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
  readonly rowGroups: readonly RowGroupPlace[]
  /** Of each chunk of each row group. */
  readonly indexes: readonly (readonly ChunkIndexes[])[]
  readonly keyValues: ReadonlyMap<string, string>
}

/** Footer and trailer: everything behind the last page. */
export function encodeFooter(content: FileContent): Uint8Array {
  const { schema, rowGroups, indexes, keyValues } = content
  const rowCount = rowGroups.reduce((sum, group) => sum + group.rowCount, 0)
  const typeOrder = struct([[1, struct([])]])
  const footer = encodeThrift(
    struct([
      [1, i32(formatVersion)],
      [2, list('struct', schemaElements(schema))],
      [3, i64(rowCount)],
      [
        4,
        list(
          'struct',
          rowGroups.map((group, index) => rowGroup(group, indexes[index] ?? [], index)),
        ),
      ],
      [5, keyValues.size === 0 ? undefined : list('struct', [...keyValues].map(keyValue))],
      [6, text(createdBy)],
      [
        7,
        list(
          'struct',
          schema.leaves.map(() => typeOrder),
        ),
      ],
    ]),
  )
  const whole = Buffer.alloc(footer.length + trailerBytes)
  whole.set(footer, 0)
  whole.writeUInt32LE(footer.length, footer.length)
  whole.set(magic, footer.length + 4)
  return whole
}

const keyValue = ([key, value]: readonly [string, string]): ThriftValue =>
  struct([
    [1, text(key)],
    [2, text(value)],
  ])

function rowGroup(
  group: RowGroupPlace,
  indexes: readonly ChunkIndexes[],
  index: number,
): ThriftValue {
  const sum = (sizeOf: (chunk: ChunkPlace) => number): number =>
    group.chunks.reduce((total, chunk) => total + sizeOf(chunk), 0)
  const [first] = group.chunks
  return struct([
    [
      1,
      list(
        'struct',
        group.chunks.map((chunk, column) => columnChunk(chunk, indexes[column])),
      ),
    ],
    [2, i64(sum((chunk) => chunk.uncompressedBytes))],
    [3, i64(group.rowCount)],
    [4, group.sortedBy.length === 0 ? undefined : list('struct', group.sortedBy.map(sortedBy))],
    [5, first && i64(first.dictionaryOffset ?? first.dataOffset)],
    [6, i64(sum((chunk) => chunk.compressedBytes))],
    // The ordinal is 16 bits wide, of use to encrypted files only.
    [7, index <= 0x7fff ? i16(index) : undefined],
  ])
}

const sortedBy = (column: number): ThriftValue =>
  struct([
    [1, i32(column)],
    [2, bool(false)],
    [3, bool(false)],
  ])

/** `file_offset` is 0: there is no second copy of the metadata outside of the footer. */
function columnChunk(chunk: ChunkPlace, indexes: ChunkIndexes | undefined): ThriftValue {
  const { columnIndex, offsetIndex } = indexes ?? {}
  return struct([
    [2, i64(0)],
    [3, columnMetaData(chunk, indexes?.bloom)],
    [4, offsetIndex && i64(offsetIndex.offset)],
    [5, offsetIndex && i32(offsetIndex.sizeBytes)],
    [6, columnIndex && i64(columnIndex.offset)],
    [7, columnIndex && i32(columnIndex.sizeBytes)],
  ])
}

function columnMetaData(chunk: ChunkPlace, bloom: FileSpan | undefined): ThriftValue {
  const { leaf, path } = chunk.column
  const used = usedEncodings(chunk).map((encoding) => i32(encoding))
  return struct([
    [1, i32(physicalTypes[leaf.physical])],
    [2, list('i32', used)],
    [3, list('binary', path.map(text))],
    [4, i32(codecs[chunk.codec])],
    [5, i64(chunk.valueCount)],
    [6, i64(chunk.uncompressedBytes)],
    [7, i64(chunk.compressedBytes)],
    [9, i64(chunk.dataOffset)],
    [11, chunk.dictionaryOffset === undefined ? undefined : i64(chunk.dictionaryOffset)],
    [12, statisticsOf(leaf, chunk)],
    [13, list('struct', encodingStats(chunk))],
    [14, bloom && i64(bloom.offset)],
    [15, bloom && i32(bloom.sizeBytes)],
  ])
}

/** Ascending, each once; levels are always run lengths. */
function usedEncodings(chunk: ChunkPlace): readonly number[] {
  const hasLevels = chunk.column.definitionMax > 0 || chunk.column.repetitionMax > 0
  const hasPlain = chunk.pages.plain > 0 || chunk.dictionaryOffset !== undefined
  const isUsed = ([encoding, count]: readonly [PageEncoding, number]): boolean =>
    encoding !== 'plain' && count > 0
  return [
    ...(hasPlain ? [encodings.plain] : []),
    ...(hasLevels ? [encodings.rle] : []),
    ...pageCounts(chunk)
      .filter(isUsed)
      .map(([encoding]) => encodings[encoding]),
  ].toSorted((left, right) => left - right)
}

/** By encoding, in one order for all files. */
const pageCounts = ({ pages }: ChunkPlace): readonly (readonly [PageEncoding, number])[] =>
  pageEncodings.map((encoding) => [encoding, pages[encoding]])

/** By these a reader knows that a chunk has only dictionary pages, and may filter by dictionary. */
function encodingStats(chunk: ChunkPlace): readonly ThriftValue[] {
  const counts: readonly (readonly [number, number, number])[] = [
    [pageTypes.dictionary, encodings.plain, chunk.dictionaryOffset === undefined ? 0 : 1],
    ...pageCounts(chunk).map(
      ([encoding, count]) => [pageTypes.data, encodings[encoding], count] as const,
    ),
  ]
  return counts
    .filter(([, , count]) => count > 0)
    .map(([page, encoding, count]) =>
      struct([
        [1, i32(page)],
        [2, i32(encoding)],
        [3, i32(count)],
      ]),
    )
}
