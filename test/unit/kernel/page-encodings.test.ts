import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { FileEncodings } from '../../../src/kernel/page-encodings.ts'
import type { ScalarType } from '../../../src/model/event-schema.ts'
import { appendPayloads, GroupReader, openKernel, planOf } from '../../support/kernel-tables.ts'
import { messageOf, scalarField } from '../../support/message-schemas.ts'
import type { ReadChunk } from '../../support/parquet-pages.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n

/** A number that looks like chance; the same every time. */
function scattered(i: number, bits: number): bigint {
  const mixed = BigInt.asUintN(64, (BigInt(i) + 1n) * 0x9e3779b97f4a7c15n)
  const again = BigInt.asUintN(64, (mixed ^ (mixed >> 29n)) * 0xbf58476d1ce4e5b9n)
  return again >> BigInt(64 - bits)
}

const numberRow = (value: bigint): Uint8Array => varintField(1, value)
const textRow = (value: string): Uint8Array => bytesField(1, utf8(value))

/** Row groups of one column, of which none starts with a dictionary: the one before had no use. */
function chunksOf(
  scalar: ScalarType,
  groups: readonly (readonly Uint8Array[])[],
  encodings: FileEncodings = 'auto',
): ReadChunk[] {
  const kernel = openKernel()
  const plan = planOf(messageOf('T', [scalarField(['a', 1], scalar)]))
  const file = kernel.compile(plan).openFile(encodings)
  const reader = new GroupReader(plan, file)
  const row = scalar === 'string' ? (i: number) => textRow(`distinct ${i}`) : numberOf
  const chunks = [range(600).map(row), ...groups].map((rows) => {
    expect(appendPayloads(kernel, file, rows)).toEqual([])
    return present(reader.chunks()[0], 'one column')
  })
  expect(chunks[0]?.dictionaryCount).toBe(0)
  return chunks.slice(1)
}
const numberOf = (i: number): Uint8Array => numberRow(BigInt(i))

const valuesOf = (chunk: ReadChunk | undefined): unknown[] =>
  present(chunk, 'a chunk').entries.map(({ value }) => value)

function openColumn(scalar: ScalarType): {
  readonly reader: GroupReader
  readonly append: (rows: readonly Uint8Array[]) => void
} {
  const kernel = openKernel()
  const plan = planOf(messageOf('T', [scalarField(['a', 1], scalar)]))
  const file = kernel.compile(plan).openFile()
  return {
    reader: new GroupReader(plan, file),
    append: (rows) => expect(appendPayloads(kernel, file, rows)).toEqual([]),
  }
}

/** Around each boundary of miniblocks and blocks. */
const counts = [1, 2, 3, 31, 32, 33, 34, 64, 65, 97, 127, 128, 129, 130, 160, 161, 256, 257, 258]

