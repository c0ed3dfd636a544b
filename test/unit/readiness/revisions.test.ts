/** Late rows from their commit to the revision that names them. */
import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { FoldedPartition } from '../../../src/model/fold-state.ts'
import type { ReadyManifest } from '../../../src/model/ready-manifest.ts'
import { decideEvidence } from '../../../src/protocol/evidence.ts'
import { explainPartition } from '../../../src/protocol/explain.ts'
import { decideReady } from '../../../src/protocol/readiness.ts'
import { ReadinessSim, type SimDaemon } from '../../support/readiness-sim.ts'
import { appEvents, at, hourOf, sourceNamed } from '../../support/readiness-world.ts'

const sources = [sourceNamed('events', 0), sourceNamed('events', 1)]
const thirteen = hourOf('2026-11-20T13')
const manifests = '_lakeward/growth/ready/app_events/dt=2026-11-20/hour=13/'

/** 13h is announced at 14:06 with 120 rows. */
async function announcedWorld(): Promise<{ sim: ReadinessSim; daemon: SimDaemon }> {
  const sim = new ReadinessSim(at('2026-11-20T13:31:00Z'))
  const daemon = await sim.start({ seed: 1, sources })
  await daemon.begin()
  const rows = [{ eventMs: at('2026-11-20T13:30:00Z'), rowCount: 120 }]
  await daemon.append({ source: sourceNamed('events', 0), next: 120n, rows })
  await sim.until(at('2026-11-20T14:06:00Z'))
  for (const source of sources) {
    await daemon.append({ source, next: 130n, watermark: at('2026-11-20T14:05:30Z') })
  }
  expect(await daemon.run(daemon.announcer.round())).toMatchObject({ kind: 'announced', count: 1 })
  return { sim, daemon }
}

const late = (daemon: SimDaemon, next: bigint, rowCount: number, partition = 0) =>
  daemon.append({
    source: sourceNamed('events', partition),
    next,
    rows: [{ eventMs: at('2026-11-20T13:40:00Z'), rowCount }],
    watermark: at('2026-11-20T14:05:30Z'),
    late: true,
  })

const partitionOf = (daemon: SimDaemon): FoldedPartition =>
  present(
    daemon.log.state.streams.get('app_events')?.partitions.get(thirteen.path),
    'the hour is in the log',
  )

const shown = (sim: ReadinessSim, revision: number): ReadyManifest =>
  JSON.parse(sim.textAt(`${manifests}${revision}.json`)) as ReadyManifest

const why = (daemon: SimDaemon): string =>
  explainPartition(daemon.announcer.facts(), appEvents, thirteen).sentence

