/** The gap that an announcement tells as one range, against the log below it. */
import { isoOf } from '../base/time.ts'
import { partitionPath } from '../model/lake-partition.ts'
import type { ReadyManifest, SkippedRange } from '../model/ready-manifest.ts'
import { gapOf, isInGap } from '../protocol/skipped.ts'
import { Check, type CheckResult, counted, uncheckable } from './check.ts'
import type { LogWalk } from './walk-log.ts'

/**
 * Below the first revision the gap had no rows, and nothing of it was announced. A later revision
 * tells the same gap as the one before: rows may have come to it since, and were late.
 */
export function checkSkipped(
  { stream: name, partitionPath: path, logEntry, revision, id }: ReadyManifest,
  skipped: SkippedRange,
  { base, state }: LogWalk,
): CheckResult {
  const looked = `${counted(skipped.partitions, 'partition')} in one range`
  if (logEntry < base.next) {
    const entries = `entry ${logEntry} and those below it are deleted`
    return uncheckable('skipped', `${entries}, the log is there from entry ${base.next} on`)
  }
  const check = new Check('skipped')
  const gap = gapOf(skipped)
  const stream = state.streams.get(name)
  if (revision > 1) {
    const before = stream?.partitions.get(partitionPath(path))?.manifest?.skipped
    const isSame = before?.first === skipped.first && before.next === skipped.next
    if (!isSame) check.fail(`${id} skips something else than revision ${revision - 1}`)
    return check.result(looked)
  }
  for (const { partition, files } of stream?.partitions.values() ?? []) {
    if (files.length === 0 || !isInGap(gap, partition)) continue
    check.fail(`${id} skips ${partition.path}, which has ${counted(files.length, 'file')}`)
  }
  const reachedMs = stream?.announcedNextMs
  if (reachedMs !== undefined && reachedMs > gap.firstMs) {
    check.fail(`${id} skips from ${skipped.first} on, announced was all up to ${isoOf(reachedMs)}`)
  }
  return check.result(looked)
}
