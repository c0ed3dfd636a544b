/** A file that grows by two tails, with every call to the lake failing once, or for ever. */
import { crc32c } from '@node-rs/crc32'
import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { durationMs } from '../../../src/base/time.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { Committer } from '../../../src/committer/committer.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import { publishCommit } from '../../../src/committer/publisher.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import type { SealedCommit } from '../../../src/model/sealed-commit.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { SimClock } from '../../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { expectCoveredOnce, expectPublishedExactly } from '../../support/log-oracle.ts'
import {
  appendDraft,
  nextOf,
  sampleHour,
  sealedCommit,
  startRange,
  stream,
  table,
} from '../../support/log-samples.ts'

const pipeline = 'growth'

interface Process {
  readonly lake: SimLake
  readonly log: CommitLog
  readonly committer: Committer
}

async function startProcess(
  clock: SimClock,
  store: SimStore,
  options: { seed: number; signal?: AbortSignal },
): Promise<Process> {
  const lake = new SimLake({ clock, store, kind: 'hdfs' })
  const random = new SimRandom(options.seed)
  const telemetry = new SimTelemetry()
  const { signal } = options
  const shared = { lake, pipeline, clock, random, telemetry, checkpointEvery: 2 }
  const all = signal === undefined ? shared : { ...shared, signal }
  const log = await openCommitLog(all)
  return { lake, log, committer: new Committer({ ...all, log }) }
}

const liveFiles = ({ log }: Process): readonly DataFile[] =>
  log.state.streams.get(stream)?.partitions.get(sampleHour(13).path)?.files ?? []

/** The same commit, whose file is a tail of the one that is live. */
function asTail(sealed: SealedCommit, live: DataFile): SealedCommit {
  const [file] = sealed.files
  const { chunks, sizeBytes, rowCount, crc32c: ownCrc, ...rest } = present(file, 'it has a file')
  const checksum = chunks.reduce((sum, chunk) => crc32c(chunk, sum), Number(`0x${live.crc32c}`))
  const grown = {
    sizeBytes: live.sizeBytes + sizeBytes,
    rowCount: live.rowCount + rowCount,
    crc32c: (checksum >>> 0).toString(16).padStart(8, '0'),
    eventTimeMs: live.eventTimeMs,
  }
  const base = { sizeBytes: live.sizeBytes, rowCount: live.rowCount }
  const alone = () => ({ chunks, sizeBytes, crc32c: ownCrc })
  const tail = { path: live.path, base, grown, alone }
  const told = { ...rest, chunks, sizeBytes, rowCount, crc32c: grown.crc32c, tail }
  return { ...sealed, files: [told] }
}

/** Commits the records `[first, next)`, going on with the file where it may. */
async function commitNext(process: Process, first: number, next: number): Promise<string> {
  const { log, committer } = process
  const sealed = sealedCommit(log.nextCommitId(), first, next)
  const isOpen = [...log.state.unpublished.keys()].some((id) => !log.publishedHere.has(id))
  const live = liveFiles(process).at(-1)
  const goesOn = live !== undefined && !isOpen && !live.path.startsWith('_')
  return (await committer.commit(goesOn ? asTail(sealed, live) : sealed)).kind
}

const ranges = [
  [0, 5],
  [5, 9],
  [9, 12],
] as const

/** A lake whose log knows where topic-partition 0 begins. */
async function startedStore(clock: SimClock): Promise<SimStore> {
  const store: SimStore = new Map()
  const { log } = await startProcess(clock, store, { seed: 1 })
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  return store
}

function expectOnce(store: SimStore, message: string): void {
  const judged = judgeLog(store, pipeline)
  expectCoveredOnce(judged, { 'growth.events/0': 12 })
  expectPublishedExactly(judged, store)
  const bodies = [...store].filter(([path]) => path.endsWith('.parquet'))
  const all = bodies.map(([, { body }]) => Buffer.from(body).toString()).join('')
  const written = all.match(/0:\[\d+,\d+\)/g)
  expect(written?.toSorted(), message).toEqual(['0:[0,5)', '0:[5,9)', '0:[9,12)'])
  const files = [...judged.state.streams.values()].flatMap(({ partitions }) =>
    [...partitions.values()].flatMap((partition) => partition.files),
  )
  for (const { path, crc32c: told } of files) {
    const checksum = crc32c(present(store.get(path), 'a live file stands').body)
    expect((checksum >>> 0).toString(16).padStart(8, '0'), message).toBe(told)
  }
}

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
