import type { Metrics } from '../ports/telemetry.ts'
import type { Block } from '../protocol/readiness-blocks.ts'
import { type ReadinessFacts, viewsOf } from '../protocol/readiness-facts.ts'
import { eventWatermarkOf } from '../protocol/watermark.ts'

/** Shows each stream's watermark and which rule blocks it; a rule that no longer does becomes 0. */
export function gaugeReadiness(
  metrics: Metrics,
  facts: ReadinessFacts,
  blocks: { readonly before: readonly Block[]; readonly after: readonly Block[] },
): void {
  for (const { stream, rule } of blocks.before) {
    metrics.gauge('lakeward_partitions_blocked', 0, { stream, rule })
  }
  for (const { stream, rule } of blocks.after) {
    metrics.gauge('lakeward_partitions_blocked', 1, { stream, rule })
  }
  for (const stream of facts.streams) {
    const watermarkMs = eventWatermarkOf(viewsOf(facts, stream))
    if (watermarkMs === undefined) continue
    const labels = { stream: stream.name }
    metrics.gauge('lakeward_event_watermark_seconds', watermarkMs / 1_000, labels)
  }
}