describe('integers outside of a dictionary', () => {
  test.each(['int64', 'int32', 'uint64', 'uint32'] as const)(
    '%s: any number of values comes back',
    (scalar) => {
      const groups = counts.map((count) => range(count).map((i) => scattered(i, 20) + 7n))
      const chunks = chunksOf(
        scalar,
        groups.map((group) => group.map(numberRow)),
      )
      for (const [index, group] of groups.entries()) {
        expect(valuesOf(chunks[index]).map(String)).toEqual(group.map(String))
      }
      const packed = chunks.filter(({ encodings }) => encodings[0] === 'delta-binary-packed')
      expect(packed.length).toBeGreaterThan(10)
    },
  )

  test.each(range(65))('differences of %i bits', (width) => {
    const wide = BigInt.asIntN(64, width === 0 ? 0n : 2n ** BigInt(width) - 1n)
    // One miniblock of that width among many of none: what is packed is smaller than plain.
    const differences = [
      ...range(40).map((i) => (i % 3 === 1 ? wide : 0n)),
      ...range(600).map(() => 0n),
    ]
    let at = 5n
    const values = differences.map((by) => {
      at = BigInt.asIntN(64, at + by)
      return at
    })
    const [chunk] = chunksOf('int64', [values.map(numberRow)])
    expect(chunk?.encodings).toEqual(['delta-binary-packed'])
    expect(valuesOf(chunk)).toEqual(values)
  })

  test.each(range(33))('differences of %i bits in 32', (width) => {
    const wide = width === 0 ? 0n : 2n ** BigInt(width) - 1n
    const differences = [
      ...range(40).map((i) => (i % 3 === 1 ? wide : 0n)),
      ...range(300).map(() => 0n),
    ]
    let at = 5n
    const values = differences.map((by) => {
      at = BigInt.asIntN(32, at + by)
      return at
    })
    const [chunk] = chunksOf('int32', [values.map(numberRow)])
    expect(chunk?.encodings).toEqual(['delta-binary-packed'])
    expect(valuesOf(chunk)).toEqual(values.map(Number))
  })

  test('differences that overflow wrap around', () => {
    const values = range(500).map((i) =>
      i % 2 === 0 ? int64Min + BigInt(i) : int64Max - BigInt(i),
    )
    const [chunk] = chunksOf('int64', [values.map(numberRow)])
    expect(chunk).toMatchObject({ encodings: ['delta-binary-packed'] })
    expect(valuesOf(chunk)).toEqual(values)
    const small = range(500).map((i) => (i % 2 === 0 ? -(2 ** 31) + i : 2 ** 31 - 1 - i))
    const [chunk32] = chunksOf('int32', [small.map((value) => numberRow(BigInt(value)))])
    expect(chunk32).toMatchObject({ encodings: ['delta-binary-packed'] })
    expect(valuesOf(chunk32)).toEqual(small)
  })

  test('numbers of the whole width stay plain and do not grow', () => {
    const [wide] = chunksOf('int64', [range(5_000).map((i) => numberRow(scattered(i, 64)))])
    expect(wide?.encodings).toEqual(['plain'])
    expect(wide?.bodyBytes).toEqual([5_000 * 8])
    const [narrow] = chunksOf('int32', [range(5_000).map((i) => numberRow(scattered(i, 32)))])
    expect(narrow?.encodings).toEqual(['plain'])
    expect(narrow?.bodyBytes).toEqual([5_000 * 4])
  })

  test('a column that stands still, and one that climbs, are next to nothing', () => {
    const groups = [range(20_000).map(() => 77n), range(20_000).map((i) => BigInt(i) + 2n ** 41n)]
    const chunks = chunksOf(
      'int64',
      groups.map((group) => group.map(numberRow)),
    )
    for (const [index, chunk] of chunks.entries()) {
      expect(chunk.encodings).toEqual(['delta-binary-packed'])
      expect(chunk.bodyBytes[0]).toBeLessThan(1_000)
      expect(valuesOf(chunk)).toEqual(groups[index])
    }
  })

  test('the first page on which differences do not pay ends them for the chunk', () => {
    const narrow = range(20_480).map((i) => scattered(i, 16))
    const wide = range(20_480).map((i) => scattered(i, 64))
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'uint64')]))
    const file = kernel.compile(plan).openFile()
    const reader = new GroupReader(plan, file)
    appendPayloads(kernel, file, range(600).map(numberOf))
    reader.chunks()
    for (const group of [0, 1]) {
      const pages = group === 0 ? [narrow, wide, narrow] : [narrow]
      for (const page of pages) {
        appendPayloads(kernel, file, page.map(numberRow))
        reader.takePages()
      }
      const [chunk] = reader.chunks()
      const packed = 'delta-binary-packed'
      expect(chunk?.encodings).toEqual(group === 0 ? [packed, 'plain', 'plain'] : [packed])
      expect(valuesOf(chunk)).toEqual(pages.flat())
    }
  })

  test('values that repeat, though too many for a dictionary, are left to compression', () => {
    // A third of the values are repeats when the dictionary is given up at 8,192 entries.
    const pool = range(40_000).map((i) => scattered(i, 40))
    const values = range(20_480).map((i) => present(pool[i % 3 === 2 ? i - 1 : i], 'a value'))
    const message = messageOf('T', [scalarField(['a', 1], 'uint64')])
    const kernel = openKernel()
    const plan = planOf(message)
    const file = kernel.compile(plan).openFile()
    const reader = new GroupReader(plan, file)
    appendPayloads(kernel, file, values.map(numberRow))
    const [chunk] = reader.chunks()
    expect(chunk).toMatchObject({ dictionaryCount: 0, encodings: ['plain'] })
    expect(valuesOf(chunk)).toEqual(values)
  })
})

