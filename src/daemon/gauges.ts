import type { Metrics } from '../ports/telemetry.ts'
import type { Lane } from './lane.ts'

/** Tells what a daemon holds at this moment. */
export function gaugeDaemon(metrics: Metrics, lane: Lane): void {
  metrics.gauge('lakeward_open_writers', lane.openWriterCount)
  for (const [stream, bytes] of lane.bufferedByStream()) {
    metrics.gauge('lakeward_buffer_bytes', bytes, { stream })
  }
  for (const [stream, { bytesMax }] of lane.memory.streams) {
    metrics.gauge('lakeward_buffer_bytes_max', bytesMax, { stream })
    metrics.gauge('lakeward_reading_paused', lane.isStreamPaused(stream) ? 1 : 0, { stream })
  }
}
