import type { DurationMs } from '../base/time.ts'
import type { Clock } from '../ports/clock.ts'

/**
 * Waits for `work`, but no longer than `span`; the work goes on then, and what it throws later is
 * heard by nobody.
 *
 * @returns whether it was done in time.
 * @throws what `work` throws in time.
 */
export async function doneWithin(
  clock: Clock,
  span: DurationMs,
  work: Promise<unknown>,
): Promise<boolean> {
  // Aborted with null: for undefined an exception would be made, with its stack, for nobody.
  const over = new AbortController()
  const done = work.then(() => true)
  const overdue = clock.sleep(span, over.signal).then(() => false)
  return Promise.race([done, overdue]).finally(() => over.abort(null))
}
