import type { UnixMs } from '../base/time.ts'
import type { FoldedEvidence } from '../model/fold-state.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import type { FetchedBatches } from '../ports/source.ts'
import type { Metrics } from '../ports/telemetry.ts'

/** High watermarks heard of with the newest fetch answers; they tell of lag. */
export class LagBoard {
  readonly #metrics: Metrics
  readonly #lakeNowMs: () => UnixMs
  readonly #ends = new Map<SourceKey, FoldedEvidence>()

  constructor(metrics: Metrics, lakeNowMs: () => UnixMs) {
    this.#metrics = metrics
    this.#lakeNowMs = lakeNowMs
  }

  get ends(): ReadonlyMap<SourceKey, FoldedEvidence> {
    return this.#ends
  }

  /** This part of an answer was taken in. */
  tell({ source, nextOffset, highWatermark }: FetchedBatches): void {
    const labels = { topic: source.topic, partition: String(source.partition) }
    this.#metrics.gauge('lakeward_lag_records', Number(highWatermark - nextOffset), labels)
    this.#ends.set(sourceKey(source), { source, highWatermark, askedAtMs: this.#lakeNowMs() })
  }

  /** These are not ours any more. */
  forget(sources: readonly SourcePartition[]): void {
    for (const at of sources) this.#ends.delete(sourceKey(at))
  }
}
