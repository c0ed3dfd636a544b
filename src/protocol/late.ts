/**
 * What becomes of rows that come after their partition was announced.
 *
 *     in time ──announced──▶ late: append | divert | dead-letter ──closed──▶ append diverts too
 *
 * Invariants:
 * - pure over the fold: a row's fate follows from the log, whoever reads the row;
 * - lateness never ends, and nothing is appended to a partition that is closed;
 * - an append ends `closeAfter` after revision 1 by the time of the log's newest entry, closed or
 *   not: a trickle that never ends would keep the partition from being closed.
 *
 * Source: docs/readiness.md, "Late rows".
 */
import { type DurationMs, later, type UnixMs, unixMs } from '../base/time.ts'
import type { FoldedPartition, FoldedStream, FoldState } from '../model/fold-state.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import { isClosed } from './fold-closed.ts'
import { announcedAtOf, isAnnouncedAsItIs } from './partition-place.ts'

type LatePolicy = 'append' | 'divert' | 'dead-letter'

/** The keys `late` of a stream, as far as a row's fate goes. */
export interface LateRule {
  readonly policy: LatePolicy
  readonly closeAfterMs: DurationMs
}

/** `in-time`: into the open partition. `append`: into the announced one, for a later revision. */
export type RowFate = 'in-time' | LatePolicy

/**
 * True for a partition whose further rows are late: it is announced, or ends at or before the end
 * of one that is. A stream of our own is never announced.
 */
export const isLate = (
  stream: FoldedStream | undefined,
  { path, nextMs }: LakePartition,
): boolean => {
  if (stream === undefined) return false
  const { announcedNextMs, partitions } = stream
  if (announcedNextMs !== undefined && nextMs <= announcedNextMs) return true
  return partitions.get(path)?.place === 'announced'
}

/** Lake's clock of the newest entry, as far as writers are remembered; none in an empty log. */
export function logTimeOf({ writers }: FoldState): UnixMs | undefined {
  let newestMs: UnixMs | undefined
  for (const { lastEntryAtMs } of writers.values()) {
    if (newestMs === undefined || lastEntryAtMs > newestMs) newestMs = lastEntryAtMs
  }
  return newestMs
}

/** @param logTimeMs from `logTimeOf` the same fold. */
export function rowFateOf(
  stream: FoldedStream | undefined,
  partition: LakePartition,
  { policy, closeAfterMs }: LateRule,
  logTimeMs: UnixMs | undefined,
): RowFate {
  if (!isLate(stream, partition)) return 'in-time'
  if (policy !== 'append') return policy
  if (isClosed(stream, partition)) return 'divert'
  const folded = stream?.partitions.get(partition.path)
  const announcedAtMs = folded && announcedAtOf(folded)
  if (announcedAtMs === undefined || logTimeMs === undefined) return 'append'
  return later(announcedAtMs, closeAfterMs) <= logTimeMs ? 'divert' : 'append'
}

/** When the next revision of an announced partition is due; undefined where nothing is new. */
export function revisionDueMs(folded: FoldedPartition, everyMs: DurationMs): UnixMs | undefined {
  const { manifest } = folded
  if (manifest === undefined || isAnnouncedAsItIs(folded)) return undefined
  return later(unixMs(Date.parse(manifest.decidedAt)), everyMs)
}

const divertedBegin = '_late.'

/** Stream and table of rows that are diverted: of our own, so never announced. */
export const divertedStream = (stream: string): string => `${divertedBegin}${stream}`
export const divertedTable = (table: string): string => `${table}_late`

/** The configured stream whose rows stand in the log under this name. */
export const inputStreamOf = (stream: string): string =>
  isDiverted(stream) ? stream.slice(divertedBegin.length) : stream

/** True for a name that `divertedStream` gives. */
export const isDiverted = (stream: string): boolean => stream.startsWith(divertedBegin)
