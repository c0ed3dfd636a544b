/**
 * How late timers of this process fire: what a stretch of work on the event loop costs the others.
 *
 * Source: Node.js, `perf_hooks.monitorEventLoopDelay`.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const resolutionMs = 10
const nanosecondsPerSecond = 1e9

export class EventLoopDelay {
  readonly #histogram = monitorEventLoopDelay({ resolution: resolutionMs })

  constructor() {
    this.#histogram.enable()
  }

  /** The longest delay since this was asked last, in seconds; 0 when nothing was measured. */
  longestSeconds(): number {
    const seconds = this.#histogram.max / nanosecondsPerSecond - resolutionMs / 1_000
    this.#histogram.reset()
    return Math.max(0, Number.isFinite(seconds) ? seconds : 0)
  }

  stop(): void {
    this.#histogram.disable()
  }
}
