import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { encodeCheckpoint, parseCheckpoint } from '../../../src/codec/log/checkpoint.ts'
import { encodeEntry } from '../../../src/codec/log/entry.ts'
import type { DataFile, FileBase } from '../../../src/model/data-file.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { AppendEntry, LogEntry } from '../../../src/model/log-entry.ts'
import { foldEntry } from '../../../src/protocol/fold.ts'
import { judgeLength, standingParts } from '../../../src/protocol/growth.ts'
import { tailPath } from '../../../src/protocol/log-paths.ts'
import { brokenReliance } from '../../../src/protocol/reliance.ts'
import { planSwap } from '../../../src/protocol/swap-plan.ts'
import {
  appendEntry,
  entryBase,
  foldAll,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleRange,
  startRange,
  stream,
} from '../../support/log-samples.ts'

const writer = writerId('a'.repeat(32))
const id = (counter: number): ReturnType<typeof commitIdOf> => commitIdOf(writer, counter)
const places = [{ stream, partition: sampleHour(13) }]

const whole: DataFile = { ...sampleFile(id(1), 13), sizeBytes: 900, rowCount: 10 }
const grownTo = (counter: number, sizeBytes: number, base: FileBase): DataFile => ({
  ...whole,
  sizeBytes,
  base,
  rowCount: base.rowCount + 5,
  stagedPath: tailPath(whole.path, { pipeline: 'growth', commitId: id(counter), ordinal: 0 }),
})
const first = grownTo(2, 1_400, { sizeBytes: 900, rowCount: 10 })
const second = grownTo(3, 2_000, { sizeBytes: 1_400, rowCount: 15 })

const append = (counter: number, ...files: readonly DataFile[]): AppendEntry =>
  appendEntry(id(counter), {
    ranges: [sampleRange(0, 5 * counter, 5 * counter + 5)],
    places,
    body: { files, counts: [sampleCell(13, 5)] },
  })
const begun = foldAll([appendEntry(id(0), { ranges: [startRange(0, 5)] }), append(1, whole)])
const after = (...entries: readonly LogEntry[]): FoldState =>
  entries.reduce((state, entry) => foldEntry(state, state.next, entry, '').state, begun)
const filesOf = ({ streams }: FoldState): readonly DataFile[] =>
  streams.get(stream)?.partitions.get(sampleHour(13).path)?.files ?? []
const why = (entry: LogEntry, state = begun): string | undefined =>
  brokenReliance(state, entry)?.because

describe('a file that grows', () => {
  test('stands once in its partition, as its newest entry says', () => {
    const other = { ...sampleFile(id(1), 13, 1), rowCount: 3 }
    const state = after(append(2, first, other), append(3, second))
    expect(filesOf(state)).toEqual([second, other])
    expect(state.voidCount).toBe(0)
    expect(state.unpublished.get(id(1))?.files).toEqual([whole])
    expect(state.unpublished.get(id(2))?.files).toEqual([first, other])
    expect(state.unpublished.get(id(3))?.files).toEqual([second])
  })

  test('leaves an earlier state as it was', () => {
    const state = after(append(2, first))
    foldEntry(state, state.next, append(3, second), '')
    expect(filesOf(state)).toEqual([first])
  })

  test('is the same state from a checkpoint, and the same entry from its bytes', () => {
    const state = after(append(2, first), append(3, second))
    const back = parseCheckpoint(encodeCheckpoint(state), 'checkpoint')
    expect(encodeCheckpoint(back)).toEqual(encodeCheckpoint(state))
    expect(filesOf(back)).toEqual([second])
    const entry = append(2, first)
    expect(encodeEntry(entry, (sha256) => sha256).readBack).toEqual(entry)
  })
})

describe('an append that goes on with a file is void', () => {
  test.each([
    ['of other bytes', { sizeBytes: 899, rowCount: 10 }],
    ['of other rows', { sizeBytes: 900, rowCount: 9 }],
  ])('where the log has one %s', (_, base) => {
    expect(why(append(2, { ...first, base }))).toMatch(/^place-changed: .* has 900 bytes and 10/)
  })

  test('where it was gone on with before', () => {
    expect(why(append(3, first), after(append(2, first)))).toMatch(/has 1400 bytes and 15 rows/)
  })

  test('where it is not live', () => {
    expect(why(append(2, { ...first, path: `${whole.path}x` }))).toMatch(/is not live/)
  })

  test('where it is announced, be the rows late or not', () => {
    const manifest = { ...sampleManifest(13), files: [{ path: whole.path, bytes: 900, rows: 10 }] }
    const announced = {
      kind: 'ready',
      ...entryBase(id(2)),
      announcements: [{ ...places[0], version: id(1), manifest, targets: [] }],
    } as unknown as LogEntry
    const state = after(announced)
    expect(state.voidCount).toBe(0)
    expect(why(append(2, first), state)).toMatch(/^place-changed: /)
    const late = append(2, first)
    const counts = late.body.counts.map((cell) => ({
      ...cell,
      counts: { ...cell.counts, lateAppended: cell.counts.written },
    }))
    const lateEntry = { ...late, places: [{ ...present(places[0], 'a place'), late: true }] }
    const entry = { ...lateEntry, body: { ...late.body, counts } } as LogEntry
    expect(why(entry, state)).toMatch(/lies in an announced partition/)
  })

  test('where it grows by nothing, or twice', () => {
    const shrinks = { ...first, sizeBytes: 900 }
    const rowless = { ...first, rowCount: 10 }
    for (const file of [shrinks, rowless]) expect(why(append(2, file))).toMatch(/^malformed: /)
    expect(why(append(2, first, first))).toBe(`malformed: "${whole.path}" grows twice`)
  })
})

