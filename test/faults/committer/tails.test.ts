/** A file that grows by two tails, with every call to the lake failing once, or for ever. */
import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { durationMs } from '../../../src/base/time.ts'
import { encodeJournal } from '../../../src/codec/log/journal.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import { publishCommit } from '../../../src/committer/publisher.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { formerJournalPath, journalPath } from '../../../src/protocol/log-paths.ts'
import { SimClock } from '../../sim/clock.ts'
import type { LakeFault, SimStore } from '../../sim/lake.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import {
  asTail,
  commitNext,
  expectOnce,
  liveFiles,
  pipeline,
  ranges,
  startedStore,
  startProcess,
} from '../../support/growing-log.ts'
import { appendDraft, nextOf, sealedCommit, table } from '../../support/log-samples.ts'

const moments = ['before-effect', 'after-effect', 'lands-late'] as const

describe.each(moments)('a file that grows, fault %s', (moment) => {
  test.each(['LAKE_UNAVAILABLE', 'LAKE_REFUSED'] as const)(
    'has every row once, whichever single lake call fails with %s',
    async (code) => {
      let failAt = 1
      for (; ; failAt++) {
        const clock = new SimClock()
        const store = await startedStore(clock)
        const process = await startProcess(clock, store, { seed: 2 })
        const { lake, committer } = process
        lake.calls = 0
        lake.fault = { failAt, moment, lasting: 'once', code }
        const commits = async (): Promise<void> => {
          for (const [first, next] of ranges) {
            expect(await commitNext(process, first, next), `failAt=${failAt}`).toBe('committed')
          }
        }
        await clock.run(commits())
        lake.settle()
        await clock.run(committer.publishPending(durationMs(0)))
        await clock.run(committer.publishPending(durationMs(0)))
        expect(committer.setbacks.filter((fault) => fault.code !== 'LAKE_REFUSED')).toEqual([])
        expectOnce(store, `failAt=${failAt}`)
        if (lake.calls < failAt) break
      }
      expect(failAt).toBeGreaterThan(20)
    },
  )

  test('killed with the lake down for ever, its successor joins what was decided', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await startedStore(clock)
      const fault: LakeFault = { failAt, moment, lasting: 'forever' }
      const reached = await untilKilled(clock, store, fault)
      await clock.run(succeed(clock, store))
      expectOnce(store, `failAt=${failAt}`)
      const left = [...store.keys()].filter((path) => /_staging|\.tail-/.test(path))
      expect(left, `failAt=${failAt}`).toEqual([])
      if (!reached) break
    }
    expect(failAt).toBeGreaterThan(20)
  })
})

/** @returns whether the fault was reached. */
async function untilKilled(clock: SimClock, store: SimStore, fault: LakeFault): Promise<boolean> {
  const ending = new AbortController()
  const process = await startProcess(clock, store, { seed: 3, signal: ending.signal })
  const { lake } = process
  lake.calls = 0
  lake.fault = fault
  const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
  const commits = async (): Promise<string> => {
    for (const [first, next] of ranges) await commitNext(process, first, next)
    return 'committed'
  }
  const ended = commits().catch((error: unknown) => (error as { code?: string }).code)
  await clock.run(Promise.all([ended, killer]))
  lake.settle()
  return lake.calls >= fault.failAt
}

/** What a new process does: it finishes what was decided, and begins a file of its own. */
async function succeed(clock: SimClock, store: SimStore): Promise<void> {
  const { lake, log, committer } = await startProcess(clock, store, { seed: 4 })
  await committer.publishPending(durationMs(0))
  for (const [first, next] of ranges) {
    if ((nextOf(log) ?? 0n) > BigInt(first)) continue
    const outcome = await committer.commit(sealedCommit(log.nextCommitId(), first, next))
    expect(outcome.kind).toBe('committed')
  }
  await log.put(appendDraft(log.nextCommitId()))
  const telemetry = new SimTelemetry()
  await cleanStaging({ lake, log, pipeline, tables: [table], telemetry })
  expect(log.state.unpublished.size).toBe(0)
}

