/** Turns of announcers: what they ask of the lake, and whose turn sees what releases an hour. */
import { expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import type { SourcePartition } from '../../../src/model/topic-partition.ts'
import { entryPath, parseEntryPath } from '../../../src/protocol/log-paths.ts'
import { ReadinessSim, type SimAppend, type SimDaemon } from '../../support/readiness-sim.ts'
import { appEvents, at, sourceNamed } from '../../support/readiness-world.ts'

const shard = (index: number): SourcePartition => sourceNamed('events', index)
const sources = [shard(0), shard(1)]
const pauseMs = durationMs(1_000)
const rowsOf13h = [{ eventMs: at('2026-11-20T13:30:00Z'), rowCount: 120 }]
const beyond = at('2026-11-20T14:05:30Z')

/** Two daemons that read a topic-partition each; their announcers run until `end`. */
interface Pair {
  readonly sim: ReadinessSim
  readonly a: SimDaemon
  readonly b: SimDaemon
  readonly end: () => Promise<void>
}

async function started(lakeAt: string): Promise<Pair> {
  const sim = new ReadinessSim(at(lakeAt))
  const a = await sim.start({ seed: 1, sources, assigned: [shard(0)] })
  await a.begin()
  const b = await sim.start({ seed: 2, sources, assigned: [shard(1)] })
  const ending = new AbortController()
  const loops = [a, b].map(({ announcer }) => announcer.run(ending.signal, pauseMs))
  const end = async (): Promise<void> => {
    ending.abort()
    await sim.clock.run(Promise.all(loops))
  }
  return { sim, a, b, end }
}

async function commit(daemon: SimDaemon, append: SimAppend): Promise<void> {
  await daemon.append(append)
  daemon.announcer.nudge()
}

/** Entries that announce, by index. */
const announcements = ({ sim }: Pair): readonly number[] =>
  sim.paths('_lakeward/growth/log/').flatMap((path) => {
    const isReady = sim.textAt(path).includes('"kind":"ready"')
    return isReady ? (parseEntryPath(path) ?? []) : []
  })

test('a minute in which nothing can be announced asks nothing of the lake', async () => {
  const pair = await started('2026-11-20T13:31:00Z')
  const { sim, a, b } = pair
  await commit(a, { source: shard(0), next: 120n, rows: rowsOf13h })
  await commit(b, { source: shard(1), next: 10n, watermark: at('2026-11-20T13:31:00Z') })
  await sim.until(at('2026-11-20T13:32:00Z'))
  const calls = [a.lake.calls, b.lake.calls]
  await sim.until(at('2026-11-20T13:33:00Z'))
  expect([a.lake.calls, b.lake.calls]).toEqual(calls)
  // Past the end as well, while its own topic-partition holds the hour back.
  await sim.until(at('2026-11-20T14:06:00Z'))
  const later = [a.lake.calls, b.lake.calls]
  await sim.until(at('2026-11-20T14:07:00Z'))
  expect([a.lake.calls, b.lake.calls]).toEqual(later)
  expect(announcements(pair)).toEqual([])
  await pair.end()
})

test('what time alone releases is announced within two seconds of its moment', async () => {
  const pair = await started('2026-11-20T13:31:00Z')
  const { sim, a, b } = pair
  await commit(a, { source: shard(0), next: 120n, rows: rowsOf13h, watermark: beyond })
  await commit(b, { source: shard(1), next: 10n, watermark: beyond })
  // By the lake's time the hour's end plus five minutes is at 14:05.
  await sim.until(at('2026-11-20T14:04:59Z'))
  expect(announcements(pair)).toEqual([])
  await sim.until(at('2026-11-20T14:05:02Z'))
  expect(announcements(pair)).toHaveLength(1)
  await pair.end()
})

test('who commits last announces files that the log does not know as published', async () => {
  const pair = await started('2026-11-20T13:31:00Z')
  const { sim, a, b } = pair
  await sim.until(at('2026-11-20T14:06:00Z'))
  await commit(a, { source: shard(0), next: 120n, rows: rowsOf13h, watermark: beyond })
  await sim.until(at('2026-11-20T14:06:20Z'))
  await commit(b, { source: shard(1), next: 10n, watermark: beyond })
  await sim.until(at('2026-11-20T14:06:22Z'))
  expect(b.log.state.unpublished.size).toBe(1)
  expect(announcements(pair)).toHaveLength(1)
  await pair.end()
})

/** B's commit has released the hour, whose file A has not published yet. */
async function startedUnpublished(): Promise<Pair> {
  const pair = await started('2026-11-20T13:31:00Z')
  const { sim, a, b } = pair
  await sim.until(at('2026-11-20T14:06:00Z'))
  const rows = { rows: rowsOf13h, watermark: beyond }
  await a.append({ source: shard(0), next: 120n, ...rows, unpublished: true })
  await commit(b, { source: shard(1), next: 10n, watermark: beyond })
  await sim.until(at('2026-11-20T14:06:30Z'))
  expect(announcements(pair)).toEqual([])
  return pair
}

test('who publishes last announces, though the commit that released it was another’s', async () => {
  const pair = await startedUnpublished()
  const { sim, a, b } = pair
  expect(b.announcer.blocks).toMatchObject([{ rule: 'unpublished' }])
  const calls = b.lake.calls
  await sim.until(at('2026-11-20T14:06:50Z'))
  expect(b.lake.calls).toBe(calls)
  for (const commitId of a.log.state.unpublished.keys()) a.publishCommit(commitId)
  a.announcer.nudge()
  await sim.until(at('2026-11-20T14:06:52Z'))
  expect(announcements(pair)).toHaveLength(1)
  await pair.end()
})

test('nobody is called silent before the log was looked at', async () => {
  const pair = await started('2026-11-20T13:31:00Z')
  const { sim, a, b } = pair
  await commit(a, { source: shard(0), next: 120n, rows: rowsOf13h })
  await sim.until(at('2026-11-20T14:05:30Z'))
  await commit(a, { source: shard(0), next: 130n, watermark: beyond })
  // This one reads on, and A does not fold it.
  for (let minute = 6; minute <= 25; minute++) {
    const seen = at('2026-11-20T13:50:00Z')
    await sim.until(unixMs(at('2026-11-20T14:00:00Z') + minute * 60_000))
    await commit(b, { source: shard(1), next: BigInt(minute) * 10n, watermark: seen })
    expect(a.announcer.blocks).not.toMatchObject([{ rule: 'unassigned' }])
  }
  await sim.until(at('2026-11-20T14:40:00Z'))
  expect(a.announcer.blocks).toMatchObject([{ rule: 'unassigned', at: { source: shard(1) } }])
  await pair.end()
})

test('what is nudged in the midst of a nudged turn has a turn of its own', async () => {
  const sim = new ReadinessSim(at('2026-11-20T13:31:00Z'))
  const a = await sim.start({ seed: 1, sources, assigned: [shard(0)] })
  await a.begin()
  const b = await sim.start({ seed: 2, sources, assigned: [shard(1)] })
  await sim.until(at('2026-11-20T14:06:00Z'))
  await a.append({ source: shard(0), next: 120n, rows: rowsOf13h, watermark: beyond })
  const refresh = a.log.refresh.bind(a.log)
  a.log.refresh = async () => {
    const state = await refresh()
    await sim.clock.sleep(durationMs(5_000))
    return state
  }
  const ending = new AbortController()
  a.announcer.nudge()
  const loop = a.announcer.run(ending.signal, pauseMs)
  await sim.until(at('2026-11-20T14:06:01Z'))
  // The turn has looked at the log, and is not over.
  await b.append({ source: shard(1), next: 10n, watermark: beyond })
  a.announcer.nudge()
  await sim.until(at('2026-11-20T14:06:30Z'))
  expect(sim.textAt(entryPath('growth', a.log.state.next - 1))).toContain('"kind":"ready"')
  ending.abort()
  await sim.clock.run(loop)
})

test('a turn that the lake did not let end is taken up again, as nudged', async () => {
  const pair = await startedUnpublished()
  const { sim, a } = pair
  for (const commitId of a.log.state.unpublished.keys()) a.publishCommit(commitId)
  a.lake.fault = { failAt: a.lake.calls + 1, moment: 'before-effect', lasting: 'once' }
  a.announcer.nudge()
  await sim.until(at('2026-11-20T14:06:36Z'))
  expect(announcements(pair)).toHaveLength(1)
  await pair.end()
})

test('files that are missing are looked for more and more seldom, and found again', async () => {
  const sim = new ReadinessSim(at('2026-11-20T13:31:00Z'))
  const daemon = await sim.start({ seed: 1, sources: [shard(0)] })
  await daemon.begin()
  await daemon.append({ source: shard(0), next: 120n, rows: rowsOf13h, watermark: beyond })
  const [path] = sim.paths(`${appEvents.table}/`)
  const body = path === undefined ? undefined : sim.store.get(path)
  if (path === undefined || body === undefined) throw new Error('a file was published')
  sim.store.delete(path)
  await sim.until(at('2026-11-20T14:05:30Z'))
  const ending = new AbortController()
  const loop = daemon.announcer.run(ending.signal, pauseMs)
  await sim.until(at('2026-11-20T14:10:00Z'))
  const calls = daemon.lake.calls
  await sim.until(at('2026-11-20T14:20:00Z'))
  // A look lists the folder, and folds the log by two calls: twenty to forty looks.
  expect(daemon.lake.calls - calls).toBeGreaterThanOrEqual(60)
  expect(daemon.lake.calls - calls).toBeLessThanOrEqual(126)
  expect(daemon.announcer.blocks).toMatchObject([{ rule: 'file-missing', detail: path }])
  sim.store.set(path, body)
  await sim.until(at('2026-11-20T14:20:32Z'))
  expect(sim.textAt(entryPath('growth', daemon.log.state.next - 1))).toContain('"kind":"ready"')
  ending.abort()
  await sim.clock.run(loop)
})
