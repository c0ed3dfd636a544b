import { describe, expect, test } from 'vitest'
import { durationMs, type UnixMs, unixMs } from '../../../src/base/time.ts'
import { encodeCheckpoint, parseCheckpoint } from '../../../src/codec/log/checkpoint.ts'
import { parseManifest } from '../../../src/codec/log/manifest.ts'
import { explainPartition } from '../../../src/protocol/explain.ts'
import { decideReady } from '../../../src/protocol/readiness.ts'
import { keepsOrder } from '../../../src/protocol/readiness-candidates.ts'
import type { ReadyStream } from '../../../src/protocol/readiness-facts.ts'
import { Life } from '../../sim/life.ts'
import { type DaemonOptions, ReadinessSim, type SimDaemon } from '../../support/readiness-sim.ts'
import {
  appEvents,
  at,
  hour,
  hourOf,
  minute,
  type PlantedSource,
  sourceNamed,
} from '../../support/readiness-world.ts'

const source: PlantedSource['source'] = sourceNamed('events', 0)
const short: ReadyStream = { ...appEvents, emptyRunMax: 24 }
const begin = (): ReadinessSim => new ReadinessSim(at('2026-11-20T13:31:00Z'))
const start = (sim: ReadinessSim, more: Partial<DaemonOptions> = {}): Promise<SimDaemon> =>
  sim.start({ seed: 1, sources: [source], streams: [short], ...more })

interface Rows {
  readonly next: bigint
  readonly at: UnixMs
  readonly watermark?: UnixMs
}

const bring = (daemon: SimDaemon, { next, at: eventMs, watermark }: Rows) =>
  daemon.append({
    source,
    next,
    rows: [{ eventMs, rowCount: 1 }],
    ...(watermark === undefined ? {} : { watermark }),
  })

/** Announces until nothing is due. @returns how many entries that took. */
async function announceAll(daemon: SimDaemon): Promise<number> {
  for (let count = 0; ; count++) {
    const outcome = await daemon.run(daemon.announcer.round())
    if (outcome.kind === 'waited') return count
    expect(outcome.kind).toBe('announced')
  }
}

const foldedIn = ({ log }: SimDaemon) => log.state.streams.get(appEvents.name)

/** Hours that are announced, by start; each must follow the one before, or tell of the gap. */
function announcedHours(daemon: SimDaemon): readonly string[] {
  const partitions = [...(foldedIn(daemon)?.partitions.values() ?? [])]
    .filter(({ place }) => place === 'announced')
    .sort((a, b) => a.partition.startMs - b.partition.startMs)
  for (const [index, { partition, manifest }] of partitions.slice(1).entries()) {
    const before = partitions[index]?.partition.nextMs ?? 0
    const first = manifest?.skipped === undefined ? partition.startMs : manifest.skipped.first
    expect(unixMs(new Date(first).getTime())).toBe(before)
  }
  return partitions.map(({ partition }) => partition.path.slice(8).replace('/hour=', 'T'))
}

const skippedLines = ({ telemetry }: SimDaemon) =>
  telemetry.events.filter(({ event }) => event === 'partitions-skipped')

/** Rows of 13h, and then of ten days later: 239 hours lie between. */
async function withGap(sim: ReadinessSim, more: Partial<DaemonOptions> = {}): Promise<SimDaemon> {
  const daemon = await start(sim, more)
  await daemon.begin()
  await bring(daemon, { next: 1n, at: at('2026-11-20T13:30:00Z') })
  await sim.until(at('2026-11-30T14:10:00Z'))
  const watermark = at('2026-11-30T14:06:00Z')
  await bring(daemon, { next: 2n, at: at('2026-11-30T13:30:00Z'), watermark })
  return daemon
}

const gap = {
  first: '2026-11-20T14:00:00.000Z',
  next: '2026-11-30T13:00:00.000Z',
  partitions: 239,
  emptyRunMax: 24,
}

