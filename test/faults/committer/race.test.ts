/**
 * Several writers of the same topic-partitions at once, none of which knows who owns what: that
 * covers every rebalance, every zombie and two daemons of one name. Calls take random times (some
 * so long that the process might as well have been stopped), fail before or after their effect or
 * land late, and writers are killed at any of them.
 */
import { expect, test } from 'vitest'
import { isFault } from '../../../src/base/fault.ts'
import { durationMs } from '../../../src/base/time.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { Committer } from '../../../src/committer/committer.ts'
import { cleanStaging } from '../../../src/committer/janitor.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import {
  expectCoveredOnce,
  expectPublishedExactly,
  expectSameState,
} from '../../support/log-oracle.ts'
import {
  appendDraft,
  lane,
  sampleSource,
  sealedCommit,
  startRange,
  table,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const recordsPerPartition = 24
const partitions = [0, 1]
const writersAtOnce = 3
const seedCount = Number(process.env['LAKEWARD_RACES'] ?? 20)

interface Seen {
  killed: number
  faults: number
  committed: number
  discarded: number
  removed: number
  finishedForDead: number
}

interface Race {
  readonly clock: SimClock
  readonly store: SimStore
  readonly random: SimRandom
  readonly seen: Seen
}

interface Writer {
  readonly lake: SimLake
  readonly log: CommitLog
  readonly committer: Committer
  readonly telemetry: SimTelemetry
}

/** A lake whose every call takes a while, and whose fault is drawn anew for each. */
function wildLake({ clock, store, random, seen }: Race): SimLake {
  const lake: SimLake = new SimLake({
    kind: 'file',
    clock,
    store,
    latencyMs: () => {
      lake.fault = undefined
      if (random.fraction() < 0.05) {
        const moments = ['before-effect', 'after-effect', 'lands-late'] as const
        const moment = moments[random.below(3)] ?? 'after-effect'
        lake.fault = { failAt: 1, moment, lasting: 'forever' }
        seen.faults++
      }
      return random.fraction() < 0.05 ? random.below(20_000) : random.below(300)
    },
  })
  lake.landsAfterDeath = () => random.fraction() < 0.5
  return lake
}

async function openWriter(race: Race, lake: SimLake): Promise<Writer> {
  const { clock, random } = race
  const telemetry = new SimTelemetry()
  const options = { lake, pipeline, clock, random, telemetry, checkpointEvery: 3 }
  for (;;) {
    const log = await unlessFailing(() => openCommitLog(options))
    if (log !== undefined)
      return { lake, log, telemetry, committer: new Committer({ ...options, log }) }
  }
}

async function unlessFailing<T>(effect: () => Promise<T>): Promise<T | undefined> {
  try {
    return await effect()
  } catch (error) {
    if (!isFault(error, 'LAKE_UNAVAILABLE')) throw error
    return undefined
  }
}

const nextOf = (log: CommitLog, partition: number): number =>
  Number(log.state.positions.get(lane)?.get(sourceKey(sampleSource(partition)))?.next ?? 0n)

const clean = ({ lake, log, telemetry }: Writer): ReturnType<typeof cleanStaging> =>
  cleanStaging({ lake, log, pipeline, tables: [table], telemetry })

/** Reads and commits until everything is covered, by its own view of the log. */
async function write(race: Race, lake: SimLake): Promise<void> {
  const { random, seen } = race
  const writer = await openWriter(race, lake)
  const { log, committer } = writer
  await committer.publishPending(durationMs(0))
  for (;;) {
    const open = partitions.filter((at) => nextOf(log, at) < recordsPerPartition)
    const partition = open[random.below(open.length)]
    if (partition === undefined) return
    const first = nextOf(log, partition)
    const next = Math.min(recordsPerPartition, first + 1 + random.below(6))
    const sealed = sealedCommit(log.nextCommitId(), first, next, partition)
    // Announcements and the like go their own way while a commit is under way.
    const aside = random.fraction() < 0.3 ? log.put(appendDraft(log.nextCommitId())) : undefined
    const outcome = await committer.commit(sealed)
    await aside
    seen[outcome.kind === 'committed' ? 'committed' : 'discarded']++
    if (random.fraction() < 0.3) {
      seen.removed += (await unlessFailing(() => clean(writer)))?.removedCommits ?? 0
    }
    const before = log.publishedHere.size
    if (random.fraction() < 0.3) await committer.publishPending(durationMs(5_000))
    seen.finishedForDead += log.publishedHere.size - before
  }
}

/** A writer that is killed at some call, and is then started anew under a new id. */
async function writeAndDie(race: Race, lives: number): Promise<void> {
  const { random, clock, seen } = race
  for (let life = 1; ; life++) {
    const lake = wildLake(race)
    const writing = write(race, lake).then(() => 'ended' as const)
    if (life === lives) {
      await writing
      return
    }
    const death = clock.sleep(durationMs(random.below(12_000))).then(() => 'killed' as const)
    if ((await Promise.race([writing, death])) === 'killed') seen.killed++
    lake.alive = false
  }
}

async function begin(race: Race): Promise<void> {
  const { log } = await openWriter(race, wildLake(race))
  const ranges = partitions.map((partition) => startRange(partition, 0))
  await log.put(appendDraft(log.nextCommitId(), { ranges }))
}

/** What is left to do when all is calm: publish, say so, clean up. */
async function end(race: Race): Promise<Writer> {
  const { store, clock } = race
  const writer = await openWriter(race, new SimLake({ store, clock }))
  await writer.committer.publishPending(durationMs(0))
  await writer.log.put(appendDraft(writer.log.nextCommitId()))
  await clean(writer)
  return writer
}

async function run(seed: number, seen: Seen): Promise<void> {
  const race: Race = {
    clock: new SimClock(),
    store: new Map(),
    random: new SimRandom(seed),
    seen,
  }
  const { clock, store, random } = race
  await clock.run(begin(race))
  const writers = Array.from({ length: writersAtOnce }, () =>
    writeAndDie(race, 1 + random.below(4)),
  )
  await clock.run(Promise.all(writers))
  const last = await clock.run(end(race))
  const judged = judgeLog(store, pipeline)
  expect(judged.entries.filter(({ decided }) => !decided)).toEqual([])
  const next = Object.fromEntries(
    partitions.map((at) => [`growth.events/${at}`, recordsPerPartition]),
  )
  expectCoveredOnce(judged, next)
  expectPublishedExactly(judged, store)
  expectSameState(last.log.state, judged.state)
  expect(last.log.state.unpublished.size).toBe(0)
  expect([...store.keys()].filter((path) => path.includes('/_staging/'))).toEqual([])
}

test('racing, failing and dying writers cover every record exactly once', async () => {
  const seen: Seen = {
    killed: 0,
    faults: 0,
    committed: 0,
    discarded: 0,
    removed: 0,
    finishedForDead: 0,
  }
  for (let seed = 1; seed <= seedCount; seed++) {
    await run(seed, seen).catch((error: unknown) => {
      throw new Error(`seed ${seed}`, { cause: error })
    })
  }
  // A race in which nothing happened proves nothing.
  for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(10)
}, 60_000)
