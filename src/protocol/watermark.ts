/**
 * When a topic-partition has brought everything of a stream up to a moment of event time.
 *
 * Invariants:
 * - only committed facts count: watermarks and positions as folded from the log;
 * - a topic-partition passes on its own facts, never on those of another one;
 * - what is unknown, lagging, paused or not read by anybody has not passed.
 *
 * Two ways to pass the end E of a partition:
 * - `watermark`: the stream's committed event-time watermark here is at or beyond E + delay;
 * - `caught-up`: the log holds "the leader's high watermark was X at T", all below X is committed,
 *   the stream had no rows from here during the `idle` span before T, and T is at or beyond
 *   E + delay + idle.
 *
 * Source: docs/protocol.md, section 7.
 */
import { later, type UnixMs } from '../base/time.ts'
import type { CommittedSource, ReadyStream, SourceView } from './readiness-facts.ts'

export type Passage = 'watermark' | 'caught-up'

/**
 * How a stream's rows of a topic-partition are known to be complete up to `endMs`.
 *
 * @param endMs end of a partition, event time, exclusive.
 * @returns undefined where they are not known to be complete.
 */
export function passageOf(
  stream: ReadyStream,
  view: SourceView,
  endMs: UnixMs,
): Passage | undefined {
  const watermarkMs = view.progress?.eventWatermarkMs ?? Number.NaN
  if (isPassedBy(watermarkMs, stream, endMs)) return 'watermark'
  if (idleProven(stream, view, endMs)) return 'caught-up'
  return undefined
}

/** @param watermarkMs event time; NaN passes nothing. */
export const isPassedBy = (watermarkMs: number, stream: ReadyStream, endMs: UnixMs): boolean =>
  watermarkMs >= later(endMs, stream.readyDelayMs)

function idleProven(stream: ReadyStream, view: SourceView, endMs: UnixMs): boolean {
  const askedAtMs = allReadAtMs(view)
  const quietSinceMs = quietSinceOf(view)
  if (askedAtMs === undefined || quietSinceMs === undefined) return false
  return isIdleBy(askedAtMs, stream, quietSinceMs, endMs)
}

/** @param askedAtMs of `allReadAtMs`. */
export const isIdleBy = (
  askedAtMs: UnixMs,
  stream: ReadyStream,
  quietSinceMs: UnixMs,
  endMs: UnixMs,
): boolean => askedAtMs >= idleFromMs(stream, quietSinceMs, endMs)

/** Lake's clock at which a leader told the end up to which all is committed; undefined: none. */
export function allReadAtMs({ position, evidence }: CommittedSource): UnixMs | undefined {
  if (position === undefined || evidence === undefined) return undefined
  return position.next >= evidence.highWatermark ? evidence.askedAtMs : undefined
}

/** The lake's time since when a stream had no rows from a topic-partition; undefined: unknown. */
export const quietSinceOf = (view: SourceView): UnixMs | undefined =>
  view.progress?.rowsAtMs ?? view.position?.sinceMs

/** The earliest lake time at which an answer of the leader can prove idleness up to `endMs`. */
export function idleFromMs(stream: ReadyStream, quietSinceMs: UnixMs, endMs: UnixMs): UnixMs {
  const quietForIdle = later(quietSinceMs, stream.idleMs)
  const endOver = later(later(endMs, stream.readyDelayMs), stream.idleMs)
  return quietForIdle > endOver ? quietForIdle : endOver
}

/** A stream's event-time watermark: the lowest of its topic-partitions, none where one has none. */
export function eventWatermarkOf(views: readonly SourceView[]): UnixMs | undefined {
  let lowest: UnixMs | undefined
  for (const { progress } of views) {
    if (progress === undefined) return undefined
    if (lowest === undefined || progress.eventWatermarkMs < lowest)
      lowest = progress.eventWatermarkMs
  }
  return lowest
}
