/** Who cleans staging: what it removes, what it keeps, and what it does not look at. */
import { describe, expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { encodeJournal } from '../../../src/codec/log/journal.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import {
  formerJournalPath,
  journalPath,
  spillTable,
  stagedPath,
  tailPath,
} from '../../../src/protocol/log-paths.ts'
import {
  leaveUnpublished,
  type Process,
  parquet,
  pipeline,
  staging,
  type World,
  world,
} from '../../support/committer-world.ts'
import { sampleRange, sealedCommit, table } from '../../support/log-samples.ts'

const stranger = commitIdOf(writerId('f'.repeat(32)), 0)
/** Where journal and files stand of what a version stages. */
const versions = [
  {
    name: 'this version',
    journal: journalPath(pipeline, stranger, 'tables'),
    spilled: journalPath(pipeline, stranger, 'spill'),
    staged: (root: string, ordinal: number) =>
      stagedPath(root, { pipeline, commitId: stranger, ordinal }),
  },
  {
    name: 'a version with a journal in each table',
    journal: formerJournalPath(table, stranger),
    spilled: formerJournalPath(spillTable(pipeline, table), stranger),
    staged: (root: string, ordinal: number) => `${root}/_staging/${stranger}/${ordinal}.staged`,
  },
]
const clean = (sim: World, { log, telemetry }: Process): ReturnType<typeof cleanStaging> =>
  cleanStaging({ lake: sim.lake, log, pipeline, tables: [table, 'never_written'], telemetry })

describe.each(versions)('cleaning up what $name staged', ({ journal, spilled, staged }) => {
  const stageAs = async (sim: World, owner: string, ranges = [sampleRange(0, 0, 5)]) => {
    const body = encodeJournal({ pipeline: owner, commitId: stranger, ranges, files: [] })
    await sim.lake.put(journal, body)
    await sim.lake.put(staged(table, 0), Buffer.from('rows'))
  }

  test('leaves staging alone that may still be decided, however old it is', async () => {
    const sim = await world()
    await stageAs(sim, pipeline)
    const process = await sim.start(1)
    await sim.clock.run(sim.clock.sleep(durationMs(365 * 86_400_000)))
    expect(await clean(sim, process)).toEqual({
      removedCommits: 0,
      removedObjects: 0,
      keptCommits: 1,
      unjudged: [],
    })
    expect(staging(sim)).toHaveLength(2)
  })

  test('removes it, the journal last, once its range was committed by another', async () => {
    const sim = await world()
    await stageAs(sim, pipeline)
    const process = await sim.start(1)
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    sim.lake.history.length = 0
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 1, removedObjects: 2 })
    expect(staging(sim)).toEqual([])
    const removed = sim.lake.history.filter((call) => call.startsWith('remove'))
    expect(removed.at(-1)).toBe(`remove ${journal}`)
  })

  test('discards what its journal names, also where nothing of it is to be seen', async () => {
    const sim = await world()
    const named = { stagedPath: staged(table, 7), path: `${table}/7.parquet` }
    const ranges = [sampleRange(0, 0, 5)]
    const body = encodeJournal({ pipeline, commitId: stranger, ranges, files: [named] })
    await sim.lake.put(journal, body)
    const process = await sim.start(1)
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    sim.lake.history.length = 0
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 1 })
    const removed = sim.lake.history.filter((call) => call.startsWith('remove'))
    expect(removed).toEqual([`remove ${named.stagedPath}`, `remove ${journal}`])
  })

  test('goes on beside a table that refuses to be cleaned, also in the spill area', async () => {
    const sim = await world()
    await stageAs(sim, pipeline)
    const body = (await sim.lake.read(journal)) ?? Buffer.of()
    const away = spillTable(pipeline, table)
    await sim.lake.put(spilled, body)
    await sim.lake.put(staged(away, 0), Buffer.from('rows'))
    const process = await sim.start(1)
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    const remove = sim.lake.remove.bind(sim.lake)
    sim.lake.remove = async (path) => {
      if (!path.startsWith(`${table}/`)) return remove(path)
      throw new Fault('LAKE_REFUSED', { operation: 'remove', path, reason: 'permission' })
    }
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 1, keptCommits: 1 })
    expect(staging(sim).filter((path) => path.startsWith(away))).toEqual([])
    sim.lake.remove = remove
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 1, keptCommits: 0 })
    expect(staging(sim)).toEqual([])
  })

  test('leaves the staging of another pipeline alone', async () => {
    const sim = await world()
    await stageAs(sim, 'billing')
    const process = await sim.start(1)
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 0, keptCommits: 1 })
    expect(staging(sim)).toHaveLength(2)
  })

  test('leaves what was decided and not published', async () => {
    const sim = await world()
    await leaveUnpublished(sim, 1)
    const process = await sim.start(2)
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 0, keptCommits: 1 })
    await process.committer.publishPending(durationMs(0))
    expect(parquet(sim)).toHaveLength(1)
  })

  test('leaves what an unreadable journal names, and says which', async () => {
    const sim = await world()
    await stageAs(sim, pipeline)
    await sim.lake.put(journal, Buffer.from('{"format":1}'))
    const process = await sim.start(1)
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    const report = await clean(sim, process)
    expect(report.unjudged).toEqual([journal])
    expect(staging(sim)).toHaveLength(2)
    expect(process.telemetry.events.map(({ event }) => event)).toContain(
      'staging with an unreadable journal',
    )
  })
})

