import type { Clock } from '../ports/clock.ts'
import type { EtlBatch, EtlModule, EtlOutcome } from '../ports/etl-module.ts'
import type { Metrics } from '../ports/telemetry.ts'

export interface ModuleTiming {
  readonly stream: string
  readonly clock: Clock
  readonly metrics: Metrics
}

/** A module that tells how long its batches took, all together. */
export class TimedModule implements EtlModule {
  readonly #module: EtlModule
  readonly #timing: ModuleTiming
  #tookMs = 0

  constructor(module: EtlModule, timing: ModuleTiming) {
    this.#module = module
    this.#timing = timing
  }

  async run(batch: EtlBatch): Promise<EtlOutcome> {
    const { stream, clock, metrics } = this.#timing
    const beganMs = clock.monotonicMs()
    try {
      return await this.#module.run(batch)
    } finally {
      this.#tookMs += clock.monotonicMs() - beganMs
      metrics.gauge('lakeward_etl_seconds', this.#tookMs / 1_000, { stream })
    }
  }

  close(): Promise<void> {
    return this.#module.close()
  }
}
