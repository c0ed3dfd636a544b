import type { DurationMs, MonotonicMs, UnixMs } from '../../src/base/time.ts'
import { unixMs } from '../../src/base/time.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { SimClock } from './clock.ts'

const never = (): Promise<never> => new Promise(() => {})

/** The clock of one process: it wakes nobody who died, nor anybody of one who is paused. */
export class Life implements Clock {
  alive = true
  readonly died: Promise<void>
  readonly #clock: SimClock
  #die: () => void = () => {}
  #paused: PromiseWithResolvers<void> | undefined
  #jumpedMs = 0

  constructor(clock: SimClock) {
    this.#clock = clock
    this.died = new Promise((resolve) => {
      this.#die = resolve
    })
  }

  get paused(): boolean {
    return this.#paused !== undefined
  }

  end(): void {
    this.alive = false
    this.#die()
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers()
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = undefined
  }

  /** Sets the machine's wall clock forward, or back when negative. */
  jump(spanMs: number): void {
    this.#jumpedMs += spanMs
  }

  /** Resolves when the process runs. */
  async awake(): Promise<void> {
    while (this.#paused !== undefined) await this.#paused.promise
  }

  nowMs(): UnixMs {
    return unixMs(this.#clock.nowMs() + this.#jumpedMs)
  }

  monotonicMs(): MonotonicMs {
    return this.#clock.monotonicMs()
  }

  async sleep(span: DurationMs, signal?: AbortSignal): Promise<void> {
    if (!this.alive) return never()
    await this.#clock.sleep(span, signal)
    if (this.#paused !== undefined) await this.awake()
    return this.alive ? undefined : never()
  }
}