describe('what stands of it on the lake', () => {
  const state = after(append(2, first), append(3, second))

  test.each([
    ['the first file, as it is', whole, 900, 'stands'],
    ['the first file, grown since', whole, 1_400, 'stands'],
    ['the first file, grown twice since', whole, 2_000, 'stands'],
    ['the first file, longer than anything', whole, 2_001, 'wrong'],
    ['the first file, short', whole, 899, 'wrong'],
    ['a tail, joined', first, 1_400, 'stands'],
    ['a tail, gone on from', first, 2_000, 'stands'],
    ['a tail, half of it', first, 1_100, 'wrong'],
    ['a later tail, before the one it follows', second, 900, 'behind'],
    ['a later tail, half of the file', second, 500, 'behind'],
    ['a later tail, joined', second, 2_000, 'stands'],
  ] as const)('%s', (_, file, foundBytes, kind) => {
    expect(judgeLength(state, file, foundBytes).kind).toBe(kind)
  })

  test('a tail whose forerunner is told as published has no reason to be short', () => {
    const told = { ...append(4), publishedNext: 3 }
    const known = after(append(2, first), append(3, second), told)
    expect([...known.unpublished.keys()]).toEqual([id(3)])
    expect(judgeLength(known, second, 900).kind).toBe('wrong')
  })

  test('a file that does not grow is never longer than it is', () => {
    expect(judgeLength(begun, whole, 901).kind).toBe('wrong')
  })
})

describe('a swap', () => {
  const state = after(append(2, first), append(3, second))
  const facts = { state, publishedHere: new Set<never>(), commitId: id(9), stream } as const
  const at = { ...facts, partitionPath: sampleHour(13).path, inputs: [whole.path] }

  test('never makes one entry of it again: it holds the rows of several', () => {
    const plan = planSwap({ ...at, why: 'refill' })
    expect(plan).toMatchObject({ kind: 'refuse', because: /holds the rows of several entries/ })
  })

  test('that takes it gives up every tail that may still be joined', () => {
    const publishedHere = new Set([id(1), id(2), id(3)])
    const plan = planSwap({ ...at, publishedHere, why: 'merge' })
    if (plan.kind !== 'swap') throw new Error('it can be merged')
    const file = { ...sampleFile(id(9), 13, 9), rowCount: second.rowCount }
    const entry = {
      kind: 'swap',
      ...entryBase(id(9)),
      ...plan.swap,
      reason: '',
      lostRowCount: 0,
      body: { files: [file] },
    } as LogEntry
    const swapped = foldEntry(state, state.next, entry, '').state
    expect(swapped.voidCount).toBe(0)
    expect(filesOf(swapped)).toEqual([file])
    const [deeds, ...others] = [...swapped.unpublished.values()]
    expect(others).toEqual([])
    expect(deeds?.removals?.map(({ stagedPath }) => stagedPath).sort()).toEqual(
      [whole, first, second].map(({ stagedPath }) => stagedPath).sort(),
    )
  })

  test('brings in no file that goes on with another', () => {
    const base = { ...entryBase(id(9)), kind: 'swap', why: 'replace', reason: '', stream }
    const entry = {
      ...base,
      partition: sampleHour(13),
      place: 'open',
      version: undefined,
      inputs: [whole.path],
      restored: [],
      location: whole.path.slice(0, whole.path.lastIndexOf('/')),
      lostRowCount: 0,
      body: { files: [{ ...sampleFile(id(9), 13, 9), base: { sizeBytes: 1, rowCount: 1 } }] },
    } as unknown as LogEntry
    expect(why(entry)).toMatch(/is no new file/)
  })
})

describe('as far as the log knows it is published', () => {
  const other = { ...sampleFile(id(3), 13, 1), rowCount: 3 }
  const partOf = ({ path, sizeBytes, rowCount, crc32c }: DataFile) => {
    return { path, sizeBytes, rowCount, crc32c }
  }
  const { path, base } = first
  const upTo = (state: FoldState, counter: number): FoldState => ({
    ...state,
    unpublished: new Map([...state.unpublished].filter(([commit]) => commit > id(counter))),
  })
  const state = after(append(2, first), append(3, second, other))

  test.each([
    [0, []],
    [1, [{ path, ...base }]],
    [2, [{ path, sizeBytes: first.sizeBytes, rowCount: first.rowCount }]],
    [3, [partOf(second), partOf(other)]],
  ])(
    'commit %i is the newest that is: of a file that grows its length by then stands',
    (newest, parts) => {
      expect(state.unpublished.size).toBe(3)
      expect(standingParts(upTo(state, newest), filesOf(state))).toEqual(parts)
    },
  )
})

test('a length is judged by a file that was swapped away, and by nothing where none is known', () => {
  const partition = begun.streams.get(stream)?.partitions.get(sampleHour(13).path)
  const folded = begun.streams.get(stream)
  if (partition === undefined || folded === undefined) throw new Error('the hour is there')
  const removed = [{ file: second, sinceMs: whole.eventTimeMs.min }]
  const partitions = new Map([[sampleHour(13).path, { ...partition, files: [], removed }]])
  const away = { ...begun, streams: new Map([[stream, { ...folded, partitions }]]) }
  expect(judgeLength(away, first, 2_000)).toEqual({ kind: 'stands' })
  expect(judgeLength(away, first, 2_001)).toEqual({ kind: 'wrong' })
  expect(judgeLength({ ...begun, streams: new Map() }, first, 2_000)).toEqual({ kind: 'wrong' })
})
