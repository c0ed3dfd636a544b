import { expect, test } from 'vitest'
import { assert } from '../../../src/base/assert.ts'
import { durationMs } from '../../../src/base/time.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { clusterId, topicId } from '../../../src/model/topic-partition.ts'
import { ReadinessSim, type SimDaemon } from '../../support/readiness-sim.ts'
import { at, sourceNamed } from '../../support/readiness-world.ts'

const shard = (index: number) => sourceNamed('events', index)
const sources = [shard(0), shard(1)]
const folder = 'ods_app_events/dt=2026-11-20/hour=13'
const manifestPath = '_lakeward/growth/ready/app_events/dt=2026-11-20/hour=13/1.json'

/** A daemon that has committed 13h whole: 120 rows of it, and both topic-partitions beyond it. */
async function complete(sim: ReadinessSim, seed = 1): Promise<SimDaemon> {
  const daemon = await sim.start({ seed, sources })
  await daemon.begin()
  await daemon.append({
    source: shard(0),
    next: 120n,
    rows: [{ eventMs: at('2026-11-20T13:30:00Z'), rowCount: 120 }],
  })
  await sim.until(at('2026-11-20T14:06:00Z'))
  await daemon.append({ source: shard(0), next: 130n, watermark: at('2026-11-20T14:05:30Z') })
  await daemon.append({ source: shard(1), next: 10n, watermark: at('2026-11-20T14:05:10Z') })
  return daemon
}
const begin = () => new ReadinessSim(at('2026-11-20T13:31:00Z'))

test('a complete partition is announced once, with its manifest on the lake', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced', count: 1 })
  expect(JSON.parse(sim.textAt(manifestPath))).toMatchObject({
    id: 'growth/app_events/dt=2026-11-20/hour=13/1',
    rows: 120,
    reason: 'complete',
    logEntry: daemon.log.state.next - 1,
  })
  expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
  const delay = daemon.telemetry.values.get('lakeward_ready_delay_seconds stream=app_events')
  expect(delay).toBeCloseTo(360, 0)
})

test('the brokers are asked for the set of topic-partitions when it decides, and only then', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  daemon.metadata = { ...daemon.metadata, sources: [...sources, shard(2)] }
  expect(daemon.metadataAskedCount).toBe(0)
  expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
  expect(daemon.metadataAskedCount).toBe(1)
  expect(daemon.announcer.blocks).toMatchObject([
    { rule: 'unassigned', at: { source: { partition: 2 } } },
  ])
  const blocked = 'lakeward_partitions_blocked stream=app_events rule=unassigned'
  expect(daemon.telemetry.values.get(blocked)).toBe(1)
  await daemon.run(daemon.announcer.round())
  expect(daemon.metadataAskedCount).toBe(1)
})

test('a topic-partition that was added while a partition waited belongs to its set', async () => {
  const sim = begin()
  const daemon = await sim.start({ seed: 1, sources })
  await daemon.begin()
  const rowsAt = (time: string) => [{ eventMs: at(`2026-11-20T${time}Z`), rowCount: 120 }]
  await daemon.append({ source: shard(0), next: 120n, rows: rowsAt('12:30:00') })
  await daemon.append({ source: shard(0), next: 240n, rows: rowsAt('13:30:00') })
  await sim.until(at('2026-11-20T14:06:00Z'))
  await daemon.append({ source: shard(0), next: 250n, watermark: at('2026-11-20T14:05:30Z') })
  await daemon.append({ source: shard(1), next: 10n, watermark: at('2026-11-20T13:30:00Z') })
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced', count: 1 })
  daemon.metadata = { ...daemon.metadata, sources: [...sources, shard(2)] }
  await sim.until(at('2026-11-20T14:06:02Z'))
  await daemon.append({ source: shard(1), next: 20n, watermark: at('2026-11-20T14:05:10Z') })
  expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
  expect(daemon.announcer.blocks).toMatchObject([{ at: { source: { partition: 2 } } }])
})

test('a topic that was missing is asked for again and found', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const found = daemon.metadata
  daemon.metadata = { clusterId: clusterId('cluster'), sources: [], missingTopics: ['events'] }
  await daemon.run(daemon.announcer.round())
  expect(daemon.announcer.blocks).toMatchObject([{ rule: 'topic-missing', detail: 'events' }])
  daemon.metadata = found
  await daemon.run(daemon.announcer.round())
  expect(daemon.metadataAskedCount).toBe(1)
  await sim.until(at('2026-11-20T14:06:30Z'))
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced' })
})

