/** What lies in a partition's folder, where some of it belongs to what has left the state. */
import { expect, test } from 'vitest'
import { PersistentMap } from '../../../src/base/persistent-map.ts'
import type { FoldedClosed, FoldedStream, FoldState } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { publishedPath } from '../../../src/protocol/log-paths.ts'
import { newStream } from '../../../src/protocol/new-stream.ts'
import { judgeFolder } from '../../../src/protocol/readiness-folder.ts'
import {
  appendEntry,
  foldAll,
  sampleCell,
  sampleFile,
  sampleHour,
  stream,
  table,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const partition = sampleHour(13)
const commitId = commitIdOf(writerId('ab'.repeat(16)), 3)
const path = publishedPath({ pipeline, table, partitionPath: partition.path, commitId, ordinal: 0 })
const listed = [{ path, sizeBytes: 4, modifiedMs: partition.nextMs }]

const closedUpTo = (hour: number): FoldedStream => {
  const { startMs, nextMs } = sampleHour(hour)
  const sums = { partitionCount: 1, fileCount: 1, rowCount: 10, checksum: 'a'.repeat(64) }
  const closed: FoldedClosed = {
    ...sums,
    firstMs: startMs,
    nextMs,
    counts: sampleCell(13, 1).counts,
  }
  return { ...newStream, announcedNextMs: nextMs, closed }
}

/** @param tables by stream, as configured. */
function stateOf(tables: Record<string, string>, folded: Record<string, FoldedStream>): FoldState {
  const empty = emptyFold()
  const streams = Object.entries(tables).map(([name, of]) => ({
    name,
    table: of,
    topics: [],
    sinceMs: partition.startMs,
  }))
  const config = { ...empty.config, streams }
  return { ...empty, config, streams: PersistentMap.of(new Map(Object.entries(folded))) }
}

const strays = (state: FoldState): readonly string[] =>
  judgeFolder(state, pipeline, { table, partition }, listed).stray.map((stray) => stray.path)

test.each([
  ['another stream of the table', { [stream]: table, other: table }],
  ['a stream that is not configured any more', { [stream]: table }],
])('a file of a partition that %s has closed is no stray', (_, tables) => {
  const state = stateOf(tables, { [stream]: newStream, other: closedUpTo(13) })
  expect(strays(state)).toEqual([])
})

test('of a file that its table refused nothing is missing: its partition waits by the log', () => {
  const away = { ...sampleFile(commitId, 13), path: `_lakeward/${pipeline}/spill/${path}` }
  const state = foldAll([
    appendEntry(commitId, { places: [{ stream, partition }], body: { files: [away] } }),
  ])
  const place = { table, partition }
  expect(judgeFolder(state, pipeline, place, []).missing).toEqual([])
  const home = { ...away, path }
  const whole = foldAll([
    appendEntry(commitId, { places: [{ stream, partition }], body: { files: [home] } }),
  ])
  expect(judgeFolder(whole, pipeline, place, []).missing).toEqual([
    { path: home.path, foundBytes: undefined },
  ])
})

test.each([
  ['closed earlier partitions only', { [stream]: table, other: table }, 12],
  ['closed it in another table', { [stream]: table, other: 'elsewhere' }, 13],
])('what nobody knows is one where another stream %s', (_, tables, hour) => {
  const state = stateOf(tables, { [stream]: newStream, other: closedUpTo(hour) })
  expect(strays(state)).toEqual([path])
})

test.each([
  ['growth.clicks', 'growth'],
  ['growth', 'growth.clicks'],
  ['growth.clicks', 'growth.taps'],
  ['growth.taps', 'growth.tap'],
])('what %s leaves behind is no stray of %s, whose table it is', (zombie, own) => {
  const name = { table, partitionPath: partition.path, commitId, ordinal: 0 }
  const left = listed.map((object) => ({
    ...object,
    path: publishedPath({ ...name, pipeline: zombie }),
  }))
  const state = stateOf({ [stream]: table }, { [stream]: newStream })
  const place = { table, partition }
  expect(judgeFolder(state, own, place, left).stray).toEqual([])
  expect(judgeFolder(state, zombie, place, left).stray).toHaveLength(1)
})
