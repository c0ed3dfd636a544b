/** Removing what is not needed any more, with every lake call failing in turn. */
import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { durationMs } from '../../../src/base/time.ts'
import { encodeJournal } from '../../../src/codec/log/journal.ts'
import { collectGarbage } from '../../../src/committer/collect-garbage.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { Committer } from '../../../src/committer/committer.ts'
import type { FoldedPartition, FoldState } from '../../../src/model/fold-state.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { journalPath, parseEntryPath, stagedPath } from '../../../src/protocol/log-paths.ts'
import { planSwap } from '../../../src/protocol/swap-plan.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { expectSameState } from '../../support/log-oracle.ts'
import {
  appendDraft,
  namedFiles,
  nextOf,
  sampleHour,
  sampleManifest,
  sampleRange,
  sealedCommit,
  startRange,
  stream,
  table,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const hour = sampleHour(13)
const entryCount = 40

function optionsOf(clock: SimClock, lake: SimLake, seed: number, signal?: AbortSignal) {
  const random = new SimRandom(seed)
  const shared = { lake, pipeline, clock, random, telemetry: new SimTelemetry() }
  const options = { ...shared, checkpointEvery: 10 }
  return signal === undefined ? options : { ...options, signal }
}

const partitionIn = (state: FoldState): FoldedPartition =>
  present(state.streams.get(stream)?.partitions.get(hour.path), 'the partition is in the log')

/** Says what was published, and announces the partition as it is. */
async function announce(log: CommitLog, revision: number): Promise<void> {
  await log.put(appendDraft(log.nextCommitId()))
  const { files, version, manifest: before } = partitionIn(log.state)
  const manifest = { ...sampleManifest(13, revision), ...namedFiles(files, before) }
  const announcement = { stream, partition: hour, version, manifest, targets: [] }
  const commitId = log.nextCommitId()
  const outcome = await log.put({ kind: 'ready', commitId, announcements: [announcement] })
  expect(outcome.kind).toBe('decided')
}

/** A file that was swapped out and told so, staging of a commit that was passed, old entries. */
async function garbageStore(clock: SimClock): Promise<SimStore> {
  const lake = new SimLake({ clock, store: new Map() })
  const options = optionsOf(clock, lake, 1)
  const log = await openCommitLog(options)
  const committer = new Committer({ ...options, log })
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  await committer.commit(sealedCommit(log.nextCommitId(), 0, 5))
  await announce(log, 1)
  const commitId = log.nextCommitId()
  const { state, publishedHere } = log
  const facts = { state, publishedHere, commitId, stream, partitionPath: hour.path }
  const plan = planSwap({ ...facts, why: 'replace', inputs: undefined })
  if (plan.kind !== 'swap') throw new Error(plan.because)
  const { files } = sealedCommit(commitId, 0, 5)
  const swap = { ...plan.swap, reason: 'made anew', lostRowCount: 0, files }
  expect(await committer.swap(swap)).toMatchObject({ kind: 'committed' })
  await announce(log, 2)
  const passed = log.nextCommitId()
  const ranges = [sampleRange(0, 0, 9)]
  const journal = encodeJournal({ pipeline, commitId: passed, ranges, files: [] })
  await lake.put(journalPath(pipeline, passed, 'tables'), journal)
  await lake.put(stagedPath(table, { pipeline, commitId: passed, ordinal: 0 }), Buffer.from('rows'))
  while (log.state.next < entryCount) await log.put(appendDraft(log.nextCommitId()))
  return lake.store
}

async function collect(clock: SimClock, lake: SimLake, seed: number, signal?: AbortSignal) {
  const options = optionsOf(clock, lake, seed, signal)
  const log = await openCommitLog(options)
  const [graceMs, keepMs] = [durationMs(0), durationMs(0)]
  const collected = await collectGarbage({ ...options, log, tables: [table], graceMs, keepMs })
  return { log, collected }
}

const pathsOf = (store: SimStore, holding: string): readonly string[] =>
  [...store.keys()].filter((path) => path.includes(holding)).sort()
const entriesOf = (store: SimStore): readonly number[] =>
  [...store.keys()].flatMap((path) => parseEntryPath(path) ?? []).sort((a, b) => a - b)

test('what was replaced, what was staged in vain and old entries go; what is live stays', async () => {
  const clock = new SimClock()
  const store = await garbageStore(clock)
  expect(pathsOf(store, '.parquet')).toHaveLength(2)
  expect(pathsOf(store, '/_staging/')).toHaveLength(2)
  const { collected } = await clock.run(collect(clock, new SimLake({ clock, store }), 2))
  expect(collected).toMatchObject({
    replaced: [{ stream, partitionPath: hour.path, paths: { length: 1 } }],
    removed: { removedCommits: 1, unjudged: [] },
  })
  expect(collected.trimmed.removedEntries).toBeGreaterThan(9)
  await expectCollected(clock, store, 'at once')
})

const moments = ['before-effect', 'after-effect', 'lands-late'] as const
const lastings = ['once', 'forever'] as const
const cases = moments.flatMap((moment) => lastings.map((lasting) => ({ moment, lasting })))

describe.each(cases)('collecting garbage, calls fail $moment $lasting', ({ moment, lasting }) => {
  test('the next one brings it to its end, and nothing that is needed is gone', async () => {
    let failAt = 1
    for (; ; failAt++) {
      const clock = new SimClock()
      const store = await garbageStore(clock)
      const lake = new SimLake({ clock, store, fault: { failAt, moment, lasting } })
      const ending = new AbortController()
      const killer = clock.sleep(durationMs(600_000)).then(() => ending.abort())
      const ended = collect(clock, lake, 2, ending.signal).catch(() => undefined)
      await clock.run(Promise.all([ended, killer]))
      lake.settle()
      expectNoGap(store, `failAt=${failAt}`)
      await expectCollected(clock, store, `failAt=${failAt}`)
      if (lake.calls < failAt) break
    }
    expect(failAt).toBeGreaterThan(20)
  })
})

/** After one more time without faults, of which the log is told. */
async function expectCollected(clock: SimClock, store: SimStore, message: string): Promise<void> {
  const { log } = await clock.run(collect(clock, new SimLake({ clock, store }), 3))
  await clock.run(log.put(appendDraft(log.nextCommitId())))
  const { files } = partitionIn(log.state)
  expect(files, message).toHaveLength(1)
  const live = files.map(({ path }) => path)
  expect(pathsOf(store, '.parquet'), message).toEqual(live)
  expect(pathsOf(store, '/_staging/'), message).toEqual([])
  expect(log.state.unpublished.size, message).toBe(0)
  expect(nextOf(log), message).toBe(5n)
  expect(expectNoGap(store, message), message).toBeGreaterThan(9)
  const other = await openCommitLog(optionsOf(clock, new SimLake({ clock, store }), 4))
  expectSameState(log.state, other.state)
}

/** @returns the first entry that stands. */
function expectNoGap(store: SimStore, message: string): number {
  const entries = entriesOf(store)
  const [first = 0] = entries
  expect(entries, message).toEqual(entries.map((_, index) => first + index))
  return first
}
