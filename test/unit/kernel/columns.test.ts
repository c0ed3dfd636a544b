import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { planTable } from '../../../src/kernel/table-plan.ts'
import type { EnumSchema, ScalarType } from '../../../src/model/event-schema.ts'
import { identityColumns } from '../../../src/model/row-batch.ts'
import {
  appendPayloads,
  GroupReader,
  openKernel,
  planOf,
  type RoundTrip,
  roundTrip,
} from '../../support/kernel-tables.ts'
import { enumField, messageOf, scalarField } from '../../support/message-schemas.ts'
import type { ReadChunk } from '../../support/parquet-pages.ts'
import { bytesField, joined, utf8, varintBytes, varintField } from '../../support/raw-events.ts'

const fixed = (field: number, bytes: Uint8Array): Uint8Array =>
  joined(Uint8Array.from(varintBytes(BigInt(field * 8 + (bytes.length === 8 ? 1 : 5)))), bytes)
const double = (value: number): Uint8Array => new Uint8Array(new Float64Array([value]).buffer)
const float = (value: number): Uint8Array => new Uint8Array(new Float32Array([value]).buffer)

function column(
  scalar: ScalarType,
  payloads: readonly Uint8Array[],
): RoundTrip & { chunk: ReadChunk } {
  const trip = roundTrip(messageOf('T', [scalarField(['a', 1], scalar)]), payloads)
  return { ...trip, chunk: present(trip.chunks[0], 'one column') }
}
const valuesOf = (chunk: ReadChunk): unknown[] => chunk.entries.map(({ value }) => value)
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('dictionaries', () => {
  test('few distinct texts are written once, in the order of their first appearance', () => {
    const words = range(30_000).map((i) => `word ${(i * 7) % 300} with a tail that is long enough`)
    const { chunk } = column(
      'string',
      words.map((word) => bytesField(1, utf8(word))),
    )
    expect(chunk.dictionaryCount).toBe(300)
    expect(chunk.encodings).toEqual(['rle-dictionary'])
    expect(valuesOf(chunk)).toEqual(words)
  })

  test.each([
    ['short texts', (i: number) => `id-${i}`],
    [
      'long texts that differ in the middle',
      (i: number) => `${'x'.repeat(20)}${i}${'y'.repeat(40)}`,
    ],
  ])('%s that are all distinct leave the dictionary within the first page', (_, textOf) => {
    const texts = range(3_000).map(textOf)
    const { chunk } = column(
      'string',
      texts.map((text) => bytesField(1, utf8(text))),
    )
    expect(chunk).toMatchObject({ dictionaryCount: 0, encodings: ['delta-byte-array'] })
    expect(valuesOf(chunk)).toEqual(texts)
    const sorted = texts.toSorted()
    expect(chunk).toMatchObject({ min: sorted[0], max: sorted.at(-1) })
  })

  test.each(['int32', 'int64'] as const)('distinct numbers of %s become differences', (scalar) => {
    const { chunk } = column(
      scalar,
      range(3_000).map((i) => varintField(1, BigInt(i * 1_000))),
    )
    expect(chunk).toMatchObject({ dictionaryCount: 0, encodings: ['delta-binary-packed'] })
    expect(valuesOf(chunk).map(Number)).toEqual(range(3_000).map((i) => i * 1_000))
  })

  test('a dictionary that stops to pay is kept by earlier pages and given up by the open one', () => {
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'string')]))
    const file = kernel.compile(plan).openFile()
    const reader = new GroupReader(plan, file)
    const first = range(2_000).map((i) => `${i % 10}`)
    const second = range(40_000).map((i) => `distinct ${i}`)
    appendPayloads(
      kernel,
      file,
      first.map((text) => bytesField(1, utf8(text))),
    )
    reader.takePages()
    appendPayloads(
      kernel,
      file,
      second.map((text) => bytesField(1, utf8(text))),
    )
    const [chunk] = reader.chunks()
    expect(chunk?.encodings).toEqual(['rle-dictionary', 'delta-byte-array'])
    expect(present(chunk, 'a column').entries.map(({ value }) => value)).toEqual([
      ...first,
      ...second,
    ])
    expect(chunk).toMatchObject({ min: '0', max: 'distinct 9999' })
  })

  test('an enum holds names, an unknown number its decimal, and falls back like a text', () => {
    const values: EnumSchema = {
      fullName: 'E',
      names: new Map([
        [0, 'ZERO'],
        [-1, 'MINUS'],
      ]),
      closed: false,
    }
    const message = messageOf('T', [enumField(['e', 1], values)])
    const numbers = [0, -1, 5, -2_147_483_648, 2_147_483_647, ...range(40_000)]
    const texts = numbers.map((number) => values.names.get(number) ?? String(number))
    const { chunks } = roundTrip(
      message,
      numbers.map((number) => varintField(1, BigInt(number))),
    )
    const chunk = present(chunks[0], 'one column')
    expect(valuesOf(chunk)).toEqual(texts)
    expect(chunk.encodings).toEqual(['delta-byte-array'])
    expect(chunk).toMatchObject({ min: '-2147483648', max: 'ZERO' })
  })
})

