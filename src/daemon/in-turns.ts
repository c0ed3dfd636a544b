import { durationMs } from '../base/time.ts'
import type { Clock } from '../ports/clock.ts'

/** Heartbeats, answers and health checks wait so long, and for one step of the work, at most. */
const turnMs = 10

/**
 * Runs work that consists of steps, and lets others have their turn between two of them whenever
 * it has taken a while.
 *
 * @returns what the work returns. @throws what it throws.
 */
export async function inTurns<T>(clock: Clock, steps: Iterator<void, T>): Promise<T> {
  let beganMs = clock.monotonicMs()
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    if (clock.monotonicMs() - beganMs < turnMs) continue
    await clock.sleep(durationMs(0))
    beganMs = clock.monotonicMs()
  }
}
