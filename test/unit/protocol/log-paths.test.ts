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
  folderOfOneCommit,
  folderOfTail,
  formerJournalPath,
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
  tailIn,
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

const staged = { pipeline: 'growth', commitId: id, ordinal: 3 }

test('what is staged does not look like a table’s file, and names its commit', () => {
  expect(stagedPath('events', staged)).toBe(`events/_staging/growth/${id}-3.staged`)
  const journal = `_lakeward/growth/_staging/${id}.json`
  const found = { commitId: id, journalPath: journal, pipeline: 'growth' }
  expect(journalPath('growth', id, 'tables')).toBe(journal)
  expect(stagedIn(journal)).toEqual(found)
  expect(stagedIn(stagedPath('events', staged))).toEqual(found)
  expect(stagedIn('events/_staging/notes.txt')).toBeUndefined()
  expect(stagedIn(`events/_staging/growth/${id}.txt`)).toBeUndefined()
})

test('what is staged in the spill area has a journal of its own', () => {
  const journal = `_lakeward/growth/_staging/${id}-spill.json`
  const found = { commitId: id, journalPath: journal, pipeline: 'growth' }
  expect(stagedIn(journalPath('growth', id, 'spill'))).toEqual(found)
  expect(stagedIn(stagedPath(spillTable('growth', 'events'), staged))).toEqual(found)
})

test('what a put has only begun belongs to the same commit', () => {
  const begun = (path: string): string => path.replace(/([^/]+)$/, '.$1.0123456789abcdef.put')
  for (const area of ['tables', 'spill'] as const) {
    const journal = journalPath('growth.clicks', id, area)
    expect(stagedIn(begun(journal))).toEqual(stagedIn(journal))
    expect(stagedIn(journal)?.pipeline).toBe('growth.clicks')
  }
  const path = stagedPath('events', staged)
  expect(stagedIn(begun(path))).toEqual(stagedIn(path))
})

/** How versions before ADR 0030 knew what is staged: it is theirs to judge, and to remove. */
const formerShapes = [
  /^(.*)\/_staging\/([0-9a-f]{32}-\d+)\//,
  /\/\.+tail-([0-9a-f]{32}-\d+)-\d+[^/]*$/,
]

test('what is staged is nothing to a version that looks for a journal in each table', () => {
  const file = 'events/dt=2026-11-20/growth-9f3ac1d2b0e4a677-41-2.parquet'
  const paths = [
    stagedPath('events', staged),
    stagedPath(spillTable('growth', 'events'), staged),
    tailPath(file, staged),
    tailPath(file, { ...staged, pipeline: 'growth.clicks' }),
    journalPath('growth', id, 'tables'),
    journalPath('growth', id, 'spill'),
    journalPath('growth.clicks', id, 'tables'),
  ]
  const begun = paths.map((path) => path.replace(/([^/]+)$/, '.$1.0123456789abcdef.put'))
  for (const path of [...paths, ...begun]) {
    expect(
      formerShapes.filter((shape) => shape.test(path)),
      path,
    ).toEqual([])
  }
})

test('what an older version staged belongs to the journal in its table', () => {
  const journal = `events/_staging/${id}/head.json`
  const found = { commitId: id, journalPath: journal, pipeline: undefined }
  expect(formerJournalPath('events', id)).toBe(journal)
  for (const name of ['head.json', '3.staged', '.head.json.0123456789abcdef.put']) {
    const path = `events/_staging/${id}/${name}`
    expect(stagedIn(path)).toEqual(found)
    expect(folderOfOneCommit(path)).toBe(`events/_staging/${id}`)
  }
  expect(folderOfOneCommit(stagedPath('events', staged))).toBeUndefined()
  expect(folderOfOneCommit(journalPath('growth', id, 'tables'))).toBeUndefined()
  const away = spillTable('growth', 'events')
  expect(stagedIn(`${away}/_staging/${id}/3.staged`)?.journalPath).toBe(
    `${away}/_staging/${id}/head.json`,
  )
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

test('a tail tells its commit whatever its pipeline is called, another commit’s id too', () => {
  const other = commitIdOf(writerId('0'.repeat(32)), 7)
  for (const pipeline of [other, `tail-${other}`, `${other}-3`]) {
    const path = tailPath('events/dt=2026-11-20/a.parquet', { ...staged, pipeline })
    const found = { commitId: id, journalPath: journalPath(pipeline, id, 'tables'), pipeline }
    expect(tailIn(path, 'events')).toEqual(found)
  }
})

test('a tail tells its commit, whole or only begun; a file beside it does not', () => {
  const file = 'events/dt=2026-11-20/growth-9f3ac1d2b0e4a677-41-2.parquet'
  const begun = (path: string): string => path.replace('/.tail', '/..tail').concat('.part')
  const path = tailPath(file, staged)
  const found = {
    commitId: id,
    journalPath: journalPath('growth', id, 'tables'),
    pipeline: 'growth',
  }
  expect(tailIn(path, 'events')).toEqual(found)
  expect(tailIn(begun(path), 'events')).toEqual(found)
  expect(folderOfTail(path)).toBe('events/dt=2026-11-20')
  expect(folderOfTail(file)).toBeUndefined()
  const older = `events/dt=2026-11-20/.tail-${id}-2`
  const formerly = {
    commitId: id,
    journalPath: formerJournalPath('events', id),
    pipeline: undefined,
  }
  expect(tailIn(older, 'events')).toEqual(formerly)
  expect(tailIn(begun(older), 'events')).toEqual(formerly)
  expect(tailIn(file, 'events')).toBeUndefined()
})