test('a topic that was made anew is asked for again once an operator accepted it', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const behind = [shard(0), shard(1), shard(2)]
  daemon.metadata = { ...daemon.metadata, sources: behind }
  await daemon.run(daemon.announcer.round())
  expect(daemon.announcer.blocks).toMatchObject([{ rule: 'unassigned' }])
  const anew = sources.map((source) => ({ ...source, topicId: topicId('another') }))
  const cause = 'it was made anew'
  const relied = { lane: 'lake', resetEpoch: 0, cause }
  const moves = [
    { ...relied, source: shard(0), expected: nextOffset(130n), next: undefined },
    { ...relied, source: shard(1), expected: nextOffset(10n), next: undefined },
    ...anew.map((source) => ({ ...relied, source, expected: undefined, next: nextOffset(0n) })),
  ]
  const commitId = daemon.log.nextCommitId()
  const said = { kind: 'source', commitId, action: 'accept', why: cause, moves } as const
  expect(await daemon.run(daemon.log.put(said))).toMatchObject({ kind: 'decided' })
  daemon.metadata = { ...daemon.metadata, sources: anew }
  const before = daemon.metadataAskedCount
  await daemon.run(daemon.announcer.round())
  expect(daemon.metadataAskedCount).toBe(before)
  await sim.until(at('2026-11-20T14:06:30Z'))
  await daemon.run(daemon.announcer.round())
  expect(daemon.metadataAskedCount).toBe(before + 1)
  expect(daemon.announcer.blocks).toMatchObject([{ at: { source: { topicId: 'another' } } }])
})

test('a file that a zombie left is put aside before the announcement', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const zombie = `${folder}/growth-0123456789abcdef-7-0.parquet`
  const others = [
    `${folder}/growth-0123456789abcdef-7-0.parquet.tmp`,
    `${folder}/other-0123456789abcdef-7-0.parquet`,
    `${folder}/growth-of-others.parquet`,
    'ods_app_events/dt=2026-11-20/hour=14/growth-0123456789abcdef-7-1.parquet',
  ]
  for (const path of [zombie, ...others]) {
    sim.store.set(path, { body: new Uint8Array(5), modifiedMs: 0 })
  }
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced' })
  expect(sim.store.has(zombie)).toBe(false)
  expect(sim.paths('_lakeward/growth/quarantine')).toEqual([
    `_lakeward/growth/quarantine/${zombie}.quarantined`,
  ])
  for (const path of others) expect(sim.store.has(path), path).toBe(true)
})

test('a file that is published between the look into the folder and the fold is left alone', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const other = await sim.start({ seed: 2, sources })
  const list = daemon.lake.list.bind(daemon.lake)
  daemon.lake.list = async (path) => {
    const listed = await list(path)
    if (path === folder) {
      daemon.lake.list = list
      await other.log.refresh()
      const rows = [{ eventMs: at('2026-11-20T13:40:00Z'), rowCount: 3 }]
      await appendWithin(other, rows)
    }
    return listed
  }
  await daemon.run(daemon.announcer.round())
  expect(daemon.announcer.blocks).toMatchObject([{ rule: 'unpublished' }])
  await other.run(other.announcer.round())
  expect(sim.paths('_lakeward/growth/quarantine')).toEqual([])
  expect(JSON.parse(sim.textAt(manifestPath))).toMatchObject({ rows: 123 })
})

/** Each commit of two daemons brings another row of the hour, which event time is beyond. */
async function trickling(sim: ReadinessSim): Promise<SimDaemon> {
  const daemon = await complete(sim)
  const other = await sim.start({ seed: 2, sources })
  const trickle = (writer: SimDaemon, index: number, next: bigint) => {
    const rows = [{ eventMs: at('2026-11-20T13:40:00Z'), rowCount: 1 }]
    const watermark = at('2026-11-20T14:05:30Z')
    return writer.append({ source: shard(index), next, rows, watermark })
  }
  await trickle(daemon, 0, 131n)
  await trickle(other, 1, 131n)
  await trickle(daemon, 0, 132n)
  return daemon
}

test('an hour is announced though rows of it trickle in with each commit of several writers', async () => {
  const sim = begin()
  const daemon = await trickling(sim)
  // The entry of a round may lose a race: the next one goes on from what was seen.
  const put = daemon.log.put.bind(daemon.log)
  daemon.log.put = () => Promise.resolve({ kind: 'discarded', because: 'overtaken' } as const)
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'overtaken' })
  daemon.log.put = put
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced' })
  expect(JSON.parse(sim.textAt(manifestPath))).toMatchObject({ rows: 123 })
})

