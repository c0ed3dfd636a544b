/** The machine's own clocks. */
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import {
  type DurationMs,
  type MonotonicMs,
  monotonicMs,
  type UnixMs,
  unixMs,
} from '../../base/time.ts'
import type { Clock } from '../../ports/clock.ts'

/** Timers count in 32 bits: a longer wait would be over at once. */
const waitMaxMs = 2 ** 31 - 1

export class SystemClock implements Clock {
  nowMs(): UnixMs {
    return unixMs(Date.now())
  }

  monotonicMs(): MonotonicMs {
    return monotonicMs(performance.now())
  }

  async sleep(span: DurationMs, signal?: AbortSignal): Promise<void> {
    if (span <= 0) return turn()
    const untilMs = performance.now() + span
    for (;;) {
      if (signal?.aborted === true) return
      const leftMs = untilMs - performance.now()
      if (leftMs <= 0) return
      // The only way to fail is the signal, and then waiting is over.
      await wait(Math.min(Math.ceil(leftMs), waitMaxMs), undefined, { signal }).catch(() => {})
    }
  }
}