describe('a dictionary is given up', () => {
  /** Every `repeatEvery`-th value is the one before it. */
  const valuesWith = (repeatEvery: number, count: number): number[] =>
    range(count).map((i) => i - (i % repeatEvery === repeatEvery - 1 ? 1 : 0))

  test.each([
    ['at 512 entries, when nearly all values are distinct', 40, 512],
    ['at 4,096, when more than three of four are', 20, 4_096],
    ['at 8,192, when more than half are', 3, 8_192],
    ['at 32,768 texts, however many repeat', 2, 32_768],
  ] as const)('%s', (_, repeatEvery, entries) => {
    const { reader, append } = openColumn('string')
    const values = valuesWith(repeatEvery, 70_000).map((i) => `v${i}`)
    for (let first = 0; first < values.length; first += 250) {
      append(values.slice(first, first + 250).map(textRow))
      reader.takePages()
    }
    const [chunk] = reader.chunks()
    expect(chunk?.dictionaryCount).toBe(entries)
    expect(chunk?.encodings.at(-1)).toBe('delta-byte-array')
    expect(valuesOf(chunk)).toEqual(values)
  })

  test('at 16,384 numbers', () => {
    const { reader, append } = openColumn('int64')
    const values = valuesWith(2, 40_000).map(BigInt)
    for (let first = 0; first < values.length; first += 250) {
      append(values.slice(first, first + 250).map(numberRow))
      reader.takePages()
    }
    const [chunk] = reader.chunks()
    expect(chunk?.dictionaryCount).toBe(16_384)
    expect(valuesOf(chunk)).toEqual(values)
  })

  test.each([
    ['a pool of 12,000 numbers keeps one', 12_000, 12_000],
    ['of numbers of a pool too large for one, 512 are enough to tell', 60_000, 512],
  ] as const)('%s', (_, pool, entries) => {
    const { reader, append } = openColumn('int64')
    // Drawn as chance draws: each number of the pool as likely as the others.
    const values = range(120_000).map((i) => scattered(Number(scattered(i, 32) % BigInt(pool)), 40))
    for (let first = 0; first < values.length; first += 1_000) {
      append(values.slice(first, first + 1_000).map(numberRow))
      reader.takePages()
    }
    const [chunk] = reader.chunks()
    expect(chunk?.dictionaryCount).toBe(entries === 512 ? 0 : new Set(values).size)
    expect(valuesOf(chunk)).toEqual(values)
  })

  test('texts that differ only in zero bytes at their end are told apart', () => {
    const texts = ['', 'a', 'ab\u0000c'].flatMap((text) =>
      range(17 - text.length).map((zeros) => text + '\u0000'.repeat(zeros)),
    )
    const { reader, append } = openColumn('string')
    append([...texts, ...texts.toReversed()].map(textRow))
    const [chunk] = reader.chunks()
    expect(chunk?.dictionaryCount).toBe(texts.length)
    expect(valuesOf(chunk)).toEqual([...texts, ...texts.toReversed()])
  })
})

