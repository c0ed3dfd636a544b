/** An operator's repairs, by command line, on what a short demo leaves. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeJournal } from '../../src/codec/log/journal.ts'
import { commitIdOf, writerId } from '../../src/model/ids.ts'
import type { AppendRange } from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import { clusterId, topicId } from '../../src/model/topic-partition.ts'
import { DemoLake } from '../support/demo-lake.ts'

let made: DemoLake

beforeAll(async () => {
  made = await DemoLake.make()
})
afterAll(() => made.close())

const words = (line: string): string[] => line.split(' ')

test.each([
  ['log void x --why torn', '"x" is not an index'],
  ['log void 3', '--why TEXT is missing'],
  ['log refill', '--why TEXT is missing'],
  ['log refill --lost', '--why TEXT is missing'],
  ['log forget 12 --why gone', '"12" is not a commit'],
  [`log forget ${'a'.repeat(32)}-1`, '--why TEXT is missing'],
])('"%s" is refused with exit code 2: %s', async (line, message) => {
  const { exit, error } = await made.run(...words(line))
  expect(exit).toBe(2)
  expect(error).toContain(message)
})

describe('what was staged and never decided', () => {
  const commitId = commitIdOf(writerId('e'.repeat(32)), 7)
  const range: AppendRange = {
    lane: 'lake',
    source: { clusterId: clusterId('gone'), topicId: topicId('gone'), topic: 'old', partition: 0 },
    expected: nextOffset(0n),
    first: offset(0n),
    next: nextOffset(9n),
    leaderEpoch: 0,
  }
  const staging = (): string => join(made.lake.folder, 'page_views', '_staging', commitId)

  test('is kept by gc until an operator forgets it, and removed then', async () => {
    await mkdir(staging(), { recursive: true })
    const journal = encodeJournal({ pipeline: 'shop', commitId, ranges: [range], files: [] })
    await writeFile(join(staging(), 'head.json'), journal)
    await writeFile(join(staging(), '0.staged'), 'rows')
    const kept = await made.json<{ staging: unknown[] }>('gc')
    expect(kept).toMatchObject({ exit: 0, staging: [{ commitId, verdict: 'undecided' }] })
    const dry = await made.json('log', 'forget', commitId, '--dry-run')
    expect(dry).toMatchObject({ exit: 0, outcome: 'dry-run', objects: { length: 1 } })
    const before = await made.json<{ next: number }>('log', 'ls', '--limit', '1')
    const done = await made.json('log', 'forget', commitId, '--why', 'its topic is gone')
    expect(done).toMatchObject({ exit: 0, outcome: 'forgotten', entry: before.next })
    const listed = await made.run('log', 'ls', '--limit', '1')
    expect(listed.out).toContain('its topic is gone')
    const again = await made.run('log', 'forget', commitId, '--why', 'once more')
    expect(again).toMatchObject({ exit: 1, out: expect.stringContaining('"lakeward gc" removes') })
    const dryGc = await made.json('gc', '--dry-run')
    expect(dryGc).toMatchObject({ dryRun: true, staging: [{ commitId, verdict: 'garbage' }] })
    expect(await readdir(staging())).toHaveLength(2)
    expect(await made.json('gc')).toMatchObject({ removed: { removedCommits: 1 } })
    await expect(readdir(staging())).rejects.toMatchObject({ code: 'ENOENT' })
    const nothing = await made.run('log', 'forget', commitId, '--why', 'once more')
    expect(nothing.out).toContain('nothing is staged for it')
  })
})

describe('an entry that nobody can read', () => {
  test('is stepped over by log void, which tells what falls with it', async () => {
    // A checkpoint above the entry would speak for it, and void be refused.
    await rm(join(made.lake.folder, '_lakeward/shop/checkpoints'), { recursive: true, force: true })
    const { next } = await made.json<{ next: number }>('log', 'ls')
    const entry = next - 1
    const whole = await made.run('log', 'void', String(entry), '--why', 'nothing')
    expect(whole).toMatchObject({ exit: 1, out: expect.stringContaining('can be read') })
    const file = made.lake.entryFile(entry)
    const bytes = await readFile(file)
    await writeFile(file, bytes.subarray(0, bytes.length - 9))
    expect((await made.run('log', 'ls')).exit).toBe(1)
    const dry = await made.json('log', 'void', String(entry), '--dry-run')
    expect(dry).toMatchObject({ exit: 0, outcome: 'dry-run', entries: [{ index: entry }], next })
    expect((await made.run('log', 'ls')).exit).toBe(1)
    const done = await made.json('log', 'void', String(entry), '--why', 'the disk lost it')
    expect(done).toMatchObject({ exit: 0, outcome: 'stepped-over', notice: next })
    expect((await made.run('log', 'void', String(entry), '--why', 'again')).out).toContain(
      'already',
    )
    const { out } = await made.run('log', 'ls', '--limit', '3')
    expect(out).toContain(`entry ${entry}: the disk lost it`)
    expect((await made.run('log', 'verify')).exit).toBe(0)
  })
})

test('log refill --lost finds nothing to give up on a whole lake, and puts nothing', async () => {
  const { next } = await made.json<{ next: number }>('log', 'ls')
  expect(await made.json('log', 'refill', '--lost', '--dry-run')).toMatchObject({ lost: [] })
  const done = await made.run('log', 'refill', '--lost', '--why', 'to see')
  expect(done).toMatchObject({ exit: 0, out: 'no decided file is gone\n' })
  expect(await made.json('log', 'ls')).toMatchObject({ next })
})
