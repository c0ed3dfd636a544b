import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { FoldedEvidence } from '../../src/model/fold-state.ts'
import { nextOffset } from '../../src/model/offset.ts'
import { sourceKey } from '../../src/model/topic-partition.ts'
import { type Action, type Defect, ReadinessModel, stream } from '../support/readiness-model.ts'
import { lane } from '../support/readiness-world.ts'

vi.setConfig({ testTimeout: 60_000 })

const on = fc.nat({ max: 3 })
const weighted: [number, fc.Arbitrary<readonly Action[]>][] = [
  [4, fc.nat({ max: 30 }).map((minutes) => [{ kind: 'tick', minutes }])],
  [
    4,
    fc
      .tuple(on, fc.nat({ max: 5 }))
      .map(([shard, lateMinutes]) => [{ kind: 'produce', on: shard, lateMinutes }]),
  ],
  [
    2,
    fc
      .tuple(on, fc.integer({ min: 1, max: 3 }))
      .map(([shard, records]) => [commit(shard, records)]),
  ],
  [3, on.map((shard) => [commit(shard, 1_000)])],
  [1, on.map((shard) => [{ kind: 'ask', on: shard }])],
  [1, on.map((shard) => [{ kind: 'put-evidence', on: shard }])],
  [4, on.map((shard) => prove(shard))],
  [1, fc.constant([{ kind: 'add-topic-partition' }])],
  [1, fc.constant([{ kind: 'announce' }])],
  [3, fc.constant([{ kind: 'ask-metadata' }, { kind: 'announce' }])],
]
const steps = fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })))
const commit = (shard: number, records: number): Action => ({ kind: 'commit', on: shard, records })
const prove = (shard: number): readonly Action[] => [
  { kind: 'ask', on: shard },
  { kind: 'put-evidence', on: shard },
]
const histories = fc.record({
  shardCount: fc.integer({ min: 1, max: 2 }),
  history: fc
    .array(steps, { minLength: 20, maxLength: 120, size: 'max' })
    .map((parts) => parts.flat()),
})

/** True when no partition was announced too early in this history. */
function neverTooEarly(
  { shardCount, history }: { readonly shardCount: number; readonly history: readonly Action[] },
  defect?: Defect,
): boolean {
  const model = new ReadinessModel(shardCount, defect)
  for (const action of history) model.act(action)
  return model.tooEarly.length === 0
}

/** Lets everything be read, asked and announced, as daemons do when left alone. */
function settle(model: ReadinessModel): void {
  const minutes = 90
  model.act({ kind: 'tick', minutes })
  for (const shard of model.shards.keys()) {
    for (let rounds = 0; rounds < 2; rounds++) {
      model.act({ kind: 'commit', on: shard, records: 1_000 })
    }
  }
  model.act({ kind: 'tick', minutes: 30 })
  for (const shard of model.shards.keys()) {
    model.act({ kind: 'ask', on: shard })
    model.act({ kind: 'put-evidence', on: shard })
  }
  model.act({ kind: 'ask-metadata' })
  model.act({ kind: 'announce' })
}

test('in any order of things no partition is announced before its last event is committed', () => {
  let announcedCount = 0
  const evidence = new Set<string>()
  fc.assert(
    fc.property(histories, ({ shardCount, history }) => {
      const model = new ReadinessModel(shardCount)
      for (const action of history) model.act(action)
      announcedCount += model.announced.length
      for (const { manifest } of model.announced) {
        for (const source of manifest.sources) evidence.add(source.evidence)
      }
      expect(model.tooEarly).toEqual([])
    }),
    { numRuns: 250 },
  )
  expect(announcedCount).toBeGreaterThan(50)
  expect([...evidence].sort()).toEqual(['caught-up', 'watermark'])
})

