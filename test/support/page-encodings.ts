/** Rows of `test/golden/parquet/page_encodings.proto`, as wire bytes and as readers must see them. */
import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import { parseMessageSchema } from '../../src/codec/protobuf/parse-schema.ts'
import type { MessageSchema } from '../../src/model/event-schema.ts'
import { hexFraction } from './every-type.ts'

const path = new URL('../golden/parquet/page_encodings.proto', import.meta.url)
const source = readFileSync(path, 'utf8')

export const pageEncodingsMessage: MessageSchema = parseMessageSchema(
  new Map([['page_encodings.proto', source]]),
  'page_encodings.proto',
  'golden.PageEncodings',
)

const oracle = protobuf.parse(source, { keepCase: true }).root.lookupType('golden.PageEncodings')

/** Looks like chance; the same every time. */
function scattered(i: number): bigint {
  const mixed = BigInt.asUintN(64, (BigInt(i) + 1n) * 0x9e3779b97f4a7c15n)
  return BigInt.asUintN(64, (mixed ^ (mixed >> 29n)) * 0xbf58476d1ce4e5b9n)
}

const hex = (i: number): string => scattered(i).toString(16).padStart(16, '0')
const alternating = (i: number, bits: bigint): bigint =>
  i % 2 === 0 ? -(2n ** (bits - 1n)) + BigInt(i) : 2n ** (bits - 1n) - 1n - BigInt(i)

/** 64-bit integers as text, as protobufjs takes them. */
export type PageRow = Readonly<Record<string, unknown>>

export function pageRow(i: number): PageRow {
  return {
    climbing: String(1_700_000_000_000n + BigInt(i * 3)),
    wrapping: String(alternating(i, 64n)),
    wrapping32: Number(alternating(i, 32n)),
    unsigned: String(2n ** 64n - 1n - BigInt(i) * 5n),
    unsigned32: 4_294_967_295 - i * 7,
    scattered: String(scattered(i)),
    spiked: String(i % 211 === 7 ? BigInt.asIntN(64, scattered(i)) : BigInt(i * 2)),
    uuid: `${hex(i).slice(0, 8)}-${hex(i).slice(8, 12)}-${hex(i + 1)}`,
    text: `${'é'.repeat(i % 23)} ${i}`,
    blob: Array.from({ length: i % 37 }, (_, at) => (i * 31 + at) & 255).concat([i & 255, i >> 8]),
    ...(i % 4 === 0 ? {} : { maybe: String(i * 11 - 3_000) }),
    ...(i % 5 === 0 ? {} : { maybe_text: `maybe ${i}` }),
    numbers: Array.from({ length: i % 4 }, (_, at) => String(i * 10 - at - 500)),
    counts: Object.fromEntries(
      Array.from({ length: i % 3 }, (_, at) => [`key ${i * 3 + at}`, String(i * 17 + at)]),
    ),
    fraction: i / 7,
    few: `one of few ${i % 9}`,
    ...(i % 6 === 0
      ? {}
      : {
          inner: {
            ...(i % 7 === 0 ? {} : { nested: i * 13 - 9_000 }),
            labels: Array.from({ length: (i * 5) % 4 }, (_, at) => `label ${i}.${at}`),
          },
        }),
  }
}

export const pageWire = (row: PageRow): Uint8Array => oracle.encode(oracle.fromObject(row)).finish()

const int = (value: unknown): { readonly int: string } => ({ int: String(value) })

/** A row as `read_parquet.py` shows it. */
export function shownPageRow(row: PageRow): PageRow {
  const { maybe, maybe_text: maybeText, inner } = row
  const nested = (inner as PageRow | undefined)?.['nested']
  return {
    ...Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, shownValue(name, value)]),
    ),
    maybe: maybe === undefined ? null : int(maybe),
    maybe_text: maybeText ?? null,
    inner:
      inner === undefined
        ? null
        : { ...(inner as PageRow), nested: nested === undefined ? null : int(nested) },
  }
}

const texts: ReadonlySet<string> = new Set(['uuid', 'text', 'maybe_text', 'few'])

function shownValue(name: string, value: unknown): unknown {
  if (texts.has(name)) return value
  if (name === 'numbers') return (value as readonly string[]).map(int)
  if (name === 'counts') {
    return { map: Object.entries(value as PageRow).map(([key, each]) => [key, int(each)]) }
  }
  if (name === 'blob') return { bytes: Buffer.from(value as readonly number[]).toString('hex') }
  if (name === 'fraction') return { float: hexFraction(Number(value)) }
  return int(value)
}
