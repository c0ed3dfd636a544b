import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { TakenPage } from '../../../src/kernel/file-columns.ts'
import { hashWords } from '../../support/bloom-reader.ts'
import { appendPayloads, GroupReader, openKernel, planOf } from '../../support/kernel-tables.ts'
import { messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, utf8, varintField } from '../../support/raw-events.ts'

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at)

const texts = messageOf('T', [scalarField(['a', 1], 'string')])
const numbers = messageOf('T', [scalarField(['a', 1], 'int32')])
const textRow = (value: string): Uint8Array => bytesField(1, utf8(value))
const numberRow = (value: number): Uint8Array => varintField(1, BigInt(value))

/** Pages of one column, a page for each list of payloads. */
function pagesOf(
  message: typeof texts,
  lists: readonly (readonly Uint8Array[])[],
  isHashed = false,
): { readonly pages: readonly TakenPage[]; readonly dictionary: Uint32Array | undefined } {
  const kernel = openKernel()
  const file = kernel.compile(planOf(message)).openFile()
  if (isHashed) file.hashValues(0)
  const pages = lists.map((payloads) => {
    appendPayloads(kernel, file, payloads)
    const page = present(file.takePage(0), 'a page')
    return { ...page, body: page.body.slice(), hashes: page.hashes?.slice() }
  })
  return { pages, dictionary: file.closeChunk(0).hashes?.slice() }
}

const shown = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('utf8')
const int32Of = (bytes: Uint8Array | undefined): number => Buffer.from(bytes ?? []).readInt32LE(0)

describe('bounds of a page', () => {
  test('are of its own values, though the dictionary has others', () => {
    const { pages } = pagesOf(texts, [
      ['m', 'a', 'z', 'm'].map(textRow),
      ['m', 'm'].map(textRow),
      ['z', 'b', 'b'].map(textRow),
    ])
    expect(pages.map(({ encoding }) => encoding)).toEqual(range(3).map(() => 'rle-dictionary'))
    expect(pages.map(({ min, max }) => [shown(min), shown(max)])).toEqual([
      ['a', 'z'],
      ['m', 'm'],
      ['b', 'z'],
    ])
  })

  test.each([
    ['few', 200],
    ['many', 3_000],
  ])('are found among %s entries, wherever they stand in the page', (_name, entries) => {
    const all = range(20_000).map((at) => numberRow((at >> 2) % entries))
    const later = range(5_000).map((at) => numberRow(100 + (at % 7)))
    const last = [...later.slice(0, 4_999), numberRow(3)]
    const { pages } = pagesOf(numbers, [all, later, last, all])
    expect(pages.map(({ encoding }) => encoding)).toEqual(range(4).map(() => 'rle-dictionary'))
    expect(pages.map(({ min, max }) => [int32Of(min), int32Of(max)])).toEqual([
      [0, entries - 1],
      [100, 106],
      [3, 106],
      [0, entries - 1],
    ])
  })

  test('hold when the dictionary ends in the middle of a page', () => {
    const few = ['q', 'r'].map(textRow)
    const distinct = range(4_000).map((at) => textRow(`v${at}`))
    const { pages } = pagesOf(texts, [few, [textRow('a'), ...distinct], [textRow('b')]])
    expect(pages.map(({ encoding }) => encoding === 'rle-dictionary')).toEqual([true, false, false])
    expect(pages.map(({ min, max }) => [shown(min), shown(max)])).toEqual([
      ['q', 'r'],
      ['a', 'v999'],
      ['b', 'b'],
    ])
  })
})

describe('hashes', () => {
  const sorted = (words: Uint32Array | undefined): readonly bigint[] => {
    const copy = present(words, 'hashes').slice()
    return [...new BigUint64Array(copy.buffer)].sort((a, b) => (a < b ? -1 : 1))
  }

  test('of texts of any length are XXH64, of the dictionary and of plain pages', () => {
    const long = range(1_200).map((at) => 'x'.repeat(at % 100) + String(at))
    const few = ['', 'a', 'bc', 'é'.repeat(20)]
    const { pages, dictionary } = pagesOf(texts, [few.map(textRow), long.map(textRow)], true)
    expect(pages.map(({ hashes }) => hashes === undefined)).toEqual([true, false])
    const [, plain] = pages
    expect(sorted(plain?.hashes)).toEqual(sorted(hashWords(long.map((each) => utf8(each)))))
    const entries = new Set(sorted(dictionary))
    const wanted = sorted(hashWords(few.map((each) => utf8(each))))
    expect(wanted.every((hash) => entries.has(hash))).toBe(true)
  })

  test.each([
    ['int32', 4],
    ['int64', 8],
  ] as const)('of %s are those of its plain bytes', (scalar, width) => {
    const message = messageOf('T', [scalarField(['a', 1], scalar)])
    const values = range(1_500).map((at) => BigInt(at * 1_000_003))
    const plainOf = (value: bigint): Uint8Array => {
      const bytes = Buffer.alloc(8)
      bytes.writeBigUInt64LE(value)
      return bytes.subarray(0, width)
    }
    const few = [0n, 1n, 7n]
    const payloads = [few, values].map((each) => each.map((value) => varintField(1, value)))
    const { pages, dictionary } = pagesOf(message, payloads, true)
    const all = [...few, ...values].map(plainOf)
    const seen = new Set([
      ...pages.flatMap(({ hashes }) => (hashes === undefined ? [] : sorted(hashes))),
      ...(dictionary === undefined ? [] : sorted(dictionary)),
    ])
    expect(sorted(hashWords(all)).every((hash) => seen.has(hash))).toBe(true)
    expect(pages.at(-1)?.hashes?.length).toBe(2 * values.length)
  })

  test('are not made unless they are wanted', () => {
    const { pages, dictionary } = pagesOf(texts, [
      ['a'].map(textRow),
      range(4_000).map((at) => textRow(`${at}`)),
    ])
    expect(pages.map(({ hashes }) => hashes)).toEqual([undefined, undefined])
    expect(dictionary).toBeUndefined()
  })

  test('are wanted of every row group', () => {
    const kernel = openKernel()
    const plan = planOf(texts)
    const file = kernel.compile(plan).openFile()
    file.hashValues(0)
    const reader = new GroupReader(plan, file)
    appendPayloads(kernel, file, [textRow('a')])
    reader.chunks()
    appendPayloads(kernel, file, [textRow('b')])
    file.takePage(0)
    expect(sorted(file.closeChunk(0).hashes)).toEqual(sorted(hashWords([utf8('b')])))
  })
})