describe('statistics', () => {
  test.each([
    ['uint32', [1n, 2n ** 32n - 1n, 5n], 1, 4_294_967_295],
    ['int32', [1n, -7n, 5n], -7, 5],
    ['uint64', [1n, 2n ** 64n - 1n, 5n], 1n, 2n ** 64n - 1n],
    ['int64', [2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n], -(2n ** 63n), 2n ** 63n - 1n],
    ['bool', [1n, 1n], true, true],
    ['bool', [0n, 0n], false, false],
    ['bool', [0n, 1n], false, true],
  ] as const)('the range of %s is exact', (scalar, values, min, max) => {
    const { chunk } = column(
      scalar,
      values.map((value) => varintField(1, value)),
    )
    expect(chunk).toMatchObject({ min, max, nullCount: 0 })
  })

  test.each([
    ['double', double],
    ['float', float],
  ] as const)('NaN of %s is passed over, and alone leaves no range', (scalar, bytes) => {
    const { chunk } = column(
      scalar,
      [Number.NaN, 2, -3, Number.NaN].map((v) => fixed(1, bytes(v))),
    )
    expect(chunk).toMatchObject({ min: -3, max: 2 })
    const alone = column(
      scalar,
      [Number.NaN, Number.NaN].map((v) => fixed(1, bytes(v))),
    ).chunk
    expect(alone).toMatchObject({ min: undefined, max: undefined })
    const infinite = [Number.POSITIVE_INFINITY, Number.NaN].map((v) => fixed(1, bytes(v)))
    const { POSITIVE_INFINITY: top } = Number
    expect(column(scalar, infinite).chunk).toMatchObject({ min: top, max: top })
  })

  test.each([
    ['double', double],
    ['float', float],
  ] as const)('a zero of %s is -0 as minimum and +0 as maximum', (scalar, bytes) => {
    for (const zero of [0, -0]) {
      const { chunk } = column(scalar, [fixed(1, bytes(zero))])
      expect(chunk.min).toBe(-0)
      expect(chunk.max).toBe(0)
    }
  })

  test('texts are compared by their bytes, to the last one', () => {
    const texts = [
      'prefix 12345678 b',
      'prefix 12345678 a',
      'prefix 12345678 aa',
      '\u{10000}',
      '\uffff',
      'é',
    ]
    const { chunk } = column(
      'string',
      texts.map((text) => bytesField(1, utf8(text))),
    )
    expect(chunk).toMatchObject({ min: 'prefix 12345678 a', max: '\u{10000}' })
  })

  test('of texts of more than 64 KiB the first 64 KiB are kept, and they are in order', () => {
    const [low, high] = ['b', 'y'].map((letter) => letter.repeat(65_536))
    const texts = [`${high}z`, 'm', `${low}c`, `${high}a`, 'w', `${low}`]
    const { chunk } = column(
      'string',
      texts.map((text) => bytesField(1, utf8(text))),
    )
    expect(chunk).toMatchObject({ min: low, max: high })
    expect(valuesOf(chunk)).toEqual(texts)
    const above = column(
      'string',
      [`${high}z`, `${high}`, `${'y'.repeat(65_535)}z`].map((text) => bytesField(1, utf8(text))),
    ).chunk
    expect(above).toMatchObject({ min: high, max: `${'y'.repeat(65_535)}z` })
  })

  test('nulls are counted over all pages, and a column of nulls has no range', () => {
    const message = messageOf('T', [scalarField(['a', 1], 'string', { presence: 'explicit' })])
    const kernel = openKernel()
    const plan = planOf(message)
    const file = kernel.compile(plan).openFile()
    const reader = new GroupReader(plan, file)
    const empty = new Uint8Array()
    appendPayloads(
      kernel,
      file,
      range(100).map(() => empty),
    )
    reader.takePages()
    const [none] = reader.chunks()
    expect(none).toMatchObject({
      nullCount: 100,
      min: undefined,
      dictionaryCount: 0,
      encodings: ['plain'],
    })
    appendPayloads(kernel, file, [empty, bytesField(1, utf8('b')), empty])
    reader.takePages()
    appendPayloads(kernel, file, [empty, bytesField(1, utf8('a'))])
    const [some] = reader.chunks()
    expect(some).toMatchObject({ nullCount: 3, min: 'a', max: 'b' })
  })

  test('a row group knows nothing of the one before', () => {
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'int32')]))
    const file = kernel.compile(plan).openFile()
    const reader = new GroupReader(plan, file)
    appendPayloads(kernel, file, [varintField(1, 1n), varintField(1, 100n)])
    expect(file.rowsBuffered).toBe(2)
    expect(reader.chunks()[0]).toMatchObject({ min: 1, max: 100 })
    expect(file.rowsBuffered).toBe(0)
    appendPayloads(kernel, file, [varintField(1, 50n)])
    expect(reader.chunks()[0]).toMatchObject({ min: 50, max: 50, dictionaryCount: 1 })
  })
})