describe('texts outside of a dictionary', () => {
  test('any number of them comes back, with any lengths', () => {
    const groups = counts.map((count) =>
      range(count).map((i) => 'é'.repeat(Number(scattered(i, 6))) + String(i)),
    )
    const chunks = chunksOf(
      'string',
      groups.map((group) => group.map(textRow)),
    )
    for (const [index, group] of groups.entries()) {
      expect(chunks[index]?.encodings).toEqual(['delta-byte-array'])
      expect(valuesOf(chunks[index])).toEqual(group)
    }
  })

  test('empty ones, and one of 300,000 bytes among short ones', () => {
    const group = ['', '', 'a', '', 'x'.repeat(300_000), '', 'b', ...range(300).map(() => '')]
    const [chunk] = chunksOf('string', [group.map(textRow)])
    expect(valuesOf(chunk)).toEqual(group)
  })

  test('as long as each other they take a tenth of a byte beside their characters', () => {
    const group = range(5_000).map((i) => scattered(i, 64).toString(16).padStart(36, '0'))
    const [chunk] = chunksOf('string', [group.map(textRow)])
    expect(chunk?.bodyBytes[0]).toBeLessThan(5_000 * 36.1)
    expect(valuesOf(chunk)).toEqual(group)
  })
})

describe('file.encodings: plain', () => {
  test('nothing but plain values and dictionaries is written', () => {
    const texts = range(5_000).map((i) => 'y'.repeat(i % 50) + String(i))
    const [ofTexts] = chunksOf('string', [texts.map(textRow)], 'plain')
    expect(ofTexts?.encodings).toEqual(['plain'])
    expect(valuesOf(ofTexts)).toEqual(texts)
    const [numbers] = chunksOf('int64', [range(5_000).map(numberOf)], 'plain')
    expect(numbers?.encodings).toEqual(['plain'])
    expect(valuesOf(numbers)).toEqual(range(5_000).map(BigInt))
    const few = range(5_000).map((i) => textRow(`${i % 5}`))
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'string')]))
    const file = kernel.compile(plan).openFile('plain')
    appendPayloads(kernel, file, few)
    expect(new GroupReader(plan, file).chunks()[0]?.encodings).toEqual(['rle-dictionary'])
  })
})

test('fractions stay plain', () => {
  const group = range(5_000).map((i) => {
    const bytes = new Uint8Array(new Float64Array([i / 7]).buffer)
    return joined(Uint8Array.of(9), bytes)
  })
  const plan = planOf(messageOf('T', [scalarField(['a', 1], 'double')]))
  const kernel = openKernel()
  const file = kernel.compile(plan).openFile()
  appendPayloads(kernel, file, group)
  const [chunk] = new GroupReader(plan, file).chunks()
  expect(chunk?.encodings).toEqual(['plain'])
  expect(valuesOf(chunk)).toEqual(range(5_000).map((i) => i / 7))
})

test('a page of nothing but nulls is plain, behind pages with and without differences', () => {
  const kernel = openKernel()
  const fields = [
    scalarField(['n', 1], 'int64', { presence: 'explicit' }),
    scalarField(['t', 2], 'string', { presence: 'explicit' }),
  ]
  const plan = planOf(messageOf('T', fields))
  const file = kernel.compile(plan).openFile()
  const reader = new GroupReader(plan, file)
  const full = (i: number): Uint8Array =>
    joined(varintField(1, BigInt(i * 3)), bytesField(2, utf8(`text ${i}`)))
  const append = (rows: readonly Uint8Array[]): void => {
    appendPayloads(kernel, file, rows)
    reader.takePages()
  }
  append(range(600).map(full))
  append(range(40).map(() => joined()))
  append([full(1)])
  append([joined(), full(2), joined()])
  const [numbers, texts] = reader.chunks()
  const packed = 'delta-binary-packed'
  const apart = 'delta-byte-array'
  // One value has no difference.
  expect(numbers?.encodings).toEqual([packed, 'plain', 'plain', 'plain'])
  expect(texts?.encodings).toEqual([apart, 'plain', apart, apart])
  const nulls = range(40).map(() => null)
  const expected = [...range(600).map((i) => i * 3), ...nulls, 3, null, 6, null]
  expect(valuesOf(numbers).map((n) => (n === null ? n : Number(n)))).toEqual(expected)
  expect(valuesOf(texts).slice(640)).toEqual(['text 1', null, 'text 2', null])
})
