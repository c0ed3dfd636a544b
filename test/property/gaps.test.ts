/** Gaps of days in event time: in whatever order things come, nobody is flooded, nothing hidden. */
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { type UnixMs, unixMs } from '../../src/base/time.ts'
import { encodeCheckpoint, parseCheckpoint } from '../../src/codec/log/checkpoint.ts'
import { candidatesOf } from '../../src/protocol/readiness-candidates.ts'
import { type Action, ReadinessModel, stream } from '../support/readiness-model.ts'

vi.setConfig({ testTimeout: 60_000 })

const dayMinutes = 24 * 60
const whole: readonly Action[] = [
  { kind: 'commit', on: 0, records: 1_000 },
  { kind: 'commit', on: 1, records: 1_000 },
  { kind: 'ask', on: 0 },
  { kind: 'put-evidence', on: 0 },
  { kind: 'ask', on: 1 },
  { kind: 'put-evidence', on: 1 },
  { kind: 'ask-metadata' },
  { kind: 'announce' },
]
const on = fc.nat({ max: 1 })
const weighted: [number, fc.Arbitrary<readonly Action[]>][] = [
  [4, fc.nat({ max: 90 }).map((minutes) => [{ kind: 'tick', minutes }])],
  [2, fc.nat({ max: 10 * dayMinutes }).map((minutes) => [{ kind: 'tick', minutes }])],
  [
    5,
    fc
      .tuple(on, fc.nat({ max: 5 }))
      .map(([shard, lateMinutes]) => [{ kind: 'produce', on: shard, lateMinutes }]),
  ],
  [2, on.map((shard) => [{ kind: 'commit', on: shard, records: 1 }])],
  [4, fc.constant(whole)],
  [2, fc.constant([{ kind: 'ask-metadata' }, { kind: 'announce' }])],
  [1, fc.integer({ min: 1, max: 60 }).map((emptyRunMax) => [{ kind: 'configure', emptyRunMax }])],
]
const histories = fc
  .array(fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary }))), {
    minLength: 20,
    maxLength: 80,
    size: 'max',
  })
  .map((parts) => parts.flat())

/** What lies between announcements, as far as they do not tell of it: `[from, to)`. */
function untold({ announced }: ReadinessModel): readonly string[] {
  let reachedMs: UnixMs | undefined
  return announced.flatMap(({ partition, manifest: { skipped } }) => {
    const fromMs = skipped === undefined ? partition.startMs : unixMs(Date.parse(skipped.first))
    const isNext = reachedMs === undefined || reachedMs === fromMs
    reachedMs = partition.nextMs
    const ends = skipped === undefined || Date.parse(skipped.next) === partition.startMs
    return isNext && ends ? [] : [`before ${partition.path}`]
  })
}

/** Events of gaps that were told as being without rows, now or ever. */
const eventsInGaps = ({ announced, shards }: ReadinessModel): readonly number[] =>
  announced.flatMap(({ manifest: { skipped } }) => {
    if (skipped === undefined) return []
    const [firstMs, nextMs] = [Date.parse(skipped.first), Date.parse(skipped.next)]
    const events = shards.flatMap(({ events: of }) => of)
    return events.filter((eventMs) => firstMs <= eventMs && eventMs < nextMs)
  })

test('every hour is announced once and in time, or lies in one range that is told', () => {
  let skippedCount = 0
  let announcedCount = 0
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), histories, (emptyRunMax, history) => {
      const model = new ReadinessModel(2)
      model.act({ kind: 'configure', emptyRunMax })
      for (const action of history) model.act(action)
      expect(model.tooEarly).toEqual([])
      expect(model.floods).toEqual([])
      expect(untold(model)).toEqual([])
      expect(eventsInGaps(model)).toEqual([])
      const paths = model.announced.map(({ partition }) => partition.path)
      expect(new Set(paths).size).toBe(paths.length)
      const skips = model.announced.flatMap(({ manifest }) => manifest.skipped ?? [])
      skippedCount += skips.length
      announcedCount += paths.length
      const remembered = model.fold.streams.get(stream.name)?.skipped ?? []
      expect(remembered.map(({ firstMs }) => new Date(firstMs).toISOString())).toEqual(
        skips.map(({ first }) => first).slice(-32),
      )
    }),
    { numRuns: 200 },
  )
  expect(skippedCount).toBeGreaterThan(100)
  expect(announcedCount).toBeGreaterThan(1_000)
})

test('what comes next is the same to who folded the log and to who read a checkpoint', () => {
  let skippingCount = 0
  fc.assert(
    fc.property(histories, (history) => {
      const model = new ReadinessModel(2)
      model.act({ kind: 'configure', emptyRunMax: 5 })
      for (const action of history) {
        model.act(action)
        if (action.kind !== 'announce') continue
        const facts = model.facts()
        const fold = parseCheckpoint(encodeCheckpoint(model.fold), 'x')
        const short = { ...stream, emptyRunMax: 5 }
        const [own, read] = [facts, { ...facts, fold }].map((of) => [...candidatesOf(of, short)])
        expect(read?.map(({ partition, skips }) => [partition.path, skips])).toEqual(
          own?.map(({ partition, skips }) => [partition.path, skips]),
        )
        expect(encodeCheckpoint(fold)).toEqual(encodeCheckpoint(model.fold))
        if (fold.streams.get(stream.name)?.skipped !== undefined) skippingCount += 1
      }
    }),
    { numRuns: 60 },
  )
  expect(skippingCount).toBeGreaterThan(20)
})