describe('one journal of a commit', () => {
  /** A commit of two tables, of which one may refuse to be cleaned. */
  async function ofTwoTables(): Promise<{ sim: World; process: Process; files: string[] }> {
    const sim = await world()
    const named = [table, 'orders'].map((at, ordinal) => ({
      stagedPath: stagedPath(at, { pipeline, commitId: stranger, ordinal }),
      path: `${at}/${ordinal}.parquet`,
    }))
    const ranges = [sampleRange(0, 0, 5)]
    const body = encodeJournal({ pipeline, commitId: stranger, ranges, files: named })
    await sim.lake.put(journalPath(pipeline, stranger, 'tables'), body)
    const files = named.map((file) => file.stagedPath)
    for (const path of files) await sim.lake.put(path, Buffer.from('rows'))
    return { sim, process: await sim.start(1), files }
  }

  test('keeps what it names in every table, and cleans it also where no table is known', async () => {
    const { sim, process, files } = await ofTwoTables()
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 0, keptCommits: 1 })
    expect(staging(sim)).toHaveLength(3)
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    // The other table is none of those that are looked into.
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 1 })
    for (const path of files) expect(sim.lake.store.has(path)).toBe(false)
    expect(staging(sim)).toEqual([])
  })

  test('stays while one table refuses to be cleaned; what others hold goes', async () => {
    const { sim, process, files } = await ofTwoTables()
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    const remove = sim.lake.remove.bind(sim.lake)
    sim.lake.remove = async (path) => {
      if (!path.startsWith('orders/')) return remove(path)
      throw new Fault('LAKE_REFUSED', { operation: 'remove', path, reason: 'permission' })
    }
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 0, keptCommits: 1 })
    const left = [files[1], journalPath(pipeline, stranger, 'tables')]
    expect(new Set(staging(sim))).toEqual(new Set(left))
    // What is gone already is not asked for again, however often this is tried.
    sim.lake.history.length = 0
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 0, keptCommits: 1 })
    expect(sim.lake.history.filter((call) => call.includes(files[0] ?? ''))).toEqual([])
    sim.lake.remove = remove
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 1 })
    expect(staging(sim)).toEqual([])
  })

  test('a folder that refuses is asked once in a cleaning, however many commits it refuses', async () => {
    const sim = await world()
    const ranges = [sampleRange(0, 0, 5)]
    for (const commitId of [0, 1, 2, 3].map((n) => commitIdOf(writerId('f'.repeat(32)), n))) {
      const at = { pipeline, commitId, ordinal: 0 }
      const file = { stagedPath: stagedPath('orders', at), path: 'orders/0.parquet' }
      const body = encodeJournal({ pipeline, commitId, ranges, files: [file] })
      await sim.lake.put(journalPath(pipeline, commitId, 'tables'), body)
    }
    const process = await sim.start(1)
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    let refusedCount = 0
    const remove = sim.lake.remove.bind(sim.lake)
    sim.lake.remove = async (path) => {
      if (!path.startsWith('orders/')) return remove(path)
      refusedCount++
      throw new Fault('LAKE_REFUSED', { operation: 'remove', path, reason: 'permission' })
    }
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 0, keptCommits: 4 })
    expect(refusedCount).toBe(1)
    sim.lake.remove = remove
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 4, keptCommits: 0 })
  })

  test.each([
    ['whose staging', `${table}/_staging`],
    ['a tail of which', 'orders/dt=1'],
  ])('a table %s cannot be looked for hinders no other', async (_what, refusing) => {
    const { sim, process, files } = await ofTwoTables()
    const other = commitIdOf(writerId('0'.repeat(32)), 0)
    const name = { pipeline, commitId: other, ordinal: 0 }
    const tail = {
      stagedPath: tailPath('orders/dt=1/a.parquet', name),
      path: 'orders/dt=1/a.parquet',
    }
    const ranges = [sampleRange(0, 0, 5)]
    const body = encodeJournal({ pipeline, commitId: other, ranges, files: [tail] })
    await sim.lake.put(journalPath(pipeline, other, 'tables'), body)
    await process.committer.commit(sealedCommit(process.log.nextCommitId(), 0, 5))
    const list = sim.lake.list.bind(sim.lake)
    sim.lake.list = async (path) => {
      if (path !== refusing) return list(path)
      throw new Fault('LAKE_REFUSED', { operation: 'list', path, reason: 'permission' })
    }
    await clean(sim, process)
    for (const path of files) expect(sim.lake.store.has(path)).toBe(false)
    sim.lake.list = list
    await clean(sim, process)
    expect(staging(sim)).toEqual([])
  })

  test('is of its pipeline: what another one has staged in the same table is not looked at', async () => {
    const sim = await world()
    const other = { pipeline: 'billing', commitId: stranger, ordinal: 0 }
    await sim.lake.put(stagedPath(table, other), Buffer.from('rows'))
    const process = await sim.start(1)
    sim.lake.history.length = 0
    expect(await clean(sim, process)).toMatchObject({ removedCommits: 0, keptCommits: 1 })
    expect(staging(sim)).toEqual([stagedPath(table, other)])
    expect(sim.lake.history.filter((call) => call.includes('/billing/'))).toEqual([])
  })

  test('is put once, however many tables a commit has, and removed once', async () => {
    const sim = await world()
    const { log, committer } = await sim.start(1)
    const sealed = sealedCommit(log.nextCommitId(), 0, 5)
    const files = sealed.files.flatMap((file) => [
      file,
      { ...file, stream: 'orders', table: 'orders' },
    ])
    const places = [...sealed.places, ...sealed.places.map((at) => ({ ...at, stream: 'orders' }))]
    sim.lake.history.length = 0
    expect(await committer.commit({ ...sealed, files, places })).toMatchObject({
      kind: 'committed',
    })
    const journal = journalPath(pipeline, sealed.commitId, 'tables')
    const calls = sim.lake.history.filter(
      (call) => call.includes('/_staging/') && !call.startsWith('stage'),
    )
    expect(calls).toEqual([`putIfAbsent ${journal}`, `remove ${journal}`])
  })
})
