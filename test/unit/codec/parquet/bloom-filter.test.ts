import { describe, expect, test } from 'vitest'
import { present } from '../../../../src/base/assert.ts'
import { BloomFilter } from '../../../../src/codec/parquet/bloom-filter.ts'
import { BloomReader, hashWords, xxhash64 } from '../../../support/bloom-reader.ts'

const wish = { errorRate: 0.01, sizeBytesMax: 1 << 20 }
const text = (index: number): Uint8Array => Buffer.from(`user ${index * 7_919}`)
const texts = (first: number, next: number): readonly Uint8Array[] =>
  Array.from({ length: next - first }, (_, index) => text(first + index))

function filterOf(values: readonly Uint8Array[], more: Partial<typeof wish> = {}): BloomReader {
  const filter = new BloomFilter({ ...wish, ...more })
  for (let first = 0; first < values.length; first += 1_000) {
    filter.add(hashWords(values.slice(first, first + 1_000)))
  }
  return new BloomReader(present(filter.encoded(), 'a filter of values'))
}

const errorRateOf = (filter: BloomReader): number =>
  texts(1_000_000, 1_020_000).filter((value) => filter.mayHold(value)).length / 20_000

test('the hash of the tests is that of its published examples', () => {
  const hash = (value: string): string => xxhash64(Buffer.from(value)).toString(16)
  expect(hash('')).toBe('ef46db3751d8e999')
  expect(hash('abc')).toBe('44bc2cf5ad770999')
  expect(hash('Nobody inspects the spammish repetition')).toBe('fbcea83c8a378bf1')
})

describe.each([
  [1, 0.01],
  [100, 0.01],
  [5_000, 0.01],
  [5_000, 0.2],
  [5_000, 0.0005],
])('%i values at %d', (count, errorRate) => {
  const filter = filterOf(texts(0, count), { errorRate })

  test('all of them are in it', () => {
    expect(texts(0, count).every((value) => filter.mayHold(value))).toBe(true)
  })

  test('others are let through as seldom as was wished', () => {
    expect(errorRateOf(filter)).toBeLessThanOrEqual(errorRate * 1.3 + 0.0005)
  })

  test('it is no larger than that needs', () => {
    const bits = (8 * filter.sizeBytes) / count
    const needed = -8 / Math.log(1 - errorRate ** (1 / 8))
    expect(bits).toBeLessThan(Math.max(256 / count, 2.4 * needed) + 1)
  })
})

test('of any number of values it is halved as often as the wish allows, and no more', () => {
  const absent = texts(2_000_000, 2_006_000)
  const sizes = new Set<number>()
  for (let count = 5_000; count <= 10_000; count += 1_000) {
    const filter = filterOf(texts(0, count))
    const passed = absent.filter((value) => filter.mayHold(value)).length
    expect(passed / absent.length, `${count} values`).toBeLessThan(0.0135)
    sizes.add(filter.sizeBytes)
  }
  expect(sizes).toEqual(new Set([8_192, 16_384]))
})

test('values that come again make no larger filter', () => {
  const once = filterOf(texts(0, 300))
  const often = filterOf(Array.from({ length: 60 }, () => texts(0, 300)).flat())
  expect(often.sizeBytes).toBe(once.sizeBytes)
})

test('the same values in another order make the same filter', () => {
  const [one, other] = [new BloomFilter(wish), new BloomFilter(wish)]
  one.add(hashWords(texts(0, 500)))
  other.add(hashWords(texts(0, 500).toReversed()))
  expect(one.encoded()).toEqual(other.encoded())
})

test('hashes are kept, though the memory they came in is used again', () => {
  const filter = new BloomFilter(wish)
  const words = hashWords(texts(0, 50))
  filter.add(words)
  words.set(hashWords(texts(50, 100)))
  filter.add(words)
  const reader = new BloomReader(present(filter.encoded(), 'a filter'))
  expect(texts(0, 100).every((value) => reader.mayHold(value))).toBe(true)
})

test('a chunk without values has none', () => {
  expect(new BloomFilter(wish).encoded()).toBeUndefined()
})

describe('more values than the largest filter has room for', () => {
  const small = { ...wish, sizeBytesMax: 4_096 }

  test('memory stays within the largest filter', () => {
    const filter = new BloomFilter(small)
    for (let first = 0; first < 20_000; first += 400) {
      filter.add(hashWords(texts(first, first + 400)))
      expect(filter.heldBytes).toBeLessThanOrEqual(small.sizeBytesMax)
    }
  })

  test('they are all in the largest one', () => {
    const filter = filterOf(texts(0, 4_000), small)
    expect(filter.sizeBytes).toBe(4_096)
    expect(texts(0, 4_000).every((value) => filter.mayHold(value))).toBe(true)
  })

  test('a filter that lets through more than half is not written', () => {
    const filter = new BloomFilter(small)
    filter.add(hashWords(texts(0, 20_000)))
    expect(filter.encoded()).toBeUndefined()
  })

  test('few distinct ones among them are folded all the same', () => {
    const filter = filterOf(Array.from({ length: 30 }, () => texts(0, 100)).flat(), small)
    expect(filter.sizeBytes).toBeLessThan(512)
    expect(errorRateOf(filter)).toBeLessThan(0.02)
  })
})
