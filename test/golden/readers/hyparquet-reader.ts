/**
 * hyparquet, in this process. Filters skip row groups and pages by statistics, indexes and Bloom
 * filters. It makes objects of maps, so that keys come as names and are told apart by the schema.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  type AsyncBuffer,
  type Compressors,
  type ParquetParsers,
  type ParquetQueryFilter,
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
  type SchemaTree,
} from 'hyparquet'
import { inflateLz4Block } from '../../../src/codec/compression/lz4-frame.ts'
import { inflateSnappy } from '../../../src/codec/compression/snappy.ts'
import type { FeatureFilter, SeenRow } from '../features/feature.ts'
import { bytes, float, int, micros, nanos, type Seen } from '../features/seen.ts'
import { fractionOf } from './seen-value.ts'

/** A time, so that it can be told from an integer. */
class Moment {
  readonly nanos: bigint
  constructor(value: bigint) {
    this.nanos = value
  }
}

const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (value) => new Moment(value * 1_000_000n),
  timestampFromMicroseconds: (value) => new Moment(value * 1_000n),
  timestampFromNanoseconds: (value) => new Moment(value),
}

type Inflated = ReturnType<typeof inflateSnappy> | ReturnType<typeof inflateLz4Block>

const inflated = (outcome: Inflated): Uint8Array => {
  if (outcome.kind === 'inflated') return outcome.bytes.slice()
  throw new Error(`a page is ${outcome.kind}`)
}

const compressors: Compressors = {
  ZSTD: (page) => zstdDecompressSync(page),
  GZIP: (page) => gunzipSync(page),
  SNAPPY: (page, sizeBytes) => inflated(inflateSnappy(page, sizeBytes)),
  LZ4_RAW: (page, sizeBytes) => inflated(inflateLz4Block(page, sizeBytes)),
}

function opened(path: string): AsyncBuffer {
  const content = readFileSync(path)
  return {
    byteLength: content.length,
    slice: (from, to = content.length) => new Uint8Array(content.subarray(from, to)).buffer,
  }
}

const common = { compressors, parsers, utf8: false, geoparquet: false } as const

export async function hyparquetRows(path: string): Promise<readonly SeenRow[]> {
  const file = opened(path)
  const schema = parquetSchema(parquetMetadata(await file.slice(0)))
  const rows = await parquetReadObjects({ ...common, file })
  return rows.map((row) => shownGroup(schema, row))
}

export async function hyparquetCount(path: string, filter: FeatureFilter): Promise<number> {
  const file = opened(path)
  const filtering = { useBloomFilters: true, usePageIndex: true, filter: queryOf(filter) }
  const rows = await parquetReadObjects({ ...common, ...filtering, file, filterStrict: false })
  return rows.length
}

function queryOf({ column, operator, value }: FeatureFilter): ParquetQueryFilter {
  const bound = plainOf(value)
  if (operator === '=') return { [column]: { $eq: bound } }
  return { [column]: operator === '<' ? { $lt: bound } : { $gt: bound } }
}

/** Integers as bigint: without `filterStrict` they equal numbers too. */
function plainOf(value: Seen): bigint | number | string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) throw new Error('a filter has a value')
  if ('int' in value) return BigInt(value['int'] as string)
  const number = (value as { readonly float: string }).float
  return fractionOf(number)
}

const shownGroup = (schema: SchemaTree, row: Readonly<Record<string, unknown>>): SeenRow =>
  Object.fromEntries(
    schema.children.map((child) => [child.element.name, shown(child, row[child.element.name])]),
  )

function shown(schema: SchemaTree, value: unknown): Seen {
  if (value === null || value === undefined) return null
  const [inner] = schema.children
  const kind = schema.element.converted_type
  if (kind === 'LIST' && inner?.children[0] !== undefined) {
    const [element] = inner.children
    return (value as readonly unknown[]).map((each) => shown(element, each))
  }
  if (kind === 'MAP' && inner !== undefined) return shownMap(inner, value)
  if (schema.children.length > 0) {
    return shownGroup(schema, value as Readonly<Record<string, unknown>>)
  }
  return shownLeaf(schema, value)
}

function shownMap(entry: SchemaTree, value: unknown): Seen {
  const [key, element] = entry.children
  if (key === undefined || element === undefined) throw new Error('a map has keys and values')
  return {
    map: Object.entries(value as object).map(([name, each]) => [
      shownKey(key, name),
      shown(element, each),
    ]),
  }
}

function shownKey({ element }: SchemaTree, name: string): Seen {
  if (element.type === 'BOOLEAN') return name === 'true'
  return element.type === 'BYTE_ARRAY' ? name : int(name)
}

function shownLeaf({ element }: SchemaTree, value: unknown): Seen {
  if (typeof value === 'string' || typeof value === 'boolean') return value
  if (value instanceof Moment) {
    return value.nanos % 1_000n === 0n ? micros(value.nanos / 1_000n) : nanos(value.nanos)
  }
  if (value instanceof Uint8Array) return bytes([...value])
  if (typeof value === 'bigint') return int(value)
  if (typeof value !== 'number') return { other: String(value) }
  return element.type === 'FLOAT' || element.type === 'DOUBLE' ? float(value) : int(value)
}