test('a tail is joined behind the one before it, whichever is published first', async () => {
  const clock = new SimClock()
  const store = await startedStore(clock)
  const process = await startProcess(clock, store, { seed: 5 })
  const { lake, log, committer } = process
  await commitNext(process, 0, 5)
  const join = lake.join.bind(lake)
  lake.join = (request) => {
    lake.fault = {
      failAt: lake.calls + 1,
      moment: 'before-effect',
      lasting: 'once',
      code: 'LAKE_REFUSED',
    }
    return join(request)
  }
  await commitNext(process, 5, 9)
  const live = present(liveFiles(process)[0], 'the file is live')
  await committer.commit(asTail(sealedCommit(log.nextCommitId(), 9, 12), live))
  expect(log.state.unpublished.size).toBeGreaterThan(1)
  lake.join = join
  const other = await startProcess(clock, store, { seed: 6 })
  const [first, second] = [...other.log.state.unpublished.values()].sort(
    (a, b) => a.entry - b.entry,
  )
  expect([first?.files.length, second?.files.length]).toEqual([1, 1])
  // The later one alone, as whoever has it in hand would.
  const call = <T>(effect: () => Promise<T>): Promise<T> => effect()
  const options = { lake: other.lake, log: other.log, call }
  await publishCommit(options, present(second, 'two wait'))
  await publishCommit(options, present(first, 'two wait'))
  expectOnce(store, 'out of order')
})

test.each(['a daemon', 'gc'])(
  'a tail that landed late is taken away by %s, no other',
  async (by) => {
    const clock = new SimClock()
    const store = await startedStore(clock)
    const process = await startProcess(clock, store, { seed: 2 })
    const { lake, log } = process
    const left = await clock.run(
      (async () => {
        for (const [first, next] of ranges.slice(0, 2)) await commitNext(process, first, next)
        const { path } = present(liveFiles(process)[0], 'a file grew')
        const folder = path.slice(0, path.lastIndexOf('/'))
        const [gone, begun] = [log.nextCommitId(), log.nextCommitId()]
        const [undecided, older] = [log.nextCommitId(), log.nextCommitId()]
        for (const [commitId, at] of [
          [undecided, journalPath(pipeline, undecided, 'tables')],
          [older, formerJournalPath(table, older)],
        ] as const) {
          const journal = { pipeline, commitId, ranges: [], files: [] }
          await lake.putIfAbsent(at, encodeJournal(journal))
        }
        const kept = [
          `.tail-${pipeline}-${undecided}-0`,
          `.tail-${older}-0`,
          `.tail-billing-${gone}-0`,
          '.tail-of-somebody',
        ]
        const names = [
          ...kept,
          `.tail-${pipeline}-${gone}-0`,
          `..tail-${pipeline}-${begun}-1.0123456789abcdef.put`,
          `.tail-${gone}-0`,
          `..tail-${begun}-1.0123456789abcdef.put`,
        ]
        for (const name of names) await lake.putIfAbsent(`${folder}/${name}`, Buffer.from('late'))
        const telemetry = new SimTelemetry()
        const clean = (announced: boolean) => {
          const later = Object.create(log, {
            state: { value: asAnnounced(log.state) },
            refresh: { value: async () => log.state },
          }) as CommitLog
          return cleanStaging({ lake, log: later, pipeline, tables: [table], telemetry, announced })
        }
        // Daemons do not list what was announced.
        expect((await clean(false)).removedObjects).toBe(0)
        if (by === 'gc') await clean(true)
        else await cleanStaging({ lake, log, pipeline, tables: [table], telemetry })
        const standing = (await lake.list(folder)).map((object) => object.path)
        expect(standing).toEqual([...kept.map((name) => `${folder}/${name}`), path].toSorted())
        return standing
      })(),
    )
    expect(left).toHaveLength(5)
  },
)

/** The same state, when all partitions are announced. */
function asAnnounced(state: FoldState): FoldState {
  const streams = [...state.streams].map(([name, stream]) => {
    const partitions = [...stream.partitions].map(
      ([path, partition]) => [path, { ...partition, place: 'announced' as const }] as const,
    )
    return [name, { ...stream, partitions: new Map(partitions) }] as const
  })
  return { ...state, streams: new Map(streams) }
}