describe('a gap longer than emptyRunMax', () => {
  test('is told once, as one range, by the entry that goes on behind it', async () => {
    const sim = begin()
    const daemon = await withGap(sim)
    expect(await announceAll(daemon)).toBe(1)
    expect(announcedHours(daemon)).toEqual(['11-20T13', '11-30T13'])
    const behind = foldedIn(daemon)?.partitions.get(hourOf('2026-11-30T13').path)
    expect(behind?.manifest?.skipped).toEqual(gap)
    const entry = daemon.log.state.next - 1
    expect(skippedLines(daemon)).toMatchObject([
      { fields: { stream: 'app_events', ...gap, entry } },
    ])
    const counted = 'lakeward_partitions_skipped_total stream=app_events'
    expect(daemon.telemetry.values.get(counted)).toBe(239)
    const path = '_lakeward/growth/ready/app_events/dt=2026-11-30/hour=13/1.json'
    const told = parseManifest(Buffer.from(sim.textAt(path)))
    expect(told).toMatchObject({ kind: 'parsed', value: { skipped: gap } })
  })

  test('is known to who starts anew, to who reads a checkpoint, and is told no second time', async () => {
    const sim = begin()
    await announceAll(await withGap(sim))
    const heir = await start(sim, { seed: 2 })
    expect(await announceAll(heir)).toBe(0)
    expect(skippedLines(heir)).toEqual([])
    const { state } = heir.log
    const read = parseCheckpoint(encodeCheckpoint(state), 'x')
    expect(read.streams.get(appEvents.name)?.skipped).toEqual(foldedIn(heir)?.skipped)
    expect(encodeCheckpoint(read)).toEqual(encodeCheckpoint(state))
    const facts = { ...heir.announcer.facts(), fold: read }
    const why = explainPartition(facts, short, hourOf('2026-11-25T07'))
    expect(why).toMatchObject({ state: 'not-begun', rule: 'skipped' })
    expect(why.sentence).toBe(
      'It has no rows and is not announced: 239 hours from 2026-11-20T14:00:00.000Z up to ' +
        '2026-11-30T13:00:00.000Z, longer than ready.emptyRunMax (24), were told as one range by ' +
        `log entry ${state.next - 1}. Rows that still come are late.`,
    )
  })

  test('is filled by who may, up to the configured run and no further', async () => {
    const sim = begin()
    const exact = { ...short, emptyRunMax: 239 }
    const daemon = await withGap(sim, { streams: [exact] })
    await announceAll(daemon)
    expect(announcedHours(daemon)).toHaveLength(241)
    expect(foldedIn(daemon)?.skipped).toBeUndefined()
  })

  test('is not skipped again where the key is changed once it was decided', async () => {
    const sim = begin()
    await announceAll(await withGap(sim))
    for (const emptyRunMax of [1, 239, 10_000]) {
      const heir = await start(sim, { seed: 3, streams: [{ ...short, emptyRunMax }] })
      expect(await announceAll(heir)).toBe(0)
      expect(announcedHours(heir)).toEqual(['11-20T13', '11-30T13'])
    }
  })

  test('of which a part was announced goes on from there, whatever the key says by then', async () => {
    const sim = begin()
    const many = await withGap(sim, { streams: [{ ...short, emptyRunMax: 744 }] })
    expect(await many.run(many.announcer.round())).toMatchObject({ count: 200 })
    const heir = await start(sim, { seed: 2 })
    expect(await announceAll(heir)).toBe(1)
    expect(announcedHours(heir)).toHaveLength(201)
    expect(foldedIn(heir)?.skipped).toMatchObject([{ partitionCount: 40 }])
  })

  test('of a thousand years is one range too', async () => {
    const sim = begin()
    const daemon = await start(sim)
    await daemon.begin()
    await bring(daemon, { next: 1n, at: at('1026-11-20T13:30:00Z') })
    const watermark = at('2026-11-20T14:06:00Z')
    await sim.until(at('2026-11-20T14:10:00Z'))
    await bring(daemon, { next: 2n, at: at('2026-11-20T13:30:00Z'), watermark })
    expect(await announceAll(daemon)).toBe(1)
    expect(skippedLines(daemon)).toMatchObject([{ fields: { partitions: 8_765_831 } }])
    expect(foldedIn(daemon)?.partitions.size).toBe(2)
  })
})

