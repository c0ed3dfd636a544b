import type { FoldedProgress } from '../model/fold-state.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Metrics } from '../ports/telemetry.ts'
import type { Lane } from './lane.ts'

/** Tells what a daemon holds at this moment. */
export function gaugeDaemon(metrics: Metrics, daemon: { log: CommitLog; lane: Lane }): void {
  const { log, lane } = daemon
  metrics.gauge('lakeward_open_writers', lane.openWriterCount)
  for (const [stream, bytes] of lane.bufferedByStream()) {
    metrics.gauge('lakeward_buffer_bytes', bytes, { stream })
  }
  for (const [stream, { bytesMax }] of lane.memory.streams) {
    metrics.gauge('lakeward_buffer_bytes_max', bytesMax, { stream })
    metrics.gauge('lakeward_reading_paused', lane.isStreamPaused(stream) ? 1 : 0, { stream })
  }
  for (const [stream, { progress }] of log.state.streams) {
    const watermarkMs = lowest([...progress.values()])
    if (watermarkMs === undefined) continue
    metrics.gauge('lakeward_event_watermark_seconds', watermarkMs / 1_000, { stream })
  }
}

const lowest = (progress: readonly FoldedProgress[]): number | undefined =>
  progress.length === 0
    ? undefined
    : Math.min(...progress.map(({ eventWatermarkMs }) => eventWatermarkMs))
