import { describe, expect, test } from 'vitest'
import { nextOffset } from '../../../src/model/offset.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import { decideEvidence } from '../../../src/protocol/evidence.ts'
import { at, factsOf, type PlantedLog, type PlantedSource } from '../../support/readiness-world.ts'
import { file, shard, thirteen } from '../../support/two-shards.ts'

const owned = [shard(0), shard(1)]
const rows = (watermark: string, rowsAt: string) => ({
  app_events: { watermark: at(watermark), rowsAt: at(rowsAt) },
})

/** 13h; `events/0` has passed it, `events/1` has had no rows of it for long. */
const log = (second: Partial<PlantedSource> = {}): PlantedLog => ({
  sources: [
    { source: shard(0), progress: rows('2026-11-20T14:10:00Z', '2026-11-20T14:10:00Z') },
    { source: shard(1), next: 50n, moved: at('2026-11-20T12:00:00Z'), ...second },
  ],
  partitions: { app_events: [{ partition: thirteen, files: [file] }] },
})
const asked = (planted: PlantedLog, iso: string) =>
  decideEvidence(factsOf(planted, at(iso)), owned).map(({ partition }) => partition)

describe('the leader of a topic-partition is asked', () => {
  test('as soon as its answer can prove idleness, and not before', () => {
    expect(asked(log(), '2026-11-20T14:14:59.999Z')).toEqual([])
    expect(asked(log(), '2026-11-20T14:15:00Z')).toEqual([1])
  })

  test('only after the stream was quiet for the idle span', () => {
    const lately = log({ progress: rows('2026-11-20T13:20:00Z', '2026-11-20T14:12:00Z') })
    expect(asked(lately, '2026-11-20T14:21:59Z')).toEqual([])
    expect(asked(lately, '2026-11-20T14:22:00Z')).toEqual([1])
  })

  test('again when what the log holds was asked too early', () => {
    const early = log({ evidence: { end: 50n, asked: at('2026-11-20T13:00:00Z') } })
    expect(asked(early, '2026-11-20T14:16:00Z')).toEqual([1])
  })

  test('not while the end in the log is still being read towards', () => {
    const pending = log({
      evidence: { end: 60n, asked: at('2026-11-20T14:15:00Z') },
      moved: at('2026-11-20T14:16:30Z'),
    })
    expect(asked(pending, '2026-11-20T14:17:30Z')).toEqual([])
  })

  test('again when nothing was read towards that end since the commit before the last', () => {
    const stuck = log({ evidence: { end: 60n, asked: at('2026-11-20T14:15:00Z') } })
    expect(asked(stuck, '2026-11-20T14:16:29Z')).toEqual([])
    expect(asked(stuck, '2026-11-20T14:16:30Z')).toEqual([1])
  })

  test('once, by its reader, where the log knows no more than its start position', () => {
    const noneWaits: PlantedLog = {
      sources: [
        { source: shard(0), unmovedSince: at('2026-11-20T14:09:59Z') },
        { source: shard(1), unmovedSince: at('2026-11-20T14:09:59Z') },
      ],
    }
    const facts = factsOf(noneWaits, at('2026-11-20T14:10:00Z'))
    expect(decideEvidence(facts, [shard(1)])).toEqual([shard(1)])
    const [first, second] = noneWaits.sources ?? []
    const told = { end: 100n, asked: at('2026-11-20T14:10:00Z') }
    const sources = [{ ...first, source: shard(0), evidence: told }, second ?? { source: shard(1) }]
    expect(asked({ sources }, '2026-11-20T14:10:30Z')).toEqual([1])
    const moved = { source: shard(1), since: at('2026-11-20T14:09:59Z') }
    expect(asked({ sources: [moved] }, '2026-11-20T14:10:30Z')).toEqual([])
  })

  test('by its reader only', () => {
    expect(decideEvidence(factsOf(log(), at('2026-11-20T14:15:00Z')), [shard(0)])).toEqual([])
  })

  test('never before the log knows it', () => {
    const known = log()
    const facts = factsOf(
      { ...known, sources: known.sources?.slice(0, 1) ?? [] },
      at('2026-11-20T14:15:00Z'),
      {
        metadata: { sources: owned, missingTopics: [], askedAtMs: at('2026-11-20T14:15:00Z') },
      },
    )
    expect(decideEvidence(facts, owned)).toEqual([])
  })

  test('not when no partition waits', () => {
    const announced: PlantedLog = {
      ...log(),
      partitions: { app_events: [{ partition: thirteen, place: 'announced' }] },
      announcedNext: { app_events: thirteen.nextMs },
    }
    expect(asked(announced, '2026-11-20T14:20:00Z')).toEqual([])
  })

  test('when known records wait and nothing was committed for a while, to show who reads', () => {
    const facts = factsOf(log(), at('2026-11-20T14:06:00Z'), {
      ends: new Map([
        [
          sourceKey(shard(1)),
          {
            source: shard(1),
            highWatermark: nextOffset(70n),
            askedAtMs: at('2026-11-20T14:06:00Z'),
          },
        ],
      ]),
    })
    expect(decideEvidence(facts, owned)).toEqual([shard(1)])
  })
})
