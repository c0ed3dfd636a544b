import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
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
  /** Somebody woke the sleeper before. */
  isOver: boolean
}

/** So often the event loop has its turn, for what is real: signals, messages, rejections. */
const firingsPerTurn = 256

/** Resolves when no microtask is left: a tick comes after all of them, without the event loop. */
const drained = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve))

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
  /** A heap: the earliest first. */
  readonly #timers: Timer[] = []
  readonly #firingsMax: number
  /** One listener for each signal, however often somebody sleeps until it. */
  readonly #sleepers = new WeakMap<AbortSignal, Set<() => void>>()

  /** @param firingsMax after so many timers a run is given up; without it never. */
  constructor(startMs: number = simStartMs, firingsMax: number = Number.POSITIVE_INFINITY) {
    this.#wallOffsetMs = startMs
    this.#firingsMax = firingsMax
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
    const sleepers = signal && this.#sleepersUntil(signal)
    return new Promise((resolve) => {
      const atMs = this.#monotonicMs + Math.max(0, span)
      const fire = (): void => {
        sleepers?.delete(wake)
        resolve()
      }
      const timer: Timer = { atMs, order: this.#order++, fire, isOver: false }
      const wake = (): void => {
        timer.isOver = true
        resolve()
      }
      sleepers?.add(wake)
      this.#push(timer)
    })
  }

  #sleepersUntil(signal: AbortSignal): Set<() => void> {
    const known = this.#sleepers.get(signal)
    if (known !== undefined) return known
    const sleepers = new Set<() => void>()
    this.#sleepers.set(signal, sleepers)
    const wakeAll = (): void => {
      for (const wake of sleepers) wake()
    }
    signal.addEventListener('abort', wakeAll, { once: true })
    return sleepers
  }

  /** Runs `task` to its end, jumping over every sleep. Simulated days take real milliseconds. */
  async run<T>(task: Promise<T>): Promise<T> {
    let settled = false
    const done = task.finally(() => {
      settled = true
    })
    done.catch(() => {})
    for (let firings = 0; ; firings++) {
      if (firings % firingsPerTurn === 0) await turnOfTheLoop()
      await drained()
      let timer = settled ? undefined : this.#next()
      // What is real may be under way, and what nobody caught is told then.
      if (timer === undefined) await turnOfTheLoop()
      if (settled) return done
      timer ??= this.#next()
      if (timer === undefined) throw new Error('simulation deadlock: no timer and task not settled')
      if (firings >= this.#firingsMax) throw new Error(`simulation without end: ${firings} timers`)
      this.#monotonicMs = Math.max(this.#monotonicMs, timer.atMs)
      timer.fire()
    }
  }

  #next(): Timer | undefined {
    for (;;) {
      const timer = this.#pop()
      if (timer?.isOver !== true) return timer
    }
  }

  #push(timer: Timer): void {
    const heap = this.#timers
    let at = heap.push(timer) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!this.#swapIfEarlier(at, above)) return
      at = above
    }
  }

  #pop(): Timer | undefined {
    const heap = this.#timers
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || first === last) return first
    heap[0] = last
    for (let at = 0; ; ) {
      const left = 2 * at + 1
      const below = isEarlier(heap[left + 1], heap[left]) ? left + 1 : left
      if (!this.#swapIfEarlier(below, at)) return first
      at = below
    }
  }

  #swapIfEarlier(below: number, above: number): boolean {
    const lower = this.#timers[below]
    const upper = this.#timers[above]
    if (lower === undefined || upper === undefined || !isEarlier(lower, upper)) return false
    this.#timers[below] = upper
    this.#timers[above] = lower
    return true
  }
}

const isEarlier = (one: Timer | undefined, other: Timer | undefined): boolean =>
  one !== undefined &&
  other !== undefined &&
  (one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order))