describe('late rows of an announced partition', () => {
  test('are told by one revision in late.every, which adds their files and lists all', async () => {
    const { sim, daemon } = await announcedWorld()
    const first = shown(sim, 1)
    await late(daemon, 131n, 3)
    await late(daemon, 132n, 4)
    expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
    expect(why(daemon)).toMatch(/2 late files came since; revision 2 is due at .*14:11:0/)
    await sim.until(at('2026-11-20T14:12:00Z'))
    await late(daemon, 133n, 5)
    expect(await daemon.run(daemon.announcer.round())).toMatchObject({ count: 1 })
    const second = shown(sim, 2)
    const paths = partitionOf(daemon).files.map(({ path }) => path)
    expect(second).toMatchObject({ revision: 2, reason: 'late', rows: 132, removed: [] })
    expect(second.files.map(({ path }) => path)).toEqual(paths)
    expect(second.added).toEqual(paths.slice(1))
    expect(second.counts).toMatchObject({ read: 132, written: 132, lateAppended: 12, late: 0 })
    expect(second.sources.map(({ next }) => next)).toEqual(['133', '130'])
    expect(second.sources.map(({ evidence }) => evidence)).toEqual(['watermark', 'watermark'])
    expect(shown(sim, 1)).toEqual(first)
    expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
    await late(daemon, 134n, 1)
    expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
    await sim.until(at('2026-11-20T14:18:00Z'))
    await daemon.run(daemon.announcer.round())
    expect(shown(sim, 3)).toMatchObject({ rows: 133, added: [expect.stringContaining('-')] })
    expect(partitionOf(daemon).firstAnnouncedAtMs).toBe(Date.parse(first.decidedAt))
  })

  test('are told though each commit of several writers brings more of them', async () => {
    const { sim, daemon } = await announcedWorld()
    const other = await sim.start({ seed: 2, sources })
    const daemons = [daemon, other]
    const revisions: number[] = []
    for (let minute = 12; minute < 24; minute++) {
      await sim.until(at(`2026-11-20T14:${minute}:00Z`))
      for (const [index, writer] of daemons.entries()) {
        const next = 131n + BigInt(minute)
        await late(writer, next, 1, index)
      }
      for (const { announcer } of daemons) await daemon.run(announcer.turn())
      await daemon.run(daemon.log.refresh())
      revisions.push(partitionOf(daemon).revision)
    }
    // One at once, and one each five minutes after: no writer waits for the others to fall silent.
    expect(revisions).toEqual([2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4])
    expect(shown(sim, 4).rows).toBe(120 + 2 * 11)
  })

  test('wait for a file of another writer that does not stand yet', async () => {
    const { sim, daemon } = await announcedWorld()
    const other = await sim.start({ seed: 2, sources })
    await sim.until(at('2026-11-20T14:12:00Z'))
    await late(other, 143n, 1, 1)
    const { log } = daemon
    await daemon.run(log.refresh())
    const file = present(partitionOf(daemon).files.at(-1), 'the late file')
    for (const body of [undefined, new Uint8Array(file.sizeBytes - 1)]) {
      if (body === undefined) sim.store.delete(file.path)
      else sim.store.set(file.path, { body, modifiedMs: 0 })
      expect(await daemon.run(daemon.announcer.round())).toEqual({ kind: 'waited' })
      expect(why(daemon)).toMatch(/revision 2 waits \(unpublished\)/)
    }
    daemon.publish(file)
    // It is looked for anew when the log has grown.
    await daemon.append({ source: sourceNamed('events', 0), next: 150n })
    expect(await daemon.run(daemon.announcer.round())).toMatchObject({ count: 1 })
  })

  test('wait while a file of theirs is not published, and keep no later hour waiting', async () => {
    const { sim, daemon } = await announcedWorld()
    await late(daemon, 131n, 3)
    const file = present(partitionOf(daemon).files[1], 'the late file')
    sim.store.delete(file.path)
    await sim.until(at('2026-11-20T15:06:00Z'))
    const rows = [{ eventMs: at('2026-11-20T14:30:00Z'), rowCount: 7 }]
    await daemon.append({ source: sourceNamed('events', 0), next: 140n, rows })
    for (const source of sources) {
      await daemon.append({ source, next: 150n, watermark: at('2026-11-20T15:05:30Z') })
    }
    expect(await daemon.run(daemon.announcer.round())).toMatchObject({ count: 1 })
    expect(partitionOf(daemon)).toMatchObject({ revision: 1 })
    expect(sim.paths('_lakeward/growth/ready/app_events/dt=2026-11-20/hour=14/')).toHaveLength(1)
    expect(why(daemon)).toMatch(/revision 2 waits \(file-missing\)/)
    daemon.publish(file)
    expect(await daemon.run(daemon.announcer.round())).toMatchObject({ count: 1 })
    expect(partitionOf(daemon)).toMatchObject({ revision: 2 })
  })

  test('wait for a topic-partition that was added since, until it has passed too', async () => {
    const { sim, daemon } = await announcedWorld()
    await late(daemon, 131n, 3)
    await sim.until(at('2026-11-20T14:12:00Z'))
    const added = sourceNamed('events', 2)
    const facts = {
      ...daemon.announcer.facts(),
      metadata: {
        sources: [...sources, added],
        missingTopics: [],
        askedAtMs: at('2026-11-20T14:12:00Z'),
      },
    }
    expect(decideReady(facts)).toMatchObject({ kind: 'wait' })
    const { sentence } = explainPartition(facts, appEvents, thirteen)
    expect(sentence).toMatch(/revision 2 waits for "events\/2", which was added/)
  })

  test('have the leader of a quiet topic-partition asked that was added since', async () => {
    const { sim, daemon } = await announcedWorld()
    await late(daemon, 131n, 3)
    await sim.until(at('2026-11-20T14:12:00Z'))
    const added = sourceNamed('events', 2)
    const reader = await sim.start({ seed: 2, sources: [added] })
    await reader.begin()
    await daemon.run(daemon.log.refresh())
    await daemon.append({ source: added, next: 1n })
    const asked = (iso: string) => {
      const all = { sources: [...sources, added], missingTopics: [], askedAtMs: at(iso) }
      const facts = { ...daemon.announcer.facts(), metadata: all, lakeNowMs: at(iso) }
      return decideEvidence(facts, all.sources)
    }
    // Quiet for `ready.idle`, ten minutes.
    expect(asked('2026-11-20T14:21:00Z')).toEqual([])
    expect(asked('2026-11-20T14:23:00Z')).toEqual([added])
  })

  test('have the manifest of the revision before beside them, though its author died', async () => {
    const { sim, daemon } = await announcedWorld()
    sim.store.delete(`${manifests}1.json`)
    await late(daemon, 131n, 3)
    // Says that the late file is published.
    await daemon.append({ source: sourceNamed('events', 1), next: 131n })
    await sim.until(at('2026-11-20T14:12:00Z'))
    const heir = await sim.start({ seed: 2, sources })
    await heir.run(heir.announcer.round())
    expect(shown(sim, 1)).toMatchObject({ revision: 1, rows: 120 })
    expect(shown(sim, 2)).toMatchObject({ revision: 2, rows: 123 })
  })

  test('are void as rows in time, and rows in time are void as late ones', async () => {
    const { daemon } = await announcedWorld()
    const source = sourceNamed('events', 0)
    const rows = [{ eventMs: at('2026-11-20T13:40:00Z'), rowCount: 1 }]
    expect(await daemon.append({ source, next: 131n, rows })).toMatchObject({ kind: 'discarded' })
    const early = [{ eventMs: at('2026-11-20T14:40:00Z'), rowCount: 1 }]
    const outcome = await daemon.append({ source, next: 131n, rows: early, late: true })
    expect(outcome).toMatchObject({ kind: 'discarded', because: expect.stringMatching(/is open/) })
  })
})
