import { type MonotonicMs, monotonicMs } from '../base/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'

const firstPauseMs = 1_000
const pauseMsMax = 300_000

/** A stream whose last call failed. */
interface Failing {
  /** In a row, from 1. */
  readonly failures: number
  readonly retryAtMs: MonotonicMs
  readonly error: string
}

/** Which streams' calls to one target fail, and when each may be made again. */
export class BackOff {
  readonly #clock: Clock
  readonly #random: Random
  /** By stream, the latest failure last. */
  readonly #failing = new Map<string, Failing>()

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  isFailing(stream: string): boolean {
    return this.#failing.has(stream)
  }

  get lastError(): string | undefined {
    return [...this.#failing.values()].at(-1)?.error
  }

  isPaused(stream: string): boolean {
    return this.#clock.monotonicMs() < (this.#failing.get(stream)?.retryAtMs ?? 0)
  }

  /** Pauses double up to five minutes; half of each is chance. @returns failures in a row. */
  failed(stream: string, error: string): number {
    const failures = (this.#failing.get(stream)?.failures ?? 0) + 1
    const fullMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(failures - 1, 20))
    const pauseMs = fullMs * (0.5 + this.#random.fraction() / 2)
    const retryAtMs = monotonicMs(this.#clock.monotonicMs() + pauseMs)
    this.#failing.delete(stream)
    this.#failing.set(stream, { failures, retryAtMs, error })
    return failures
  }

  answered(stream: string): void {
    this.#failing.delete(stream)
  }

  /** Forgets streams of which nothing waits. */
  keep(streams: ReadonlySet<string>): void {
    for (const stream of this.#failing.keys()) if (!streams.has(stream)) this.answered(stream)
  }
}
