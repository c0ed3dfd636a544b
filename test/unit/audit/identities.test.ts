import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type FileIdentities,
  judgeIdentities,
  offsetsWithoutTrace,
  onlyTopicOf,
} from '../../../src/audit/commit-identities.ts'
import { type Identities, IdentityList } from '../../../src/audit/identities.ts'
import { TakenLetters } from '../../../src/audit/taken-letters.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { appendEntry, sampleRange, stream } from '../../support/log-samples.ts'

const writer = writerId('9f3ac1d2b0e4a67700112233445566aa')
const entry = appendEntry(commitIdOf(writer, 1), {
  ranges: [sampleRange(0, 100, 110), sampleRange(1, 7, 9)],
})
const at = 'growth.events/0'

type Row = readonly [offset: number, index: number]

function fileOf(rows: readonly Row[], changes: Partial<FileIdentities> = {}): FileIdentities {
  const list = new IdentityList()
  for (const [offset, index] of rows) list.add(BigInt(offset), index)
  const identities: Identities = new Map([[at, list]])
  return { stream, path: 'a.parquet', isLetters: false, identities, ...changes }
}

const judge = (files: readonly FileIdentities[], oneRowEach = true) =>
  judgeIdentities(entry, stream, files, oneRowEach)

describe('rows of one commit', () => {
  test('each once, in order, within the range: nothing is found', () => {
    const files = [
      fileOf([
        [100, 0],
        [100, 1],
        [103, 0],
      ]),
      fileOf([
        [101, 0],
        [109, 0],
      ]),
    ]
    expect(judge(files)).toEqual({ stream, duplicates: [], outside: [], disordered: [] })
  })

  test('twice in one file or in two are duplicates, with their identity', () => {
    const told = judge([
      fileOf([
        [100, 0],
        [100, 0],
      ]),
      fileOf([[104, 3]]),
      fileOf([[104, 3]]),
    ])
    expect(told.duplicates).toEqual([
      `"${at}" offset 100 index 0 stands twice`,
      `"${at}" offset 104 index 3 stands twice`,
    ])
  })

  test('beside a dead letter of the same event are duplicates', () => {
    const letters = fileOf([[104, 0]], { isLetters: true, path: 'letters.parquet' })
    expect(judge([fileOf([[104, 0]]), letters]).duplicates).toHaveLength(1)
  })

  test('of an event that a module made several of are none', () => {
    expect(
      judge(
        [
          fileOf([
            [100, 0],
            [100, 0],
          ]),
        ],
        false,
      ).duplicates,
    ).toEqual([])
  })

  test.each([
    [99, '[100, 110)'],
    [110, '[100, 110)'],
  ])('of offset %d lie outside of what the commit covers', (offset, range) => {
    expect(judge([fileOf([[offset, 0]])]).outside).toEqual([
      `"${at}" offset ${offset} is in a file of a commit that covers ${range} of it`,
    ])
  })

  test('of a topic-partition that the commit does not cover lie outside', () => {
    const list = new IdentityList()
    list.add(100n, 0)
    const strange = fileOf([], { identities: new Map([['growth.events/7', list]]) })
    expect(judge([strange]).outside[0]).toContain('covers nothing of it')
  })

  test('behind a later one are out of order; dead letters may be', () => {
    const rows: readonly Row[] = [
      [103, 0],
      [101, 0],
    ]
    expect(judge([fileOf(rows)]).disordered).toEqual([
      `"a.parquet": offset 101 stands behind 103 of "${at}"`,
    ])
    expect(judge([fileOf(rows, { isLetters: true })]).disordered).toEqual([])
  })

  test('any rows with one repeated are found out, whatever files they lie in', () => {
    const rows = fc.uniqueArray(fc.tuple(fc.integer({ min: 100, max: 109 }), fc.nat(3)), {
      minLength: 1,
      selector: ([offset, index]) => `${offset} ${index}`,
    })
    fc.assert(
      fc.property(rows, fc.nat(), fc.nat(2), (unique, which, split) => {
        expect(
          judge([fileOf(unique.slice(0, split)), fileOf(unique.slice(split))]).duplicates,
        ).toEqual([])
        const again = unique[which % unique.length] ?? [0, 0]
        expect(judge([fileOf(unique), fileOf([again])]).duplicates).toHaveLength(1)
      }),
    )
  })
})

describe('offsets of a commit', () => {
  test('with a row or a dead letter each leave nothing over', () => {
    const rows = Array.from({ length: 9 }, (_, row): Row => [100 + row, 0])
    const files = [fileOf([...rows, [104, 1]]), fileOf([[109, 0]], { isLetters: true })]
    const whole = appendEntry(entry.commitId, { ranges: [sampleRange(0, 100, 110)] })
    expect(offsetsWithoutTrace(whole, files)).toEqual({ count: 0n, example: undefined })
  })

  test('without any trace are counted, with the first range they are missing in', () => {
    expect(
      offsetsWithoutTrace(entry, [
        fileOf([
          [100, 0],
          [101, 0],
        ]),
      ]),
    ).toEqual({
      count: 10n,
      example: `8 of [100, 110) of "${at}"`,
    })
  })
})

test('the topic of rows is known where a commit has one only', () => {
  expect(onlyTopicOf(entry)).toBe('growth.events')
  const [first, second] = entry.ranges
  const other = second && { ...second, source: { ...second.source, topic: 'growth.others' } }
  const two = appendEntry(entry.commitId, { ranges: first && other ? [first, other] : [] })
  expect(onlyTopicOf(two)).toBeUndefined()
})

test('a list grows, and tells its rows in the order of their identity', () => {
  const list = new IdentityList()
  for (let row = 0; row < 1_000; row++) list.add(BigInt(1_000 - row), row % 3)
  expect(list.count).toBe(1_000)
  expect(list.firstOutOfOrder()).toBe(1)
  const offsets = [...list.sorted()].map((row) => list.offset(row))
  expect(offsets).toEqual(offsets.toSorted((a, b) => (a < b ? -1 : 1)))
})

describe('rows of a replay', () => {
  const taken = new TakenLetters()
  taken.add({ topic: 'growth.events', partition: 0 }, 40n, 2)
  const cover = { ranges: [], taken }
  const judgeReplay = (rows: readonly Row[]) => judgeIdentities(cover, stream, [fileOf(rows)], true)

  test('are of the letters that it took in, each once', () => {
    expect(judgeReplay([[40, 2]])).toMatchObject({ duplicates: [], outside: [] })
    expect(
      judgeReplay([
        [40, 2],
        [40, 2],
      ]).duplicates,
    ).toHaveLength(1)
    expect(onlyTopicOf(cover)).toBe('growth.events')
  })

  test('of another event of the record, or of none that was late, are named', () => {
    const { outside } = judgeReplay([
      [40, 1],
      [41, 2],
    ])
    expect(outside).toEqual([
      `"${at}" offset 40 index 1 is of no letter that the commit took in`,
      `"${at}" offset 41 index 2 is of no letter that the commit took in`,
    ])
  })

  test('of several topics have none that is the only one', () => {
    taken.add({ topic: 'other', partition: 0 }, 1n, 0)
    expect(onlyTopicOf(cover)).toBeUndefined()
  })
})
