/**
 * Parquet files read back: what a footer says, and rows as objects.
 *
 * For commands that check or show (`verify --deep`, `dlq`), not for the way of the data. Read by
 * hyparquet, which shares no code with our writer, so that a mistake of ours is not read as right.
 *
 * - 64-bit integers and timestamps are bigint, the latter milliseconds; bytes are Uint8Array.
 * - A map is an object, a repeated key's last value wins.
 * - Strings are whole: a leading U+FEFF stays.
 *
 * Source: Apache Parquet format; hyparquet.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  type ColumnMetaData,
  type Compressors,
  type FileMetaData,
  type ParquetParsers,
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet'
import { inflateLz4Block } from '../compression/lz4-frame.ts'
import { inflateSnappy } from '../compression/snappy.ts'
import { magic, trailerBytes } from './format.ts'
import { ParquetError } from './parquet-error.ts'

/** A bound or value as JavaScript has it. */
type ParquetValue = bigint | number | boolean | string | Uint8Array

interface ParquetColumn {
  /** Names from the top, joined by dots: "items.list.element.sku". */
  readonly path: string
  /** "INT64", "BYTE_ARRAY", … */
  readonly physical: string
  /** "UTF8", "UINT_32", "TIMESTAMP_MILLIS", … */
  readonly logical: string | undefined
  readonly fieldId: number | undefined
  readonly nullCount: number
  /** Over all row groups, a bound; absent where a row group with values does not say. */
  readonly min: ParquetValue | undefined
  readonly max: ParquetValue | undefined
}

interface ParquetMetadata {
  readonly rowCount: number
  readonly rowGroupCount: number
  /** Rows of each row group, in the order of the file. */
  readonly rowGroupRows: readonly number[]
  readonly createdBy: string | undefined
  readonly keyValues: ReadonlyMap<string, string>
  /** Leaves, in the order of the file. */
  readonly columns: readonly ParquetColumn[]
}

export type ParquetMetadataOutcome =
  | { readonly kind: 'read'; readonly metadata: ParquetMetadata }
  /** The footer is longer than what was given: read this many bytes from the end. */
  | { readonly kind: 'needs-more'; readonly tailBytes: number }

/**
 * What a file's footer says.
 *
 * @param tail the last bytes of the file, 8 at least.
 * @throws {ParquetError} they are not the end of a Parquet file.
 */
export function readParquetMetadata(tail: Uint8Array): ParquetMetadataOutcome {
  const tailBytes = footerBytes(tail) + trailerBytes
  if (tailBytes > tail.length) return { kind: 'needs-more', tailBytes }
  return { kind: 'read', metadata: metadataOf(footerOf(tail)) }
}

function footerBytes(tail: Uint8Array): number {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.length)
  const isParquet = bytes.length >= trailerBytes && bytes.subarray(-magic.length).equals(magic)
  if (!isParquet) throw new ParquetError('the bytes do not end as a Parquet file does')
  return bytes.readUInt32LE(bytes.length - trailerBytes)
}

/** Bounds stay bytes where they are bytes, so that they can be compared as the format says. */
const footerParsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (atMs) => atMs,
  stringFromBytes: (bytes) => bytes,
}

function footerOf(tail: Uint8Array): FileMetaData {
  return guarded(() => parquetMetadata(tail, { parsers: footerParsers, geoparquet: false }))
}

function metadataOf(footer: FileMetaData): ParquetMetadata {
  const keyValues = footer.key_value_metadata ?? []
  return {
    rowCount: Number(footer.num_rows),
    rowGroupCount: footer.row_groups.length,
    rowGroupRows: footer.row_groups.map((group) => Number(group.num_rows)),
    createdBy: footer.created_by,
    keyValues: new Map(keyValues.map(({ key, value }) => [key, value ?? ''])),
    columns: leavesOf(parquetSchema(footer)).map((leaf, index) => columnOf(leaf, index, footer)),
  }
}

const leavesOf = (tree: SchemaTree): readonly SchemaTree[] =>
  tree.children.length === 0 ? [tree] : tree.children.flatMap(leavesOf)

