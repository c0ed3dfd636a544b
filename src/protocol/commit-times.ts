/**
 * When many writers of one log put, so that few of them meet. Pure; chance is handed in.
 *
 * Invariants:
 * - each writer keeps a place of its own in the interval, drawn when it starts: writers that a
 *   supervisor starts together, or a lake held up together, do not put together for ever;
 * - around that place each commit is moved a little, so that two neighbours do not meet each time;
 * - two commits in a row are at most the interval and twice `spreadMsMax` apart: a reader that is
 *   stuck shows itself in time, see `silentGraceMs` in readiness-blocks.ts.
 *
 * Source: docs/adr/0011-contention-on-the-log.md.
 */
import { type DurationMs, durationMs, type MonotonicMs, monotonicMs } from '../base/time.ts'

const spreadMsMax = 2_000
const spreadOfInterval = 0.1

export interface CommitTimes {
  readonly nowMs: MonotonicMs
  /** The writer's place: commits are due around this moment plus whole intervals. */
  readonly placeMs: MonotonicMs
  readonly intervalMs: DurationMs
  /** Chance, in [0, 1). */
  readonly fraction: number
}

/** When the next commit is due, if one begins at `nowMs`. */
export function nextCommitMs(times: CommitTimes): MonotonicMs {
  const { nowMs, placeMs, intervalMs, fraction } = times
  const spreadMs = Math.min(spreadMsMax, intervalMs * spreadOfInterval)
  // What is due within the spread would be a commit of nearly nothing.
  const passed = Math.ceil((nowMs + spreadMs - placeMs) / intervalMs)
  return monotonicMs(placeMs + passed * intervalMs + fraction * spreadMs)
}

const racesWithoutPause = 2
const racePauseMs = { first: 100, max: 2_000 }

/**
 * How long a writer stands aside that lost races for one entry. Two that met part at once; many
 * would all put at each index, and one of them win, so that they draw from a growing span.
 *
 * @param racesLost for this entry, in a row, at least 1.
 * @param fraction chance, in [0, 1).
 */
export function raceOverMs(racesLost: number, fraction: number): DurationMs {
  if (racesLost <= racesWithoutPause) return durationMs(0)
  const doublings = Math.min(racesLost - racesWithoutPause - 1, 16)
  return durationMs(fraction * Math.min(racePauseMs.max, racePauseMs.first * 2 ** doublings))
}
