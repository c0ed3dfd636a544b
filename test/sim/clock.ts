import { setImmediate as drainMicrotasks } from 'node:timers/promises'
import {
  type DurationMs,
  type MonotonicMs,
  monotonicMs,
  type UnixMs,
  unixMs,
} from '../../src/base/time.ts'
import type { Clock } from '../../src/ports/clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

/** Where simulated time begins: 2026-11-20T00:00:00.000Z. */
const simStartMs = Date.UTC(2026, 10, 20)

/**
 * A clock that moves only when every task is asleep, straight to the earliest timer. The wall clock
 * can be set; the monotonic one, which everything waits by, cannot.
 */
export class SimClock implements Clock {
  #monotonicMs = 0
  #wallOffsetMs: number
  #order = 0
  #timers: Timer[] = []

  constructor(startMs: number = simStartMs) {
    this.#wallOffsetMs = startMs
  }

  nowMs(): UnixMs {
    return unixMs(Math.floor(this.#monotonicMs + this.#wallOffsetMs))
  }

  monotonicMs(): MonotonicMs {
    return monotonicMs(this.#monotonicMs)
  }

  /** Sets the wall clock forward, or back when negative. */
  jumpMs(span: number): void {
    this.#wallOffsetMs += span
  }

  sleep(span: DurationMs, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      const atMs = this.#monotonicMs + Math.max(0, span)
      const timer: Timer = { atMs, order: this.#order++, fire: resolve }
      const wake = (): void => {
        this.#timers = this.#timers.filter((other) => other !== timer)
        resolve()
      }
      signal?.addEventListener('abort', wake, { once: true })
      this.#timers.push(timer)
      this.#timers.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
    })
  }

  /** Runs `task` to its end, jumping over every sleep. Simulated days take real milliseconds. */
  async run<T>(task: Promise<T>): Promise<T> {
    let settled = false
    const done = task.finally(() => {
      settled = true
    })
    done.catch(() => {})
    for (;;) {
      await drainMicrotasks()
      if (settled) return done
      const timer = this.#timers.shift()
      if (timer === undefined) throw new Error('simulation deadlock: no timer and task not settled')
      this.#monotonicMs = Math.max(this.#monotonicMs, timer.atMs)
      timer.fire()
    }
  }
}
