import type { UnixMs } from '../base/time.ts'
import type { Announcement, EntryIndex } from '../model/log-entry.ts'
import type { Metrics, Telemetry } from '../ports/telemetry.ts'
import type { Block } from '../protocol/readiness-blocks.ts'
import type { ReadinessFacts } from '../protocol/readiness-facts.ts'
import { streamViewsOf } from '../protocol/readiness-views.ts'

type Blocked = Pick<Block, 'stream' | 'rule'>

/**
 * Each stream's watermark and which rule blocks it; a rule that no longer does becomes 0, and a
 * watermark that is not known any more, as when its topic grows, NaN.
 *
 * Only what has changed is set: of many streams most stand where they stood at the turn before.
 */
export class ReadinessGauges {
  readonly #metrics: Metrics
  #blocked: ReadonlyMap<string, Blocked> = new Map()
  /** What the watermarks that are shown came from. */
  #shown: Pick<ReadinessFacts, 'fold' | 'metadata'> | undefined
  readonly #watermarksMs = new Map<string, number>()

  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  show(facts: ReadinessFacts, blocks: readonly Blocked[]): void {
    this.#showBlocked(new Map(blocks.map((block) => [`${block.stream} ${block.rule}`, block])))
    const { fold, metadata } = facts
    if (this.#shown?.fold === fold && this.#shown.metadata === metadata) return
    this.#shown = { fold, metadata }
    for (const stream of facts.streams) {
      const lowestMs = Math.min(...streamViewsOf(facts, stream).seen.watermarksMs)
      // Of a stream without topic-partitions it is infinite.
      const watermarkMs = Number.isFinite(lowestMs) ? lowestMs : Number.NaN
      // Of what was never known nothing is shown.
      const shownMs = this.#watermarksMs.get(stream.name) ?? Number.NaN
      if (Object.is(watermarkMs, shownMs)) continue
      this.#watermarksMs.set(stream.name, watermarkMs)
      const labels = { stream: stream.name }
      this.#metrics.gauge('lakeward_event_watermark_seconds', watermarkMs / 1_000, labels)
    }
  }

  #showBlocked(after: ReadonlyMap<string, Blocked>): void {
    const before = this.#blocked
    this.#blocked = after
    for (const [name, { stream, rule }] of before) {
      if (!after.has(name)) this.#metrics.gauge(blockedGauge, 0, { stream, rule })
    }
    for (const [name, { stream, rule }] of after) {
      if (!before.has(name)) this.#metrics.gauge(blockedGauge, 1, { stream, rule })
    }
  }
}

const blockedGauge = 'lakeward_partitions_blocked'

/** Tells of an announcement that was decided; of the gap before it once, with revision 1. */
export function tellAnnounced(
  { log, metrics }: Telemetry,
  { stream, partition, manifest }: Announcement,
  entry: EntryIndex,
  lakeNowMs: UnixMs,
): void {
  const { id, reason, rows, revision, added, skipped } = manifest
  log.info('partition-announced', { id, reason, rows, added: added.length, entry })
  if (revision > 1) return
  const behindMs = lakeNowMs - partition.nextMs
  metrics.observe('lakeward_ready_delay_seconds', behindMs / 1_000, { stream })
  if (skipped === undefined) return
  metrics.count('lakeward_partitions_skipped_total', skipped.partitions, { stream })
  log.warn('partitions-skipped', { stream, ...skipped, entry })
}