/** An append inside of a call that the clock already runs. */
async function appendWithin(
  daemon: SimDaemon,
  rows: Parameters<SimDaemon['append']>[0]['rows'],
): Promise<void> {
  const run = daemon.run.bind(daemon)
  daemon.run = (task) => task
  await daemon.append({ source: shard(1), next: 13n, ...(rows && { rows }) })
  daemon.run = run
}

test('a published file that is gone holds the partition back, loudly, until it is restored', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const [path = ''] = sim.paths(`${folder}/`)
  const file = sim.store.get(path)
  sim.store.delete(path)
  expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
  expect(daemon.telemetry.events.filter(({ level }) => level === 'error')).toEqual([])
  await daemon.run(daemon.announcer.round())
  expect(daemon.telemetry.events.filter(({ level }) => level === 'error')).toMatchObject([
    { event: 'published-file-missing', fields: { paths: [path] } },
  ])
  expect(daemon.announcer.blocks).toMatchObject([{ rule: 'file-missing', detail: path }])
  if (file !== undefined) sim.store.set(path, file)
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced' })
})

test('a file that is shorter than the log says holds the partition back', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const [path = ''] = sim.paths(`${folder}/`)
  sim.store.set(path, { body: new Uint8Array(1_199), modifiedMs: 0 })
  expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
})

test('of two daemons that announce at the same time one wins, and one manifest stands', async () => {
  const sim = begin()
  const first = await complete(sim)
  const second = await sim.start({ seed: 2, sources })
  const both = [first.announcer.round(), second.announcer.round()]
  const kinds = (await sim.clock.run(Promise.all(both))).map(({ kind }) => kind).sort()
  expect(kinds).toEqual(['announced', 'overtaken'])
  await first.run(first.log.refresh())
  expect(first.log.state.undelivered).toHaveLength(1)
  expect(sim.paths('_lakeward/growth/ready')).toEqual([manifestPath])
})

test('rows that come while the entry is being put make it count for nobody', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const other = await sim.start({ seed: 2, sources })
  const put = daemon.log.put.bind(daemon.log)
  daemon.log.put = async (draft) => {
    await appendWithin(other, [{ eventMs: at('2026-11-20T13:50:00Z'), rowCount: 5 }])
    return put(draft)
  }
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'overtaken' })
  daemon.log.put = put
  expect(await other.run(other.announcer.round())).toMatchObject({ kind: 'announced' })
  expect(JSON.parse(sim.textAt(manifestPath))).toMatchObject({ rows: 125 })
})

test('what an operator moves while the entry is being put is waited for', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const other = await sim.start({ seed: 2, sources })
  const put = daemon.log.put.bind(daemon.log)
  daemon.log.put = async (draft, holds) => {
    await other.log.refresh()
    const [position] = [...(other.log.state.positions.get('lake')?.values() ?? [])]
    assert(position !== undefined, 'something is read')
    const { source, next } = position
    const moved = { lane: 'lake', source, expected: next, resetEpoch: 0, next, cause: 'it is gone' }
    const word = { kind: 'source', action: 'accept', why: 'it is gone', moves: [moved] } as const
    await other.log.put({ ...word, commitId: other.log.nextCommitId() })
    return put(draft, holds)
  }
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'overtaken' })
  daemon.log.put = put
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'waited' })
  expect(sim.paths('_lakeward/growth/ready')).toEqual([])
})

test('rows that come to an earlier partition while the entry is being put go first', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const other = await sim.start({ seed: 2, sources })
  const put = daemon.log.put.bind(daemon.log)
  daemon.log.put = async (draft, holds) => {
    await appendWithin(other, [{ eventMs: at('2026-11-20T11:50:00Z'), rowCount: 5 }])
    return put(draft, holds)
  }
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'overtaken' })
  expect(sim.paths('_lakeward/growth/ready')).toEqual([])
  daemon.log.put = put
  expect(await other.run(other.announcer.round())).toMatchObject({ kind: 'announced', count: 3 })
  expect(sim.paths('_lakeward/growth/ready').map((path) => path.slice(-15))).toEqual([
    '/hour=11/1.json',
    '/hour=12/1.json',
    '/hour=13/1.json',
  ])
})

