import { assert } from '../base/assert.ts'
import type { LakePartition } from './lake-partition.ts'

/** Stream name under which events are counted that belong to no configured stream. */
export const unknownStream = '_unknown'

/** What became of the events of one input stream and one partition of event time. */
export interface Counts {
  readonly read: number
  readonly written: number
  /** By reason. */
  readonly filtered: Readonly<Record<string, number>>
  /** Events that the late policy kept out of the table. */
  readonly late: number
  /** By fault code or reason. */
  readonly deadLettered: Readonly<Record<string, number>>
  /** Of `written`, those that came after the partition's announcement. */
  readonly lateAppended: number
}

/** Counts of one stream and partition. Streams partitioned by day have one cell a day. */
export interface CountCell {
  readonly stream: string
  readonly partition: LakePartition
  readonly counts: Counts
}

export const zeroCounts: Counts = {
  read: 0,
  written: 0,
  filtered: {},
  late: 0,
  deadLettered: {},
  lateAppended: 0,
}

const total = (byReason: Readonly<Record<string, number>>): number =>
  Object.values(byReason).reduce((sum, count) => sum + count, 0)

export const filteredTotal = (counts: Counts): number => total(counts.filtered)
export const deadLetteredTotal = (counts: Counts): number => total(counts.deadLettered)

/** True when every event that was read has exactly one fate. */
export function countsAddUp(counts: Counts): boolean {
  const fates = counts.written + filteredTotal(counts) + counts.late + deadLetteredTotal(counts)
  return counts.read === fates
}

function addByReason(
  a: Readonly<Record<string, number>>,
  b: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...a }
  for (const [reason, count] of Object.entries(b)) sum[reason] = (sum[reason] ?? 0) + count
  return sum
}

/** The sum of two cells' counts. */
export function addCounts(a: Counts, b: Counts): Counts {
  assert(countsAddUp(a) && countsAddUp(b), 'counts that are added add up')
  return {
    read: a.read + b.read,
    written: a.written + b.written,
    filtered: addByReason(a.filtered, b.filtered),
    late: a.late + b.late,
    deadLettered: addByReason(a.deadLettered, b.deadLettered),
    lateAppended: a.lateAppended + b.lateAppended,
  }
}
