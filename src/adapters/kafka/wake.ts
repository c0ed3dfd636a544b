import { type DurationMs, durationMs } from '../../base/time.ts'
import type { Clock } from '../../ports/clock.ts'

/** Lets one loop sleep until its time or until somebody wakes it, whichever is first. */
export class Wake {
  readonly #clock: Clock
  #alarm = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends the sleep under way, or the next one. */
  wake(): void {
    this.#alarm.abort()
  }

  async sleep(span: DurationMs): Promise<void> {
    await this.#clock.sleep(span, this.#alarm.signal)
    if (this.#alarm.signal.aborted) this.#alarm = new AbortController()
  }
}

const backoffMsMin = 100
const backoffMsMax = 5_000

/**
 * The pause before try number `attempt` (from 1): doubles up to 5 s, then half of it by chance, so
 * that many clients do not come back at once.
 */
export function backoffMs(attempt: number, fraction = Math.random()): DurationMs {
  const whole = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(attempt - 1, 10))
  return durationMs(Math.ceil(whole / 2 + (whole / 2) * fraction))
}