test('a manifest that its author did not write is written by another daemon, the same', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  await daemon.run(daemon.announcer.round())
  const text = sim.textAt(manifestPath)
  sim.store.delete(manifestPath)
  const other = await sim.start({ seed: 2, sources })
  await other.run(other.announcer.round())
  expect(sim.store.has(manifestPath)).toBe(false)
  await sim.until(at('2026-11-20T14:07:00Z'))
  await other.run(other.announcer.round())
  expect(sim.textAt(manifestPath)).toBe(text)
  const looked = other.lake.history.length
  await other.run(other.announcer.round())
  expect(other.lake.history.slice(looked).filter((call) => call.includes('/ready'))).toEqual([])
})

test('each rule that blocks a stream is told to the log once, while several do', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const [path = ''] = sim.paths('ods_app_events/')
  expect(sim.store.delete(path)).toBe(true)
  const rows = [{ eventMs: at('2026-11-20T14:30:00Z'), rowCount: 30 }]
  await daemon.append({ source: shard(0), next: 160n, rows, watermark: at('2026-11-20T15:06:00Z') })
  await sim.until(at('2026-11-20T15:30:00Z'))
  const told = () => daemon.telemetry.events.filter(({ event }) => event === 'partition-blocked')
  for (let round = 0; round < 4; round++) await daemon.run(daemon.announcer.round())
  expect(daemon.announcer.blocks).toMatchObject([{ rule: 'unassigned' }, { rule: 'file-missing' }])
  expect(told().map(({ fields }) => fields['rule'])).toEqual(['unassigned', 'file-missing'])
})

test('a set that is told again as it was stays the one that much was made of', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const copied = () => sources.map((source) => ({ ...source }))
  daemon.metadata = { ...daemon.metadata, sources: copied() }
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced' })
  const known = daemon.announcer.facts().metadata
  const asked = daemon.metadataAskedCount
  daemon.metadata = { ...daemon.metadata, sources: copied() }
  await sim.until(at('2026-11-20T15:06:00Z'))
  const watermark = at('2026-11-20T15:05:30Z')
  await daemon.append({ source: shard(0), next: 140n, watermark })
  await daemon.append({ source: shard(1), next: 20n, watermark })
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced' })
  expect(daemon.metadataAskedCount).toBeGreaterThan(asked)
  const again = daemon.announcer.facts().metadata
  expect(again?.askedAtMs).toBeGreaterThan(known?.askedAtMs ?? Number.NaN)
  expect(again?.sources).toBe(known?.sources)
})

test('a watermark is not known any more when the topic grows, though nothing is committed', async () => {
  const sim = begin()
  const daemon = await sim.start({ seed: 1, sources })
  await daemon.begin()
  const rows = [{ eventMs: at('2026-11-20T13:30:00Z'), rowCount: 120 }]
  const watermark = at('2026-11-20T14:05:30Z')
  await daemon.append({ source: shard(0), next: 120n, rows, watermark })
  await daemon.append({ source: shard(1), next: 10n, watermark })
  const name = 'lakeward_event_watermark_seconds stream=app_events'
  const shown = () => daemon.telemetry.values.get(name)
  await daemon.run(daemon.announcer.round())
  expect(shown()).toBe(watermark / 1_000)
  daemon.metadata = { ...daemon.metadata, sources: [...sources, shard(2)] }
  const entries = daemon.log.state.next
  await sim.until(at('2026-11-20T14:06:00Z'))
  await daemon.run(daemon.announcer.round())
  expect(daemon.log.state.next).toBe(entries)
  expect(shown()).toBeNaN()
})

test('the loop announces what becomes due, is woken by a nudge and ends when told', async () => {
  const sim = begin()
  const daemon = await complete(sim)
  const ending = new AbortController()
  const loop = daemon.announcer.run(ending.signal, durationMs(60_000))
  await sim.clock.run(sim.clock.sleep(durationMs(10)))
  expect(sim.store.has(manifestPath)).toBe(true)
  const rows = [{ eventMs: at('2026-11-20T14:30:00Z'), rowCount: 30 }]
  await daemon.append({ source: shard(0), next: 160n, rows, watermark: at('2026-11-20T15:06:00Z') })
  await sim.until(at('2026-11-20T15:05:30Z'))
  await daemon.append({ source: shard(1), next: 20n, watermark: at('2026-11-20T15:06:00Z') })
  const atMs = sim.clock.monotonicMs()
  daemon.announcer.nudge()
  await sim.clock.run(sim.clock.sleep(durationMs(1)))
  expect(sim.store.has(manifestPath.replace('hour=13', 'hour=14'))).toBe(true)
  expect(sim.clock.monotonicMs() - atMs).toBeLessThan(60_000)
  ending.abort()
  await sim.clock.run(loop)
})
