import { join } from 'node:path'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { foldOf, stagedCommits } from '../support/commit-phase.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { type RawEntry, rawEntries } from '../support/log-files.ts'
import { PacedNumbers, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const partitionCount = 4
/** Longer than the session timeout of the configuration, 3 s. */
const stopMs = 5_000
const stopsMax = 8
/** Enough for a process to end on a busy machine, and shorter than any time-out of ours: 5 s. */
const lingerMsMax = 4_500

const appendsOf = (entries: readonly RawEntry[], writer: string): number =>
  entries.filter(({ kind, writerId }) => kind === 'append' && writerId === writer).length

async function writerOf(daemon: LakewardProcess): Promise<string> {
  const line = await daemon.line('"event":"started"')
  return (JSON.parse(line) as { writerId: string }).writerId
}

/** Stops a process when it has staged a commit that is not decided yet. */
async function stopAfterStaging(daemon: LakewardProcess, lake: string, writer: string) {
  // What was discarded may stand for a while.
  const passed = new Set(stagedCommits(lake, 'test'))
  const isStaged = (): boolean =>
    stagedCommits(lake, 'test').some((name) => name.startsWith(writer) && !passed.has(name))
  for (;;) {
    while (!isStaged() && daemon.running) await turn()
    await daemon.freeze()
    // It may have gone on before it stood.
    for (const { commitId } of rawEntries(lake, 'test')) passed.add(commitId)
    if (isStaged()) return
    daemon.signal('SIGCONT')
  }
}

/** SIGTERM. @returns how it ended: with which code, and whether soon after it had drained. */
async function ended(daemon: LakewardProcess): Promise<{ code: number | null; soon: boolean }> {
  const exited = daemon.stop()
  await daemon.line('"event":"drained"')
  const drainedMs = performance.now()
  const code = await exited
  return { code, soon: performance.now() - drainedMs < lingerMsMax }
}

test('of two daemons one is stopped past its session and comes back: each event is there once', {
  timeout: 300_000,
}, async () => {
  await using folder = await temporaryFolder()
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', partitionCount)
  const brokerPort = broker.port
  const more = 'commit: { interval: 250ms }\nready: { delay: 1h, idle: 1h }'
  const config = await writeNumbersConfig(folder.path, { brokerPort, more })
  const lake = join(folder.path, 'lake')
  const startMs = Date.now() - 3_600_000
  const paced = { brokerPort, topic: 'numbers', partitionCount, startMs, stepMs: 1, perTick: 8 }
  const numbers = new PacedNumbers(paced)
  const daemons = [0, 1].map(() => new LakewardProcess(['run', '-c', config]))
  for (const daemon of daemons) onTestFinished(() => daemon.kill())
  const [zombie, other] = daemons as [LakewardProcess, LakewardProcess]
  const writers = await Promise.all([writerOf(zombie), writerOf(other)])
  const [zombieWriter] = writers
  await eventually('both daemons commit', 60_000, () =>
    writers.every((writer) => appendsOf(rawEntries(lake, 'test'), writer) > 5) ? true : undefined,
  )

  const discarded = (): number =>
    rawEntries(lake, 'test').flatMap((entry) => entry.discarded).length
  for (let stops = 0; stops < stopsMax && discarded() === 0; stops++) {
    await stopAfterStaging(zombie, lake, zombieWriter)
    await sleep(stopMs)
    zombie.signal('SIGCONT')
    const known = appendsOf(rawEntries(lake, 'test'), zombieWriter)
    await eventually('the one that came back commits again', 60_000, () =>
      appendsOf(rawEntries(lake, 'test'), zombieWriter) > known + 3 ? true : undefined,
    )
  }
  await eventually('both own a fair share of the commits', 120_000, () => {
    const entries = rawEntries(lake, 'test')
    const appends = entries.filter(({ kind }) => kind === 'append').length
    const shares = writers.map((writer) => appendsOf(entries, writer) / appends)
    return shares.every((share) => share >= 0.3) ? true : undefined
  })
  await numbers.stop()
  await eventually('everything is committed', 60_000, async () => {
    const positions = (await foldOf(lake, 'test')).positions.get('lake')
    const read = [...(positions?.values() ?? [])].reduce((sum, { next }) => sum + Number(next), 0)
    return read === numbers.count ? true : undefined
  })
  const well = { code: 0, soon: true }
  expect(await Promise.all(daemons.map(ended))).toEqual([well, well])

  const entries = rawEntries(lake, 'test')
  const appends = entries.filter(({ kind }) => kind === 'append').length
  for (const writer of writers) {
    expect(appendsOf(entries, writer) / appends).toBeGreaterThanOrEqual(0.25)
  }
  expect(discarded()).toBeGreaterThan(0)
  const [found] = await duck(
    `SELECT count(*) AS rows, count(DISTINCT n) AS numbers FROM ${tableGlob(lake, 'numbers')}`,
  )
  const count = BigInt(numbers.count)
  expect(found).toEqual({ rows: count, numbers: count })
  const verified = await lakeward(['verify', '--deep', '-c', config])
  expect(verified.code, verified.stdout + verified.stderr).toBe(0)
})
