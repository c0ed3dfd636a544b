/** The benchmark `contention` on a small scale: `npm run bench -- contention` has the full one. */
import { expect, test } from 'vitest'
import { summed } from '../../bench/contention/summary.ts'
import { type ContentionPlan, measureContention } from '../../bench/contention/world.ts'

const plan: ContentionPlan = {
  writerCount: 24,
  startMs: Date.UTC(2026, 10, 20),
  hours: 0.06,
  intervalMs: 60_000,
  times: { putMs: 50, readMs: 50, listMs: 50 },
  seed: 7,
  isJittered: true,
  announces: false,
}

test('writers that begin together on one log lose few races and wait for nobody', async () => {
  const { commits, discarded, racesPerCommit, commitSeconds } = summed([
    await measureContention(plan),
  ])
  expect(commits).toBeGreaterThanOrEqual(24 * 3)
  expect(discarded).toBe(0)
  expect(racesPerCommit).toBeLessThan(0.5)
  expect(commitSeconds.p99).toBeLessThan(2)
})

test('the same writers without chance meet each minute, and the measurement sees it', async () => {
  const together = { ...plan, isJittered: false }
  const { racesPerCommit, commitSeconds } = summed([await measureContention(together)])
  expect(racesPerCommit).toBeGreaterThan(2)
  expect(commitSeconds.p99).toBeGreaterThan(2)
})