describe('rows that come to a gap', () => {
  test('before it is decided are announced, and the gap is cut by them', async () => {
    const sim = begin()
    const daemon = await withGap(sim)
    const watermark = at('2026-11-30T14:06:00Z')
    await bring(daemon, { next: 3n, at: at('2026-11-25T07:30:00Z'), watermark })
    await announceAll(daemon)
    expect(announcedHours(daemon)).toEqual(['11-20T13', '11-25T07', '11-30T13'])
    expect(skippedLines(daemon)).toHaveLength(2)
  })

  test('while it is being decided go first: what was decided is not put', async () => {
    const heir = await withGap(begin())
    await heir.run(heir.log.refresh())
    const metadata = { sources: [source], missingTopics: [], askedAtMs: heir.log.lakeNowMs() }
    const decision = decideReady({ ...heir.announcer.facts(), metadata })
    const announcements = decision.kind === 'announce' ? decision.announcements : []
    expect(announcements).toMatchObject([{ manifest: {} }, { manifest: { skipped: gap } }])
    expect(keepsOrder(heir.log.state, announcements)).toBe(true)
    await bring(heir, { next: 3n, at: at('2026-11-25T07:30:00Z') })
    expect(keepsOrder(heir.log.state, announcements)).toBe(false)
  })

  test('after it are late, and appended ones get an announcement of their own', async () => {
    const sim = begin()
    const daemon = await withGap(sim)
    await announceAll(daemon)
    const between = hourOf('2026-11-25T07')
    const early = await bring(daemon, { next: 3n, at: at('2026-11-25T07:30:00Z') })
    expect(early).toMatchObject({ kind: 'discarded' })
    const rows = [{ eventMs: at('2026-11-25T07:30:00Z'), rowCount: 4 }]
    expect(await daemon.append({ source, next: 3n, rows, late: true })).toMatchObject({
      kind: 'decided',
    })
    expect(explainPartition(daemon.announcer.facts(), short, between).rule).not.toBe('skipped')
    expect(await announceAll(daemon)).toBe(1)
    const folded = foldedIn(daemon)?.partitions.get(between.path)
    expect(folded).toMatchObject({ place: 'announced', revision: 1, manifest: { rows: 4 } })
    expect(folded?.manifest?.skipped).toBeUndefined()
  })
})

describe('the end of a stream that is idle', () => {
  /** All that was appended is known as read at `asked`. */
  const prove = (daemon: SimDaemon, next: bigint, asked: UnixMs) =>
    daemon.append({ source, next, evidence: { end: next, asked } })

  test('comes hour by hour, however long it lasts', async () => {
    const sim = begin()
    const daemon = await start(sim)
    await daemon.begin()
    await bring(daemon, { next: 1n, at: at('2026-11-20T13:30:00Z') })
    let nowMs = at('2026-11-20T14:16:00Z')
    for (let hours = 0; hours < 60; hours++) {
      await sim.until(nowMs)
      await prove(daemon, 1n, nowMs)
      await announceAll(daemon)
      nowMs = unixMs(nowMs + hour)
    }
    expect(announcedHours(daemon)).toHaveLength(60)
    expect(foldedIn(daemon)?.skipped).toBeUndefined()
  })

  test('is bounded where daemons were down for months, and goes on after that', async () => {
    const sim = begin()
    const daemon = await start(sim)
    await daemon.begin()
    await bring(daemon, { next: 1n, at: at('2026-11-20T13:30:00Z') })
    await sim.until(at('2027-03-01T14:16:00Z'))
    const heir = await start(sim, { seed: 2 })
    await prove(heir, 1n, at('2027-03-01T14:16:00Z'))
    await announceAll(heir)
    const hours = announcedHours(heir)
    expect(hours).toHaveLength(25)
    expect([hours[0], hours[1], hours.at(-1)]).toEqual(['11-20T13', '02-28T14', '03-01T13'])
    expect(skippedLines(heir)).toHaveLength(1)
    await sim.until(at('2027-03-01T15:16:00Z'))
    await prove(heir, 1n, at('2027-03-01T15:16:00Z'))
    await announceAll(heir)
    expect(announcedHours(heir)).toHaveLength(26)
    expect(skippedLines(heir)).toHaveLength(1)
  })
})

