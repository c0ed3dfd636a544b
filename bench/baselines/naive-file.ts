/**
 * The naive way of any schema in Node.js: protobufjs → parquetjs-lite, with snappy (it has no
 * zstd).
 *
 * usage: naive-file.ts PROTO MESSAGE DATA TARGET
 * prints: {"rows", "cpuSeconds", "peakRssBytes", "outputBytes"}
 *
 * At its best settings: one decode per event without `toObject`, row groups of 8,192 rows, values
 * changed in place. A first file of some events warms it up and is not counted; then events, over
 * and over, until two CPU seconds are full, and the end of the file. What it has no column for
 * (a message inside itself, a message without fields) is left out, in its favour.
 */
import { readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import protobuf from 'protobufjs'
import { bundledDefinitions, importsOf } from '../../src/codec/protobuf/schema-files.ts'
import { eventPlaces } from '../datasets/delimited.ts'
import { readSchemaSource } from '../decode-parquet/schema-sources.ts'

const sampleCpuSeconds = 2
const warmRows = 2_000
const rowsBetweenLooks = 64

interface ParquetWriter {
  appendRow(row: object): Promise<void>
  setRowGroupSize(rows: number): void
  close(): Promise<void>
}
type Columns = Record<string, object>
const require = createRequire(import.meta.url)
const parquet = require('parquetjs-lite') as {
  ParquetSchema: new (columns: Columns) => unknown
  ParquetWriter: { openFile(schema: unknown, path: string): Promise<ParquetWriter> }
}

type Decoded = Record<string, unknown>
/** Makes of a decoded field what parquetjs takes, in place. */
type Change = (message: Decoded) => void

interface Shape {
  readonly columns: Columns
  readonly changes: readonly Change[]
}

const longTypes = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']
const physicalTypes: Readonly<Record<string, string>> = {
  double: 'DOUBLE',
  float: 'FLOAT',
  bool: 'BOOLEAN',
  string: 'UTF8',
  bytes: 'BYTE_ARRAY',
  ...Object.fromEntries(longTypes.map((type) => [type, 'INT64'])),
}
/** The largest fraction below 2^63: above it parquetjs throws. */
const longMax = 9_223_372_036_854_774_784

interface Long {
  readonly low: number
  readonly high: number
}

/** As a signed number, which is what a column of parquetjs holds. */
const longOf = (value: unknown): number => {
  if (typeof value === 'number') return value
  const { low, high } = value as Long
  return Math.min(longMax, (high | 0) * 2 ** 32 + (low >>> 0))
}
const bytesOf = (value: unknown): Buffer =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : empty
const empty = Buffer.alloc(0)

/** What a single value becomes; undefined when it stays as it is. */
function valueChange(type: string, resolved: unknown): ((value: unknown) => unknown) | undefined {
  if (longTypes.includes(type)) return longOf
  if (type === 'bytes') return bytesOf
  if (!(resolved instanceof protobuf.Enum)) return undefined
  const { valuesById } = resolved
  return (value) => valuesById[Number(value)] ?? String(value)
}

const columnOf = (type: string, resolved: unknown): { type: string; compression: string } => {
  const physical = resolved instanceof protobuf.Enum ? 'UTF8' : physicalTypes[type]
  return { type: physical ?? 'INT32', compression: 'SNAPPY' }
}

function shapeOf(type: protobuf.Type, around: readonly protobuf.Type[]): Shape {
  const columns: Columns = {}
  const changes: Change[] = []
  for (const field of type.fieldsArray) {
    field.resolve()
    const made = fieldShape(field, [...around, type])
    if (made === undefined) continue
    columns[field.name] = made.column
    if (made.change !== undefined) changes.push(made.change)
  }
  return { columns, changes }
}

interface FieldShape {
  readonly column: object
  readonly change: Change | undefined
}

function fieldShape(
  field: protobuf.Field,
  around: readonly protobuf.Type[],
): FieldShape | undefined {
  const { name, type, repeated, resolvedType } = field
  let inner: Shape | undefined
  if (resolvedType instanceof protobuf.Type) {
    if (around.includes(resolvedType)) return undefined
    inner = shapeOf(resolvedType, around)
    if (Object.keys(inner.columns).length === 0) return undefined
  }
  if (field instanceof protobuf.MapField) return mapShape(field, inner)
  if (inner !== undefined) {
    const fields = inner.columns
    const { changes } = inner
    const each = (value: unknown): void => {
      for (const change of changes) change(value as Decoded)
    }
    if (repeated) {
      const change: Change = (message) => (message[name] as unknown[]).forEach(each)
      return { column: { repeated: true, fields }, change }
    }
    const change: Change = (message) => {
      if (message[name] !== null && message[name] !== undefined) each(message[name])
    }
    return { column: { optional: true, fields }, change }
  }
  return scalarShape(field, valueChange(type, resolvedType))
}

function scalarShape(
  { name, type, repeated, resolvedType, hasPresence, required }: protobuf.Field,
  convert: ((value: unknown) => unknown) | undefined,
): FieldShape {
  const column = columnOf(type, resolvedType)
  if (repeated) {
    const change: Change | undefined =
      convert && ((message) => (message[name] = (message[name] as unknown[]).map(convert)))
    return { column: { ...column, repeated: true }, change }
  }
  if (!hasPresence || required) {
    const change: Change | undefined =
      convert && ((message) => (message[name] = convert(message[name])))
    return { column, change }
  }
  const change: Change = (message) => {
    // What is absent stands as a default on the prototype: it is to be null.
    if (!Object.hasOwn(message, name)) message[name] = null
    else if (convert !== undefined) message[name] = convert(message[name])
  }
  return { column: { ...column, optional: true }, change }
}

function mapShape(field: protobuf.MapField, inner: Shape | undefined): FieldShape {
  const { name, keyType, type, resolvedType } = field
  const convert = valueChange(type, resolvedType)
  const keyOf = (key: string): unknown => {
    if (keyType === 'string') return key
    if (keyType === 'bool') return key === 'true'
    if (!longTypes.includes(keyType) || key.length !== 8) return Number(key)
    return longOf(protobuf.util.longFromHash(key, keyType.startsWith('u')))
  }
  const change: Change = (message) => {
    message[name] = Object.entries(message[name] as object).map(([key, value]) => {
      for (const innerChange of inner?.changes ?? []) innerChange(value as Decoded)
      return { key: keyOf(key), value: convert === undefined ? value : convert(value) }
    })
  }
  const value =
    inner === undefined ? columnOf(type, resolvedType) : { optional: true, fields: inner.columns }
  const fields = { key: columnOf(keyType, undefined), value }
  return { column: { repeated: true, fields }, change }
}

function typeOf(path: string, message: string): protobuf.Type {
  const root = new protobuf.Root()
  const { sources } = readSchemaSource(path)
  const bundled = new Set<string>()
  for (const text of sources.values()) {
    protobuf.parse(text, root, { keepCase: true })
    for (const target of importsOf(text)) if (!sources.has(target)) bundled.add(target)
  }
  for (const target of bundled) root.addJSON(bundledDefinitions(target)?.nested ?? {})
  return root.resolveAll().lookupType(message)
}

const [proto = '', message = '', data = '', target = ''] = process.argv.slice(2)
const type = typeOf(proto, message)
const { columns, changes } = shapeOf(type, [])
const schema = new parquet.ParquetSchema(columns)
const bytes = readFileSync(data)
const places = eventPlaces(bytes)

/** Writes events, from the first on and over and over, until it is enough. @returns rows. */
async function write(isEnough: (rows: number) => boolean): Promise<number> {
  const writer = await parquet.ParquetWriter.openFile(schema, target)
  writer.setRowGroupSize(8_192)
  let rows = 0
  for (; !isEnough(rows); rows++) {
    const at = (rows * 2) % places.length
    const decoded = type.decode(bytes.subarray(places[at], places[at + 1])) as unknown as Decoded
    for (const change of changes) change(decoded)
    await writer.appendRow(decoded)
  }
  await writer.close()
  return rows
}

await write((rows) => rows === warmRows)
const begun = process.cpuUsage()
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage(begun)
  return (user + system) / 1e6
}
const rows = await write(
  (count) => count > 0 && count % rowsBetweenLooks === 0 && cpuSeconds() > sampleCpuSeconds,
)
console.log(
  JSON.stringify({
    rows,
    cpuSeconds: cpuSeconds(),
    peakRssBytes: process.resourceUsage().maxRSS * 1_024,
    outputBytes: statSync(target).size,
  }),
)