function columnOf(leaf: SchemaTree, index: number, footer: FileMetaData): ParquetColumn {
  const { element, path } = leaf
  const chunks = footer.row_groups.flatMap((group) => group.columns[index]?.meta_data ?? [])
  const isText = element.converted_type === 'UTF8' || element.converted_type === 'ENUM'
  const shown = (bound: ParquetValue | undefined): ParquetValue | undefined =>
    isText && bound instanceof Uint8Array ? Buffer.from(bound).toString('utf8') : bound
  return {
    path: path.join('.'),
    physical: element.type ?? '',
    logical: element.converted_type,
    fieldId: element.field_id,
    nullCount: chunks.reduce((sum, chunk) => sum + Number(chunk.statistics?.null_count ?? 0), 0),
    min: shown(boundOf(chunks, 'min_value')),
    max: shown(boundOf(chunks, 'max_value')),
  }
}

/** A chunk of nothing but nulls has no bound and needs none. */
function boundOf(
  chunks: readonly ColumnMetaData[],
  which: 'min_value' | 'max_value',
): ParquetValue | undefined {
  let bound: ParquetValue | undefined
  for (const { statistics, num_values: valueCount } of chunks) {
    if (statistics?.null_count === valueCount) continue
    const value = valueOf(statistics?.[which])
    if (value === undefined) return undefined
    const isFurther = bound !== undefined && (which === 'min_value') === compare(bound, value) < 0
    if (!isFurther) bound = value
  }
  return bound
}

type RawBound = NonNullable<ColumnMetaData['statistics']>['min_value']

const valueOf = (value: RawBound): ParquetValue | undefined =>
  value instanceof Date ? BigInt(value.getTime()) : value

function compare(left: ParquetValue, right: ParquetValue): number {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  if (left === right) return 0
  return left < right ? -1 : 1
}

/** One row: its fields by name. */
export type ParquetRow = Readonly<Record<string, unknown>>

export interface ReadRowsOptions {
  /** Top-level columns; all when not given. */
  readonly columns?: readonly string[]
  /** First row, inclusive. */
  readonly first?: number
  /** Next row, exclusive. */
  readonly next?: number
}

/** A leading U+FEFF is part of the value; a decoder would take it for a mark and drop it. */
const text = new TextDecoder('utf-8', { ignoreBOM: true })

const rowParsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (atMs) => atMs,
  stringFromBytes: (bytes) => bytes && text.decode(bytes),
}

/**
 * That a page has the size its header says is checked by hyparquet, which looks at pages as long as
 * it likes: of what is valid until the next call it gets a copy.
 */
const decompressors: Compressors = {
  ZSTD: (page, sizeBytes) => zstdDecompressSync(page, { maxOutputLength: Math.max(1, sizeBytes) }),
  SNAPPY: (page, sizeBytes) => {
    const outcome = inflateSnappy(page, sizeBytes)
    if (outcome.kind === 'inflated') return outcome.bytes.slice()
    throw new ParquetError(`a snappy page of ${sizeBytes} bytes is ${outcome.kind}`)
  },
  GZIP: (page, sizeBytes) => gunzipSync(page, { maxOutputLength: Math.max(1, sizeBytes) }),
  LZ4_RAW: (page, sizeBytes) => {
    const outcome = inflateLz4Block(page, sizeBytes)
    if (outcome.kind === 'inflated') return outcome.bytes.slice()
    throw new ParquetError(`an lz4 page of ${sizeBytes} bytes is ${outcome.kind}`)
  },
}

/**
 * Rows of a whole file.
 *
 * @throws {ParquetError} the bytes are not a Parquet file, or a page of it is damaged.
 */
export async function readParquetRows(
  bytes: Uint8Array,
  options: ReadRowsOptions = {},
): Promise<readonly ParquetRow[]> {
  footerBytes(bytes)
  const { columns, first, next } = options
  try {
    return await parquetReadObjects({
      file: {
        byteLength: bytes.length,
        slice: (from, to = bytes.length) => new Uint8Array(bytes.subarray(from, to)).buffer,
      },
      ...(columns === undefined ? {} : { columns: [...columns] }),
      ...(first === undefined ? {} : { rowStart: first }),
      ...(next === undefined ? {} : { rowEnd: next }),
      compressors: decompressors,
      parsers: rowParsers,
      utf8: false,
      geoparquet: false,
    })
  } catch (error) {
    throw parquetErrorOf(error)
  }
}

function guarded<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw parquetErrorOf(error)
  }
}

const parquetErrorOf = (error: unknown): ParquetError =>
  error instanceof ParquetError
    ? error
    : new ParquetError(error instanceof Error ? error.message : String(error), { cause: error })
