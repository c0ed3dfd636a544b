import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  type CommitPhase,
  commitPhases,
  foldOf,
  phaseAfterKill,
  putsIn,
  stagedCommits,
} from '../support/commit-phase.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { NumbersWorld } from '../support/numbers-world.ts'
import type { LakewardProcess } from '../support/processes.ts'

const killsMin = 20
const killsMax = 60
const hitsMin = 2
const stepsMsMax = 5_000
/** An hour of event time passes with each commit, so that each makes a partition due. */
const stepMs = 36_000

const namesBelow = (folder: string): readonly string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []

/** What changes when a commit goes on to its next phase. */
const traceOf = (lake: string): string =>
  ['numbers/_staging', '_lakeward/test/_staging', '_lakeward/test/log']
    .map((folder) => join(lake, folder))
    .map((folder) => namesBelow(folder).join())
    .join(';')

/**
 * Lets the daemon go on in small steps until it is in this phase, and leaves it stopped there.
 *
 * Phases last milliseconds: whoever looks at a running process finds it somewhere else afterwards.
 */
async function stopIn(
  phase: CommitPhase,
  daemon: LakewardProcess,
  look: { readonly trace: () => string; readonly phase: () => Promise<CommitPhase> },
): Promise<void> {
  const endMs = performance.now() + stepsMsMax
  for (let seen = ''; performance.now() < endMs; ) {
    await turn()
    await daemon.freeze()
    const trace = look.trace()
    if (trace !== seen && (await look.phase()) === phase) return
    seen = trace
    daemon.signal('SIGCONT')
  }
}

test('a daemon killed in every phase of a commit leaves each event in the lake exactly once', {
  timeout: 600_000,
}, async () => {
  const world = await NumbersWorld.open({ partitionCount: 4 })
  const lake = join(world.folder, 'lake')
  const numbers = world.produce({ stepMs, perTick: 10 })
  const hits = new Map<CommitPhase, number>(commitPhases.map((phase) => [phase, 0]))
  const missing = (): CommitPhase[] => commitPhases.filter((at) => (hits.get(at) ?? 0) < hitsMin)

  let kills = 0
  for (; kills < killsMin || (missing().length > 0 && kills < killsMax); kills++) {
    const known = {
      staged: new Set(stagedCommits(lake, 'test')),
      puts: new Set(putsIn(lake, 'test')),
    }
    const daemon = world.startDaemon()
    await daemon.line('"event":"committed"')
    const wanted = missing()
    const phase = wanted[kills % Math.max(1, wanted.length)] ?? commitPhases[kills % 5] ?? 'staged'
    const place = { lakeFolder: lake, pipeline: 'test', table: 'numbers' }
    const look = { trace: () => traceOf(lake), phase: () => phaseAfterKill(place, known) }
    await pause(20 * (kills % 10))
    await stopIn(phase, daemon, look)
    await daemon.kill()
    const hit = await phaseAfterKill(place, known)
    hits.set(hit, (hits.get(hit) ?? 0) + 1)
  }
  await numbers.stop()

  const last = world.startDaemon()
  await eventually('everything is committed', 60_000, async () => {
    const positions = (await foldOf(lake, 'test')).positions.get('lake')
    const read = [...(positions?.values() ?? [])].reduce((sum, { next }) => sum + Number(next), 0)
    return read === numbers.count ? true : undefined
  })
  expect(await last.stop()).toBe(0)

  expect(Object.fromEntries(hits), 'hits by phase').toEqual(
    Object.fromEntries(commitPhases.map((phase) => [phase, expect.toSatisfy((n) => n >= hitsMin)])),
  )
  const [found] = await duck(
    `SELECT count(*) AS rows, count(DISTINCT n) AS numbers, max(n) AS highest
     FROM ${tableGlob(lake, 'numbers')}`,
  )
  const count = BigInt(numbers.count)
  expect(found).toEqual({ rows: count, numbers: count, highest: count - 1n })
  await world.ask('verify', '--deep')
})
