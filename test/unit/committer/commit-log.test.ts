import { describe, expect, test } from 'vitest'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import {
  appendDraft,
  nextOf,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleRange,
  startRange,
  stream,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const logPath = (index: number): string =>
  `_lakeward/growth/log/00000000/${String(index).padStart(20, '0')}.json`

interface World {
  readonly lake: SimLake
  readonly clock: SimClock
  readonly telemetry: SimTelemetry
  readonly open: (options?: {
    seed?: number
    readOnly?: boolean
    checkpointEvery?: number
  }) => Promise<CommitLog>
}

function world(): World {
  const clock = new SimClock()
  const lake = new SimLake({ clock })
  const telemetry = new SimTelemetry()
  let seed = 0
  return {
    lake,
    clock,
    telemetry,
    open: (options = {}) => {
      const random = new SimRandom(options.seed ?? ++seed)
      return openCommitLog({ lake, pipeline, clock, random, telemetry, ...options })
    },
  }
}

describe('the commit log', () => {
  test('holds what was put, for whoever opens it', async () => {
    const { open } = world()
    const log = await open()
    const id = log.nextCommitId()
    const start = await log.put(appendDraft(id, { ranges: [startRange(0, 7)] }))
    expect(start).toEqual({ kind: 'decided', entry: 0, commitId: id })
    const more = await log.put(appendDraft(log.nextCommitId(), { ranges: [sampleRange(0, 7, 9)] }))
    expect(more).toMatchObject({ kind: 'decided', entry: 1 })
    const other = await open({ readOnly: true })
    expect(nextOf(other)).toBe(9n)
    expect(other.state.checksum).toBe(log.state.checksum)
  })

  test('sees what others put only when it looks, and then all of it', async () => {
    const { open } = world()
    const [a, b] = [await open(), await open()]
    for (let at = 0; at < 100; at++) {
      const range = at === 0 ? startRange(0, 0) : sampleRange(0, at - 1, at)
      await a.put(appendDraft(a.nextCommitId(), { ranges: [range] }))
    }
    expect(nextOf(b)).toBeUndefined()
    const before = b.state
    await b.refresh()
    expect(nextOf(b)).toBe(99n)
    expect(before.next).toBe(0)
    expect(b.state.checksum).toBe(a.state.checksum)
  })

  test('a put whose range another writer took is discarded, and the next entry tells of it', async () => {
    const { open } = world()
    const [a, b] = [await open(), await open()]
    await a.put(appendDraft(a.nextCommitId(), { ranges: [startRange(0, 0)] }))
    await b.refresh()
    await a.put(appendDraft(a.nextCommitId(), { ranges: [sampleRange(0, 0, 5)] }))
    const id = b.nextCommitId()
    const outcome = await b.put(appendDraft(id, { ranges: [sampleRange(0, 0, 4)] }))
    expect(outcome).toEqual({
      kind: 'discarded',
      because: 'range-moved: "growth.events/0" of lane "lake": expected 0, the log has 5',
    })
    await b.put(appendDraft(b.nextCommitId(), { ranges: [sampleRange(0, 5, 6)] }))
    expect(b.state.writers.get(b.writerId)?.discardedCount).toBe(1)
    await b.put(appendDraft(b.nextCommitId(), { ranges: [sampleRange(0, 6, 7)] }))
    expect(b.state.writers.get(b.writerId)?.discardedCount).toBe(1)
  })

  test('a put that loses race after race stands aside longer, and lands at the end', async () => {
    const { open, lake, clock, telemetry } = world()
    const [a, b] = [await open(), await open()]
    const triedAtMs: number[] = []
    let others = 0
    const putOther = async (): Promise<void> => {
      others += 1
      await b.put(appendDraft(b.nextCommitId(), { ranges: [startRange(others, 0)] }))
    }
    // While it stands aside others go on as well.
    const sleep = clock.sleep.bind(clock)
    clock.sleep = async (span, signal) => {
      await putOther()
      await sleep(span, signal)
    }
    const putIfAbsent = lake.putIfAbsent.bind(lake)
    lake.putIfAbsent = async (path, body) => {
      const isOurs = Buffer.from(body).toString().includes(a.writerId)
      if (isOurs) triedAtMs.push(clock.monotonicMs())
      if (isOurs && triedAtMs.length <= 6) await putOther()
      return await putIfAbsent(path, body)
    }
    const put = a.put(appendDraft(a.nextCommitId(), { ranges: [startRange(0, 0)] }))
    expect(await clock.run(put)).toMatchObject({ kind: 'decided', entry: others })
    expect(others).toBe(10)
    const pausesMs = triedAtMs.slice(1).map((atMs, index) => atMs - (triedAtMs[index] ?? 0))
    expect(pausesMs.slice(0, 2)).toEqual([0, 0])
    expect(pausesMs.slice(2).every((pauseMs) => pauseMs > 0)).toBe(true)
    expect(pausesMs).toHaveLength(6)
    expect(telemetry.values.get('lakeward_log_races_lost_total')).toBe(6)
    expect(telemetry.events.filter(({ event }) => event === 'log contended')).toHaveLength(4)
  })

  test('two writers of different topic-partitions both get their entry, one index apart', async () => {
    const { open, clock } = world()
    const [a, b] = [await open(), await open()]
    const puts = [a, b].map((log, partition) =>
      log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(partition, 0)] })),
    )
    const outcomes = await clock.run(Promise.all(puts))
    expect(outcomes.map(({ kind }) => kind)).toEqual(['decided', 'decided'])
    await a.refresh()
    expect(a.state.next).toBe(2)
    expect([nextOf(a, 0), nextOf(a, 1)]).toEqual([0n, 0n])
  })

  test('a large body stands beside the log, named by its checksum, and is read back', async () => {
    const { open, lake } = world()
    const log = await open()
    const id = log.nextCommitId()
    const files = Array.from({ length: 400 }, (_, ordinal) => sampleFile(id, 13, ordinal))
    const places = [{ stream, partition: sampleHour(13) }]
    await log.put(appendDraft(id, { places, body: { files, counts: [sampleCell(13, 4_000)] } }))
    const bodies = await lake.list('_lakeward/growth/bodies')
    expect(bodies).toHaveLength(1)
    expect(bodies[0]?.path).toMatch(new RegExp(`/${id}-[0-9a-f]{16}\\.json\\.zst$`))
    expect(lake.store.get(logPath(0))?.body.byteLength).toBeLessThan(2_000)
    const other = await open({ readOnly: true })
    expect(other.state.unpublished.get(id)?.files).toEqual(files)
  })

  test('a log opened for reading leaves no trace on the lake', async () => {
    const { open, lake } = world()
    const log = await open({ readOnly: true })
    await log.refresh()
    expect(lake.store.size).toBe(0)
    await expect(async () => log.put(appendDraft(log.nextCommitId()))).rejects.toThrow(/reading/)
  })

  test('time is the lake’s, carried on by a clock that does not jump', async () => {
    const { open, clock } = world()
    const log = await open()
    const behindMs = 600_000
    expect(log.lakeNowMs()).toBe(clock.nowMs() - behindMs)
    clock.jumpMs(86_400_000)
    expect(log.lakeNowMs()).toBe(clock.nowMs() - behindMs - 86_400_000)
  })

  test('an entry of a newer format stops the reader with the remedy', async () => {
    const { open, lake } = world()
    await lake.put(logPath(0), Buffer.from('{"format":2,"kind":"swap"}'))
    await expect(open()).rejects.toMatchObject({
      code: 'LOG_FORMAT_TOO_NEW',
      facts: { path: logPath(0), format: 2, newestKnown: 1 },
    })
  })

  test('an entry of an unknown kind stops the reader: it is never skipped', async () => {
    const { open, lake } = world()
    const log = await open()
    const id = commitIdOf(writerId('a'.repeat(32)), 0)
    const swap = { ...appendDraft(id), kind: 'swap', format: 1 }
    await lake.put(logPath(0), Buffer.from(JSON.stringify(swap)))
    await expect(log.refresh()).rejects.toMatchObject({ code: 'LOG_ENTRY_UNREADABLE' })
    const put = log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
    await expect(put).rejects.toMatchObject({ code: 'LOG_ENTRY_UNREADABLE' })
    expect(lake.store.has(logPath(1))).toBe(false)
  })

  test('an entry whose body is gone stops the reader and names both', async () => {
    const { open, lake } = world()
    const log = await open()
    const id = log.nextCommitId()
    const files = Array.from({ length: 400 }, (_, ordinal) => sampleFile(id, 13, ordinal))
    const places = [{ stream, partition: sampleHour(13) }]
    await log.put(appendDraft(id, { places, body: { files } }))
    const [body] = await lake.list('_lakeward/growth/bodies')
    lake.store.delete(body?.path ?? '')
    await expect(open()).rejects.toThrow(new RegExp(`${logPath(0)}.*${body?.path}.*missing`))
  })
})
