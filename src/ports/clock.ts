import type { DurationMs, MonotonicMs, UnixMs } from '../base/time.ts'

/** The machine's time. Nothing that must be agreed upon is decided by it: see `Lake.put`. */
export interface Clock {
  nowMs(): UnixMs
  monotonicMs(): MonotonicMs
  /**
   * Resolves after `span`, or at once when `signal` is (or becomes) aborted. Never rejects. A span
   * of nothing lets others have their turn first.
   */
  sleep(span: DurationMs, signal?: AbortSignal): Promise<void>
}