describe('pages', () => {
  test('a page is full at about 20,000 values', () => {
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'bool')]))
    const file = kernel.compile(plan).openFile()
    const row = [varintField(1, 1n)]
    appendPayloads(
      kernel,
      file,
      range(15_000).flatMap(() => row),
    )
    expect(file.fullPages()).toEqual([])
    appendPayloads(
      kernel,
      file,
      range(6_000).flatMap(() => row),
    )
    expect(file.fullPages()).toEqual([0])
    expect(file.takePage(0)).toMatchObject({ valueCount: 21_000, rowCount: 21_000, nullCount: 0 })
    expect(file.takePage(0)).toBeUndefined()
    expect(file.fullPages()).toEqual([])
  })

  test('a page of plain values is full at 256 KiB', () => {
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'bytes')]))
    const file = kernel.compile(plan).openFile()
    appendPayloads(
      kernel,
      file,
      range(1_100).map((i) => bytesField(1, utf8(`${i}`.padEnd(1_000)))),
    )
    expect(file.fullPages()).toEqual([0])
  })

  test.each([1, 7, 8, 9, 15, 16, 17, 39, 40, 41, 63, 64, 65, 127, 130, 1_000])(
    'levels and indexes of runs of %i come back',
    (run) => {
      const message = messageOf('T', [
        scalarField(['a', 1], 'int32', { presence: 'explicit' }),
        scalarField(['b', 2], 'bool', { repeated: true }),
      ])
      const rows = range(3 * run + 5).map((i) => {
        const kind = Math.floor(i / run) % 3
        const list = range((kind * 3) % 4).map((j) => varintField(2, BigInt(j & 1)))
        return kind === 1 ? joined(...list) : joined(varintField(1, BigInt(kind * 300)), ...list)
      })
      const expected = rows.map((_, i) => {
        const kind = Math.floor(i / run) % 3
        const b = range((kind * 3) % 4).map((j) => j % 2 === 1)
        return { a: kind === 1 ? null : kind * 300, b }
      })
      expect(roundTrip(message, rows).rows).toEqual(expected)
    },
  )

  test('a page with more packed groups than one header counts comes back', () => {
    const numbers = range(140_000).map((i) => (i * 37) % 5)
    const message = messageOf('T', [scalarField(['a', 1], 'int32', { presence: 'explicit' })])
    const payloads = numbers.map((number) =>
      number === 4 ? new Uint8Array() : varintField(1, BigInt(number)),
    )
    const chunk = present(roundTrip(message, payloads).chunks[0], 'one column')
    expect(chunk.encodings).toEqual(['rle-dictionary'])
    const expected = numbers.map((number) => (number === 4 ? null : number))
    expect(valuesOf(chunk).join() === expected.join()).toBe(true)
  }, 30_000)

  test.each([1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13])('indexes of %i bits come back', (bits) => {
    const count = 2 ** bits
    const numbers = range(count * 3).map((i) => (i % 3 === 0 ? ((i / 3) * 37) % count : i % 2))
    const { chunk } = column(
      'int32',
      numbers.map((number) => varintField(1, BigInt(number))),
    )
    expect(chunk.dictionaryCount).toBe(count)
    expect(valuesOf(chunk)).toEqual(numbers)
  })
})

test('identity columns hold what the batch says of the rows that were accepted', () => {
  const kernel = openKernel()
  const message = messageOf('T', [scalarField(['a', 1], 'int32')])
  const plan = planTable(message, { identity: identityColumns, names: 'as-declared' })
  const file = kernel.compile(plan).openFile()
  const payloads = range(1_500).map((i) =>
    i % 4 === 0 ? Uint8Array.from([0]) : varintField(1, BigInt(i)),
  )
  appendPayloads(kernel, file, payloads)
  const rows = new GroupReader(plan, file).rows()
  const kept = range(1_500).filter((i) => i % 4 !== 0)
  expect(rows).toEqual(
    kept.map((i) => ({
      a: i,
      _topic: 'events',
      _partition: i % 3,
      _offset: BigInt(i) + 2n ** 40n,
      _index: i % 5,
      _ingest_ms: 1_790_000_000_123n,
    })),
  )
})
