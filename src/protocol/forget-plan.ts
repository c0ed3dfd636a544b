/**
 * Which swapped-out files may be given up.
 *
 * Invariants:
 * - none while an undo may be wanted: not before `graceMs` are over since the swap;
 * - none that a receiver of announcements may still show: the partition is announced as it is, and
 *   each target has acknowledged it.
 *
 * Source: docs/protocol.md, "Swaps".
 */
import type { DurationMs, UnixMs } from '../base/time.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { ForgottenFiles } from '../model/repair-entry.ts'
import { isAnnouncedAsItIs } from './partition-place.ts'

export interface ForgetFacts {
  readonly state: FoldState
  /** The lake's clock. */
  readonly nowMs: UnixMs
  readonly graceMs: DurationMs
}

export function planForget(facts: ForgetFacts): readonly ForgottenFiles[] {
  const { state, nowMs, graceMs } = facts
  const plan: ForgottenFiles[] = []
  for (const [stream, { partitions }] of state.streams) {
    for (const partition of partitions.values()) {
      const { removed, version } = partition
      if (removed === undefined || !isTold(state, stream, partition)) continue
      const due = removed.filter(({ sinceMs }) => nowMs - sinceMs >= graceMs)
      const paths = due.map(({ file }) => file.path)
      const partitionPath = partition.partition.path
      if (paths.length > 0) plan.push({ stream, partitionPath, version, paths })
    }
  }
  return plan
}

function isTold(state: FoldState, stream: string, partition: FoldedPartition): boolean {
  if (!isAnnouncedAsItIs(partition)) return false
  const { path } = partition.partition
  return state.undelivered.every(
    ({ manifest }) => manifest.stream !== stream || manifest.partitionPath !== path,
  )
}
