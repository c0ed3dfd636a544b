import { expect, test } from 'vitest'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { partitionPath } from '../../../src/model/lake-partition.ts'
import {
  checkpointName,
  entryPath,
  homeOf,
  isSpilled,
  journalPath,
  parseCheckpointPath,
  parseEntryPath,
  publishedPath,
  shardingFolder,
  spillRoot,
  spillTable,
  stagedIn,
  stagedPath,
} from '../../../src/protocol/log-paths.ts'

const id = commitIdOf(writerId('9f3ac1d2b0e4a677'.repeat(2)), 41)

test('entries sort as their numbers do and no folder holds more than ten thousand', () => {
  expect(entryPath('growth', 0)).toBe('_lakeward/growth/log/00000000/00000000000000000000.json')
  expect(entryPath('growth', 9_999)).toContain('/00000000/')
  expect(entryPath('growth', 10_000)).toContain('/00000001/00000000000000010000.json')
  expect(() => entryPath('growth', -1)).toThrow(/whole number/)
})

test('a checkpoint is known by its name, and nothing else is taken for one', () => {
  const name = checkpointName('growth', 42_000, '7f83b1657ff1fc53b92dc18148a1d65d')
  expect(name.path).toBe(
    '_lakeward/growth/checkpoints/00000000000000042000-7f83b1657ff1fc53.jsonl.zst',
  )
  expect(parseCheckpointPath(name.path)).toEqual(name)
  expect(parseCheckpointPath(`${name.path}.tmp`)).toBeUndefined()
})

test('what is staged does not look like a table’s file, and names its commit', () => {
  expect(stagedPath('events', id, 3)).toBe(`events/_staging/${id}/3.staged`)
  const staged = { table: 'events', commitId: id }
  expect(stagedIn(stagedPath('events', id, 3))).toEqual(staged)
  expect(stagedIn(journalPath('events', id))).toEqual(staged)
  expect(stagedIn('events/_staging/notes.txt')).toBeUndefined()
  const spilled = spillTable('growth', 'events')
  expect(stagedIn(stagedPath(spilled, id, 3))).toEqual({ table: spilled, commitId: id })
})

test('a published name holds pipeline, commit and ordinal: no two files ever share one', () => {
  const at = partitionPath('dt=2026-11-20/hour=13')
  const name = { pipeline: 'growth', table: 'events', partitionPath: at, commitId: id, ordinal: 2 }
  expect(publishedPath(name)).toBe(`events/${at}/growth-9f3ac1d2b0e4a677-41-2.parquet`)
})

test('a shard has a folder below that of its pipeline, and nothing in another of its', () => {
  const own = '_lakeward/growth/shards/clicks'
  expect(homeOf('growth.clicks')).toBe(own)
  expect(entryPath('growth.clicks', 7)).toBe(`${own}/log/00000000/00000000000000000007.json`)
  expect(parseEntryPath(entryPath('growth.clicks', 7))).toBe(7)
  expect(isSpilled(`${spillTable('growth.clicks', 'events')}/dt=2026-11-20/a.parquet`)).toBe(true)
  expect(isSpilled(`${own}/log/spill/a.parquet`)).toBe(false)
  for (const folder of ['log', 'checkpoints', 'closed', 'spill', 'clock']) {
    expect(own.startsWith(`${homeOf('growth')}/${folder}`)).toBe(false)
  }
  expect(own.startsWith(shardingFolder('growth'))).toBe(false)
  expect(spillRoot('growth.clicks')).toBe(`${own}/spill`)
})
