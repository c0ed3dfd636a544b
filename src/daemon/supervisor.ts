/**
 * Keeps a number of workers running: each that ends is started again after a while, and none of
 * them stops another.
 */
import { type DurationMs, durationMs } from '../base/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/telemetry.ts'
import type { Worker, WorkerEnd, WorkerEvent, Workers } from '../ports/workers.ts'

const restartMs = { first: 250, max: 60_000 }
/** A worker that lived this long, or has committed, begins anew in the count of failures. */
const settledMs = 60_000

/** @param failures ends in a row, at least 1. */
export const restartDelayMs = (failures: number): DurationMs =>
  durationMs(Math.min(restartMs.max, restartMs.first * 2 ** Math.min(failures - 1, 10)))

export interface SupervisorOptions {
  readonly workerCount: number
  readonly workers: Workers
  readonly clock: Clock
  readonly log: Logger
}

/** One of the workers at this moment. */
export interface WorkerState {
  readonly index: number
  /** Absent while it waits to be started again. */
  readonly worker: Worker | undefined
  readonly restarts: number
  /** How it ended last. */
  readonly lastEnd: WorkerEnd | undefined
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #states: WorkerState[]
  readonly #listeners = new Set<(event: WorkerEvent) => void>()
  /** Places whose worker has committed since it was started. */
  readonly #hasCommitted = new Set<number>()
  readonly #stopping = new AbortController()
  #done: Promise<readonly WorkerEnd[]> | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#states = Array.from({ length: options.workerCount }, (_, index) => ({
      index,
      worker: undefined,
      restarts: 0,
      lastEnd: undefined,
    }))
  }

  get states(): readonly WorkerState[] {
    return this.#states
  }

  /** Events of all workers, with `worker` among their fields. @returns how to stop listening. */
  readonly subscribe = (listener: (event: WorkerEvent) => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  start(): void {
    this.#done ??= Promise.all(this.#states.map(({ index }) => this.#keep(index)))
  }

  /** Asks all to drain and waits for them. @returns true when each ended well. */
  async stop(): Promise<boolean> {
    this.#stopping.abort()
    for (const { worker } of this.#states) worker?.stop()
    const ends = (await this.#done) ?? []
    return ends.every(({ code }) => code === 0)
  }

  /** Runs one worker after the other in a place. @returns how the last one ended. */
  async #keep(index: number): Promise<WorkerEnd> {
    const { clock } = this.#options
    let failures = 0
    let end: WorkerEnd = { code: 0, signal: null }
    while (!this.#stopping.signal.aborted) {
      const startedMs = clock.monotonicMs()
      end = await this.#runOnce(index)
      if (this.#stopping.signal.aborted) break
      const livedMs = clock.monotonicMs() - startedMs
      const isSettled = livedMs >= settledMs || this.#hasCommitted.has(index)
      failures = isSettled ? 1 : failures + 1
      const delayMs = restartDelayMs(failures)
      const fields = { worker: index, code: end.code, signal: end.signal, restartMs: delayMs }
      this.#options.log.error('worker ended', fields)
      await clock.sleep(delayMs, this.#stopping.signal)
      // What ended before all were asked to is told as ended well: nothing of it is left to drain.
      end = { code: 0, signal: null }
    }
    return end
  }

  async #runOnce(index: number): Promise<WorkerEnd> {
    const { workers, log } = this.#options
    const { restarts, lastEnd } = this.#states[index] ?? { restarts: 0, lastEnd: undefined }
    this.#hasCommitted.delete(index)
    const worker = workers.start(index, (event) => this.#tell(index, event))
    this.#states[index] = { index, worker, restarts, lastEnd }
    log.info('worker started', { worker: index, pid: worker.pid, restarts })
    const end = await worker.ended
    this.#states[index] = { index, worker: undefined, restarts: restarts + 1, lastEnd: end }
    return end
  }

  #tell(index: number, { event, fields }: WorkerEvent): void {
    if (event === 'committed') this.#hasCommitted.add(index)
    for (const listener of this.#listeners)
      listener({ event, fields: { worker: index, ...fields } })
  }
}
