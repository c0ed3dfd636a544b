import fc from 'fast-check'
import { expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import { checkpointName } from '../../../src/protocol/log-paths.ts'
import {
  planTrim,
  type StandingCheckpoint,
  type TrimFacts,
} from '../../../src/protocol/trim-plan.ts'

/** Checkpoints as a log has them: higher ones were put later, two may be over the same entries. */
const checkpoints: fc.Arbitrary<readonly StandingCheckpoint[]> = fc
  .array(fc.record({ by: fc.nat(40), afterMs: fc.nat(1_000), twice: fc.boolean() }), {
    maxLength: 30,
  })
  .map((steps) => {
    let [next, putAtMs] = [0, 0]
    return steps.flatMap(({ by, afterMs, twice }) => {
      next += by
      putAtMs += afterMs
      const one = (digit: string): StandingCheckpoint => ({
        ...checkpointName('growth', next, digit.repeat(64)),
        putAtMs: unixMs(putAtMs),
      })
      return twice ? [one('a'), one('b')] : [one('a')]
    })
  })

const facts: fc.Arbitrary<TrimFacts> = fc.record({
  checkpoints,
  nowMs: fc.nat(40_000).map(unixMs),
  keepMs: fc.nat(20_000).map(durationMs),
  sparseEvery: fc.integer({ min: 1, max: 200 }),
})

const levelsOf = (standing: readonly { readonly next: number }[]): readonly number[] =>
  [...new Set(standing.map(({ next }) => next))].sort((a, b) => b - a)

test('the newest two checkpoints and all entries from the older one on are never touched', () => {
  fc.assert(
    fc.property(facts, (drawn) => {
      const { base, checkpoints: removed } = planTrim(drawn)
      const [newest, older] = levelsOf(drawn.checkpoints)
      if (older === undefined) {
        expect([base, removed]).toEqual([undefined, []])
        return
      }
      expect(base?.next ?? 0).toBeLessThanOrEqual(older)
      for (const { next } of removed) expect([newest, older]).not.toContain(next)
    }),
  )
})

test('what is deleted is below a checkpoint that stays, and was folded into it long enough ago', () => {
  fc.assert(
    fc.property(facts, (drawn) => {
      const { base, checkpoints: removed } = planTrim(drawn)
      if (base === undefined) return
      expect(removed.map(({ path }) => path)).not.toContain(base.path)
      const own = drawn.checkpoints.find(({ path }) => path === base.path)
      expect((own?.putAtMs ?? 0) + drawn.keepMs).toBeLessThanOrEqual(drawn.nowMs)
    }),
  )
})

test('facts that are old plan no more than new ones do: checkpoints are only added', () => {
  fc.assert(
    fc.property(facts, fc.nat(30), fc.nat(5_000), (drawn, known, laterMs) => {
      const early = { ...drawn, checkpoints: drawn.checkpoints.slice(0, known) }
      const late = { ...drawn, nowMs: unixMs(drawn.nowMs + laterMs) }
      expect(planTrim(early).base?.next ?? 0).toBeLessThanOrEqual(planTrim(late).base?.next ?? 0)
    }),
  )
})

test('carried out again and again it comes to an end and leaves few checkpoints', () => {
  fc.assert(
    fc.property(facts, (drawn) => {
      const removed = new Set(planTrim(drawn).checkpoints.map(({ path }) => path))
      const left = drawn.checkpoints.filter(({ path }) => !removed.has(path))
      expect(planTrim({ ...drawn, checkpoints: left }).checkpoints).toEqual([])
      const spans = Math.ceil((levelsOf(left)[0] ?? 0) / drawn.sparseEvery) + 1
      expect(levelsOf(left).length).toBeLessThanOrEqual(spans + 3)
    }),
  )
})
