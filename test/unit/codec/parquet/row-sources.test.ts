import { describe, expect, test } from 'vitest'
import { offsetsText, RowSources, sortColumns } from '../../../../src/codec/parquet/row-sources.ts'
import type { RowBatch } from '../../../../src/model/row-batch.ts'

type Row = readonly [partition: number, offset: bigint, index?: number]

function batch(rows: readonly Row[], topic = 'events'): RowBatch {
  // Arrays that are used again are longer than the batch.
  const spare: Row = [-1, 0n]
  const all = [...rows, spare, spare]
  return {
    count: rows.length,
    starts: new Int32Array(all.length),
    ends: new Int32Array(all.length),
    topic,
    partitions: Int32Array.from(all, ([partition]) => partition),
    offsets: BigInt64Array.from(all, ([, offset]) => offset),
    indexes: Int32Array.from(all, ([, , index]) => index ?? 0),
    ingestMs: 0,
  }
}

function sourcesOf(...batches: readonly RowBatch[]): RowSources {
  const sources = new RowSources()
  for (const each of batches) sources.add(each)
  return sources
}

const order = (...batches: readonly RowBatch[]): string => sourcesOf(...batches).takeOrder()
const far = 1n << 40n

describe('rows are said to be in the order of', () => {
  test.each([
    [
      'offsets',
      [
        [0, 1n],
        [0, 2n],
        [0, far],
      ],
    ],
    [
      'offsets',
      [
        [0, 1n, 0],
        [0, 1n, 1],
        [0, 1n, 1],
        [0, 2n, 0],
      ],
    ],
    [
      'offsets',
      [
        [0, 0x7fff_ffffn],
        [0, 0x8000_0000n],
        [0, 0xffff_ffffn],
        [0, 0x1_0000_0000n],
      ],
    ],
    [
      'partitions',
      [
        [0, 5n],
        [0, 6n],
        [2, 1n],
      ],
    ],
    [
      'none',
      [
        [0, 2n],
        [0, 1n],
      ],
    ],
    [
      'none',
      [
        [0, far],
        [0, far - 1n],
      ],
    ],
    [
      'none',
      [
        [0, 0x1_0000_0000n],
        [0, 0xffff_ffffn],
      ],
    ],
    [
      'none',
      [
        [0, 1n, 1],
        [0, 1n, 0],
      ],
    ],
    [
      'none',
      [
        [1, 1n],
        [0, 2n],
      ],
    ],
    [
      'none',
      [
        [0, 1n],
        [1, 1n],
        [0, 2n],
      ],
    ],
    ['none', []],
  ] as const)('%s', (expected, rows: readonly Row[]) => {
    expect(order(batch(rows))).toBe(expected)
    // However they are cut into batches.
    expect(order(...rows.map((row) => batch([row])))).toBe(expected)
  })

  test('nothing once two topics are among them', () => {
    expect(order(batch([[0, 1n]], 'a'), batch([[0, 2n]], 'b'))).toBe('none')
    expect(order(batch([[0, 1n]], 'b'), batch([[0, 2n]], 'a'), batch([[0, 3n]], 'a'))).toBe('none')
  })

  test('nothing once a row comes from nowhere', () => {
    expect(order(batch([[0, 1n]]), batch([[0, 0n]], ''), batch([[0, 2n]]))).toBe('none')
    expect(order(batch([[0, 0n]], ''), batch([[0, 2n]]))).toBe('none')
  })

  test('each row group anew', () => {
    const sources = sourcesOf(batch([[0, 2n]]), batch([[0, 1n]]))
    expect(sources.takeOrder()).toBe('none')
    sources.add(batch([[0, 1n]], 'other'))
    expect(sources.takeOrder()).toBe('offsets')
    sources.add(batch([[0, 0n]]))
    sources.add(batch([[1, 0n]]))
    expect(sources.takeOrder()).toBe('partitions')
  })
})

test('columns of an order begin with what differs first', () => {
  expect(sortColumns('offsets')).toEqual(['_offset', '_index'])
  expect(sortColumns('partitions')).toEqual(['_partition', '_offset', '_index'])
  expect(sortColumns('none')).toEqual([])
})

describe('ranges of offsets', () => {
  test('hold all rows, by topic and partition', () => {
    const sources = sourcesOf(
      batch(
        [
          [3, 7n],
          [3, 9n],
          [1, far],
          [3, 5n],
        ],
        'b',
      ),
      batch([[0, 4n]], 'a'),
      batch(
        [
          [3, 6n],
          [1, far + 2n],
        ],
        'b',
      ),
    )
    expect(sources.ranges).toEqual([
      { topic: 'a', partition: 0, first: 4n, next: 5n },
      { topic: 'b', partition: 1, first: far, next: far + 3n },
      { topic: 'b', partition: 3, first: 5n, next: 10n },
    ])
  })

  test('are of the whole file, and none of rows that come from nowhere', () => {
    const sources = sourcesOf(batch([[0, 4n]]))
    sources.takeOrder()
    sources.add(batch([[0, 9n]]))
    sources.add(batch([[0, 99n]], ''))
    expect(sources.ranges).toEqual([{ topic: 'events', partition: 0, first: 4n, next: 10n }])
  })

  test('are JSON with offsets as text', () => {
    const { ranges } = sourcesOf(batch([[0, 1n << 60n]]))
    expect(offsetsText(ranges)).toBe(
      '[{"topic":"events","partition":0,"first":"1152921504606846976","next":"1152921504606846977"}]',
    )
  })
})
