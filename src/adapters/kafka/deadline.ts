import { durationMs } from '../../base/time.ts'
import type { Clock } from '../../ports/clock.ts'

/** Something took longer than it may. Whether it has an effect is unknown. */
export class Overdue extends Error {
  override readonly name = 'Overdue'
}

/**
 * The result of `work`, if it comes within `timeoutMs`.
 *
 * The library's pool can leave a call open for ever, for example after a connection that failed
 * before it began: nothing of ours waits on it without a bound.
 *
 * @throws {Overdue} `what` took longer. `work` goes on; what becomes of it is not heard any more.
 */
export async function withDeadline<Value>(
  clock: Clock,
  work: Promise<Value>,
  { what, timeoutMs }: { readonly what: string; readonly timeoutMs: number },
): Promise<Value> {
  const over = new AbortController()
  const overdue = clock.sleep(durationMs(timeoutMs), over.signal).then((): never => {
    throw new Overdue(`${what} took longer than ${timeoutMs} ms`)
  })
  // Of the two the loser's rejection has nobody else to hear it.
  overdue.catch(() => {})
  work.catch(() => {})
  return Promise.race([work, overdue]).finally(() => over.abort())
}

/**
 * Waits for `work`, but no longer than `timeoutMs`; it goes on then. No timer is left behind: one
 * would keep a process alive that has nothing left to do.
 *
 * @throws what `work` throws in time.
 */
export async function waitAtMost(
  clock: Clock,
  timeoutMs: number,
  work: Promise<void>,
): Promise<void> {
  try {
    await withDeadline(clock, work, { what: 'what is waited for', timeoutMs })
  } catch (error) {
    if (!(error instanceof Overdue)) throw error
  }
}
