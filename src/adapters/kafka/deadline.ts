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
