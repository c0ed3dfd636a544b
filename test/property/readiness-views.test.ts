import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PersistentMap } from '../../src/base/persistent-map.ts'
import { unixMs } from '../../src/base/time.ts'
import type { FoldedEvidence, FoldedPosition, FoldedProgress } from '../../src/model/fold-state.ts'
import { commitIdOf } from '../../src/model/ids.ts'
import { nextOffset } from '../../src/model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../../src/model/topic-partition.ts'
import type { ReadinessFacts, ReadyStream } from '../../src/protocol/readiness-facts.ts'
import { streamViewsOf, viewsOf } from '../../src/protocol/readiness-views.ts'
import { appEvents, factsOf, lane, sourceNamed, writerA } from '../support/readiness-world.ts'

const places = 40

/** What an entry of the log may change, and what the brokers may say. */
type Change =
  | { readonly kind: 'rows' | 'position' | 'evidence' | 'forgotten'; readonly at: number }
  | { readonly kind: 'metadata'; readonly count: number }
  | { readonly kind: 'map-of-another-kind' | 'stream-gone' }

const at = fc.nat({ max: places - 1 })
const changes: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('rows' as const), at }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('position' as const), at }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('evidence' as const), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forgotten' as const), at }) },
  fc.record({ kind: fc.constant('metadata' as const), count: fc.integer({ min: 1, max: places }) }),
  fc.constantFrom({ kind: 'map-of-another-kind' as const }, { kind: 'stream-gone' as const }),
)

/** A log state that grows by changes. */
class World {
  readonly #all = Array.from({ length: places }, (_, partition) => sourceNamed('events', partition))
  #sources: readonly SourcePartition[] = this.#all.slice(0, 8)
  #progress: ReadonlyMap<SourceKey, FoldedProgress> | undefined
  #positions = PersistentMap.empty<SourceKey, FoldedPosition>()
  #evidence = PersistentMap.empty<SourceKey, FoldedEvidence>()
  #nowMs = 1_000

  act(change: Change): void {
    this.#nowMs += 1
    const nowMs = unixMs(this.#nowMs)
    if (change.kind === 'metadata') this.#sources = this.#all.slice(0, change.count)
    if (change.kind === 'stream-gone') this.#progress = undefined
    if (change.kind === 'map-of-another-kind') this.#progress = new Map(this.#progress)
    if (!('at' in change)) return
    const source = this.#all[change.at] ?? sourceNamed('events', 0)
    const key = sourceKey(source)
    const before = PersistentMap.of<SourceKey, FoldedProgress>(this.#progress ?? new Map())
    if (change.kind === 'rows') {
      this.#progress = before.with(key, { source, eventWatermarkMs: nowMs, rowsAtMs: nowMs })
    }
    if (change.kind === 'forgotten') this.#progress = before.without(key)
    if (change.kind === 'evidence') {
      const told = { source, highWatermark: nextOffset(5n), askedAtMs: nowMs }
      this.#evidence = this.#evidence.with(key, told)
    }
    if (change.kind === 'position')
      this.#positions = this.#positions.with(key, position(source, nowMs))
  }

  facts(): ReadinessFacts {
    const facts = factsOf({}, unixMs(this.#nowMs), {
      metadata: { sources: this.#sources, missingTopics: [], askedAtMs: unixMs(0) },
    })
    const streams = new Map(facts.fold.streams)
    if (this.#progress !== undefined) {
      const partitions = PersistentMap.empty<never, never>()
      streams.set(appEvents.name, {
        progress: this.#progress,
        partitions,
        announcedNextMs: undefined,
      })
    }
    const positions = new Map([[lane, this.#positions]])
    return { ...facts, fold: { ...facts.fold, streams, positions, evidence: this.#evidence } }
  }
}

const position = (source: SourcePartition, nowMs: FoldedPosition['sinceMs']): FoldedPosition => ({
  source,
  next: nextOffset(5n),
  leaderEpoch: 0,
  commitId: commitIdOf(writerA, 1),
  sinceMs: nowMs,
  movedAtMs: nowMs,
  eventWatermarkMs: undefined,
})

test('what is kept of a stream is what would be made anew, whatever the log and the brokers say', () => {
  let compared = 0
  fc.assert(
    fc.property(fc.array(fc.array(changes, { maxLength: 4 }), { maxLength: 30 }), (turns) => {
      const world = new World()
      const stream: ReadyStream = { ...appEvents }
      for (const turn of turns) {
        for (const change of turn) world.act(change)
        const facts = world.facts()
        const kept = streamViewsOf(facts, stream)
        // Nothing is known of another stream of the same name, nor of another list of the set.
        const sources = [...(facts.metadata?.sources ?? [])]
        const metadata = facts.metadata && { ...facts.metadata, sources }
        const anew = streamViewsOf({ ...facts, metadata }, { ...stream })
        expect(kept.seen).toEqual(anew.seen)
        expect(viewsOf(facts, stream)).toEqual(anew.list)
        expect(streamViewsOf(facts, stream)).toBe(kept)
        compared += kept.list.length
      }
    }),
    { numRuns: 300 },
  )
  expect(compared).toBeGreaterThan(1_000)
})
