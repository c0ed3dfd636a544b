import type { DurationMs } from '../base/time.ts'
import type { Clock } from '../ports/clock.ts'

export interface AttemptLimits {
  readonly clock: Clock
  readonly longestMs: DurationMs
  /** Of whoever asks: when it is aborted the attempt is, too. */
  readonly signal: AbortSignal
}

/**
 * One call to the outside. Its signal is aborted when it takes too long; how it ends is the
 * call's own affair, and what it throws is thrown.
 */
export async function attempt<T>(
  { clock, longestMs, signal }: AttemptLimits,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const giving = new AbortController()
  const over = new AbortController()
  const abort = (): void => giving.abort()
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  const limit = clock.sleep(longestMs, over.signal).then(() => {
    if (!over.signal.aborted) giving.abort()
  })
  try {
    return await call(giving.signal)
  } finally {
    signal.removeEventListener('abort', abort)
    over.abort(null)
    await limit
  }
}