describe('a clock that is set by days', () => {
  const days = (count: number): number => count * 24 * hour
  const end = at('2026-11-20T14:16:00Z')

  /** 13h is whole but for the proof, which is asked for at its end. */
  async function quiet(sim: ReadinessSim, more: Partial<DaemonOptions> = {}): Promise<SimDaemon> {
    const daemon = await start(sim, more)
    await daemon.begin()
    await bring(daemon, { next: 1n, at: at('2026-11-20T13:30:00Z') })
    return daemon
  }

  test.each([-10, -1, 1, 10])('by %i, of a machine alone, decides nothing', async (count) => {
    const sim = begin()
    const machine = new Life(sim.clock)
    const daemon = await quiet(sim, { clock: machine })
    machine.jump(days(count))
    await sim.until(unixMs(end - 10 * minute))
    await daemon.append({ source, next: 1n, evidence: { end: 1n, asked: daemon.log.lakeNowMs() } })
    expect(await announceAll(daemon)).toBe(0)
    await sim.until(end)
    await daemon.append({ source, next: 1n, evidence: { end: 1n, asked: daemon.log.lakeNowMs() } })
    await announceAll(daemon)
    machine.jump(-2 * days(count))
    await announceAll(daemon)
    expect(announcedHours(daemon)).toEqual(['11-20T13'])
  })

  test('backward, of the lake, announces nothing twice and nothing before its time', async () => {
    const sim = begin()
    const daemon = await quiet(sim)
    await sim.until(end)
    await daemon.append({ source, next: 1n, evidence: { end: 1n, asked: daemon.log.lakeNowMs() } })
    await announceAll(daemon)
    sim.clock.jumpMs(-days(3))
    await daemon.append({ source, next: 1n, evidence: { end: 1n, asked: daemon.log.lakeNowMs() } })
    const heir = await start(sim, { seed: 2 })
    for (const one of [daemon, heir]) expect(await announceAll(one)).toBe(0)
    expect(announcedHours(heir)).toEqual(['11-20T13'])
    sim.clock.jumpMs(days(3))
    await sim.clock.run(sim.clock.sleep(durationMs(hour)))
    // The first one finds out what time it is by now.
    for (let times = 0; times < 2; times++) {
      await heir.append({ source, next: 1n, evidence: { end: 1n, asked: heir.log.lakeNowMs() } })
    }
    await announceAll(heir)
    expect(announcedHours(heir)).toEqual(['11-20T13', '11-20T14'])
  })

  test('forward, of the lake, brings no more than one run of empty hours, and one range', async () => {
    const sim = begin()
    const daemon = await quiet(sim)
    await sim.until(end)
    sim.clock.jumpMs(days(400))
    await daemon.append({ source, next: 1n, evidence: { end: 1n, asked: daemon.log.lakeNowMs() } })
    await daemon.append({ source, next: 1n, evidence: { end: 1n, asked: daemon.log.lakeNowMs() } })
    await announceAll(daemon)
    expect(announcedHours(daemon)).toHaveLength(25)
    sim.clock.jumpMs(-days(400))
    await daemon.append({ source, next: 1n, evidence: { end: 1n, asked: daemon.log.lakeNowMs() } })
    expect(await announceAll(daemon)).toBe(0)
    expect(skippedLines(daemon)).toHaveLength(1)
  })
})