test('left alone, everything that is over is announced once, in order, with every event counted', () => {
  fc.assert(
    fc.property(histories, ({ shardCount, history }) => {
      const model = new ReadinessModel(shardCount)
      for (const action of history) model.act(action)
      settle(model)
      const paths = model.announced.map(({ partition }) => partition.path)
      expect(paths).toEqual([...new Set(paths)].sort())
      for (const { partition, manifest } of model.announced) {
        expect(manifest.rows).toBe(model.eventCountOf(partition))
      }
      const open = [...(model.fold.streams.get(stream.name)?.partitions.values() ?? [])].filter(
        ({ place }) => place === 'open',
      )
      expect(open.map(({ partition }) => partition.path)).toEqual([])
      const ends = model.announced.map(({ partition }) => partition.nextMs)
      const starts = model.announced.map(({ partition }) => partition.startMs)
      expect(starts.slice(1)).toEqual(ends.slice(0, -1))
    }),
    { numRuns: 100 },
  )
})

test('committed watermarks never fall', () => {
  fc.assert(
    fc.property(histories, ({ shardCount, history }) => {
      const model = new ReadinessModel(shardCount)
      const highest = new Map<string, number>()
      for (const action of history) {
        model.act(action)
        for (const [key, progress] of model.fold.streams.get(stream.name)?.progress ?? []) {
          expect(progress.eventWatermarkMs).toBeGreaterThanOrEqual(highest.get(key) ?? -Infinity)
          highest.set(key, progress.eventWatermarkMs)
        }
      }
    }),
    { numRuns: 50 },
  )
})

describe('the check finds a planted defect', () => {
  const caught = (defect: Defect): void => {
    const { failed } = fc.check(
      fc.property(histories, (history) => neverTooEarly(history, defect)),
      { numRuns: 2_000, endOnFailure: true, seed: 7 },
    )
    expect(failed).toBe(true)
  }

  test('the minimum over the topic-partitions seen so far instead of the set', () => {
    caught((facts) => {
      if (facts.metadata === undefined) return facts
      const seen = facts.fold.streams.get(stream.name)?.progress ?? new Map()
      const sources = facts.metadata.sources.filter((source) => seen.has(sourceKey(source)))
      return { ...facts, metadata: { ...facts.metadata, sources } }
    })
  })

  test('a count of topic-partitions instead of the set', () => {
    caught((facts) => {
      if (facts.metadata === undefined) return facts
      const known = facts.fold.positions.get(lane)
      const sources = facts.metadata.sources.filter((source) => known?.has(sourceKey(source)))
      return { ...facts, metadata: { ...facts.metadata, sources, askedAtMs: facts.lakeNowMs } }
    })
  })

  test('an end that leaves out what is appended and not yet stable', () => {
    caught((facts) =>
      withEvidence(facts, ({ source, highWatermark, askedAtMs }) => {
        const stable = highWatermark > 1n ? nextOffset(highWatermark - 1n) : highWatermark
        return { source, highWatermark: stable, askedAtMs }
      }),
    )
  })

  test('a proof of idleness taken from another topic-partition', () => {
    caught((facts) => {
      const [first] = facts.fold.evidence.values()
      if (first === undefined) return facts
      const positions = facts.fold.positions.get(lane)
      const end = positions?.get(sourceKey(first.source))?.next
      if (end === undefined || end < first.highWatermark) return facts
      return withEvidence(facts, ({ source }) => ({
        source,
        highWatermark: positions?.get(sourceKey(source))?.next ?? end,
        askedAtMs: first.askedAtMs,
      }))
    })
  })

  test('an answer taken for younger than it is', () => {
    caught((facts) => withEvidence(facts, (known) => ({ ...known, askedAtMs: facts.lakeNowMs })))
  })

  test('metadata taken for younger than it is', () => {
    caught((facts) =>
      facts.metadata === undefined
        ? facts
        : { ...facts, metadata: { ...facts.metadata, askedAtMs: facts.lakeNowMs } },
    )
  })
})

function withEvidence(
  facts: Parameters<Defect>[0],
  change: (known: FoldedEvidence) => FoldedEvidence,
): ReturnType<Defect> {
  const evidence = new Map(
    [...facts.fold.evidence].map(([key, known]) => [key, change(known)] as const),
  )
  return { ...facts, fold: { ...facts.fold, evidence } }
}
