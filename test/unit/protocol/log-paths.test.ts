import { expect, test } from 'vitest'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { partitionPath } from '../../../src/model/lake-partition.ts'
import {
  bodyPath,
  checkpointName,
  clockPath,
  closedFolder,
  closedListPath,
  entryPath,
  homeOf,
  isPublishedAs,
  isSpilled,
  journalPath,
  parseCheckpointPath,
  parseEntryPath,
  publishedPath,
  shardClaimPath,
  shardedConfigPath,
  shardingFolder,
  spillRoot,
  spillTable,
  stagedIn,
  stagedPath,
  tailOf,
  tailPath,
  unreadablePath,
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

test('what lies beside the log is named by what it holds', () => {
  const sha256 = '0123456789abcdef'.repeat(4)
  const home = '_lakeward/growth'
  expect(bodyPath('growth', id, sha256)).toBe(`${home}/bodies/${id}-0123456789abcdef.json.zst`)
  expect(unreadablePath('growth', 7, sha256)).toBe(
    `${home}/unreadable/00000000000000000007-0123456789abcdef`,
  )
  const path = partitionPath('dt=2026-11-20')
  expect(closedFolder('growth', 'events')).toBe(`${home}/closed/events`)
  expect(closedListPath('growth', { stream: 'events', path, sha256 })).toBe(
    `${home}/closed/events/dt=2026-11-20/0123456789abcdef.json.zst`,
  )
  expect(shardClaimPath('growth', 'topic', sha256)).toBe(
    `${home}/sharding/topics/${sha256.slice(0, 32)}.json`,
  )
  expect(shardedConfigPath('growth', sha256)).toBe(`${home}/sharding/configs/${sha256}.json`)
})

test('a clock object is no entry, a published name is known by its commit and place', () => {
  expect(
    parseEntryPath(clockPath('growth', writerId('9f3ac1d2b0e4a677'.repeat(2)))),
  ).toBeUndefined()
  const at = partitionPath('dt=2026-11-20/hour=13')
  const name = { pipeline: 'growth', table: 'events', partitionPath: at, commitId: id, ordinal: 2 }
  expect(isPublishedAs(publishedPath(name), id, 2)).toBe(true)
  expect(isPublishedAs(publishedPath(name), id, 3)).toBe(false)
})

test('a tail tells its commit, whole or only begun; a file beside it does not', () => {
  const path = tailPath('events/dt=2026-11-20/growth-9f3ac1d2b0e4a677-41-2.parquet', id, 2)
  expect(tailOf(path)).toBe(id)
  expect(tailOf(path.replace('/.tail', '/..tail').concat('.part'))).toBe(id)
  expect(tailOf('events/dt=2026-11-20/growth-9f3ac1d2b0e4a677-41-2.parquet')).toBeUndefined()
})
