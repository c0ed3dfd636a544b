import { expect, test } from 'vitest'
import { type Blow, blocksOn, planBlow } from '../../chaos/plan.ts'
import { SimRandom } from '../../sim/random.ts'
import { commitPhases } from '../../support/commit-phase.ts'

function play(killsWanted: number, seed: number, done: readonly Blow[] = []): readonly Blow[] {
  const random = new SimRandom(seed)
  const blows = [...done]
  while (blows.length < killsWanted) {
    blows.push(planBlow(blows, killsWanted, () => random.fraction()))
  }
  return blows
}

const seeds = Array.from({ length: 50 }, (_, index) => index)
const countOf = (blows: readonly Blow[], kind: Blow['kind']): number =>
  blows.filter((blow) => blow.kind === kind).length

test.each([3, 6, 10, 23, 100])(
  'of %i kills at least a tenth are pauses, as many the broker',
  (n) => {
    for (const seed of seeds) {
      const blows = play(n, seed)
      expect(countOf(blows, 'pause')).toBe(Math.ceil(n / 10))
      expect(countOf(blows, 'broker')).toBe(Math.ceil(n / 10))
      expect(blows.length).toBe(n)
    }
  },
)

test('a run that is resumed with more kills has a tenth of pauses as well', () => {
  for (const seed of seeds) {
    for (const first of [7, 14, 20]) {
      const blows = play(40, seed + 1, play(first, seed))
      expect(countOf(blows, 'pause')).toBeGreaterThanOrEqual(4)
    }
  }
})

test('a phase that was missed is planned again until it is hit', () => {
  const random = new SimRandom(1)
  const blows: Blow[] = []
  for (let tried = 0; tried < 60; tried++) {
    const wanted = planBlow(blows, 60, () => random.fraction())
    const isRare = wanted.phase === 'put in flight' && tried % 3 > 0
    blows.push(isRare ? { ...wanted, phase: 'accumulating' } : wanted)
  }
  for (const phase of commitPhases) {
    const hits = blows.filter((blow) => blow.kind === 'kill' && blow.phase === phase)
    expect(hits.length, phase).toBeGreaterThanOrEqual(2)
  }
})

test('chance decides when within ten the pause comes', () => {
  const at = new Set(seeds.map((seed) => play(10, seed).findIndex(({ kind }) => kind === 'pause')))
  expect(at.size).toBeGreaterThan(6)
})

test('on a real store workers, broker and store are hit equally often, never in a put', () => {
  for (const seed of seeds) {
    const random = new SimRandom(seed)
    const blows: Blow[] = []
    while (blows.length < 60) {
      blows.push(planBlow(blows, 60, () => random.fraction(), blocksOn.s3))
    }
    for (const kind of ['kill', 'broker', 'store'] as const) expect(countOf(blows, kind)).toBe(20)
    expect(blows.map(({ phase }) => phase)).not.toContain('put in flight')
  }
})

test('on HDFS workers, datanode and namenode are hit equally often', () => {
  for (const seed of seeds) {
    const random = new SimRandom(seed)
    const blows: Blow[] = []
    while (blows.length < 60) {
      blows.push(planBlow(blows, 60, () => random.fraction(), blocksOn.hdfs))
    }
    for (const kind of ['kill', 'datanode', 'namenode'] as const) {
      expect(countOf(blows, kind)).toBe(20)
    }
  }
})
