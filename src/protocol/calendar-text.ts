/**
 * Partitions as people write them: "2026-11-20T13", "2026-11-20", or as their path.
 *
 * Invariant: what is parsed is a partition of the calendar; an hour that the zone skips is refused.
 * Source: docs/interfaces.md, section 1.
 */
import type { LakePartition, PartitionScheme } from '../model/lake-partition.ts'
import { calendarFirstMs, calendarLastMs, calendarOf } from './calendar.ts'

export type ParsePartitionOutcome =
  | { readonly kind: 'parsed'; readonly partition: LakePartition }
  /** `because` completes the sentence 'partition "…" is refused: '. */
  | { readonly kind: 'refused'; readonly because: string }

const shapes = [
  /^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:T(?<hour>\d{2}))?$/,
  /^dt=(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})(?:\/hour=(?<hour>\d{2}))?$/,
] as const

const refused = (because: string): ParsePartitionOutcome => ({ kind: 'refused', because })

/**
 * Reads a partition as a person wrote it.
 *
 * @param text "2026-11-20T13" or "dt=2026-11-20/hour=13" of hours, without the hour of days.
 */
export function parsePartition(text: string, scheme: PartitionScheme): ParsePartitionOutcome {
  const groups = shapes.map((shape) => shape.exec(text)?.groups).find((found) => found)
  if (groups === undefined) {
    return refused('write an hour as "2026-11-20T13", a day as "2026-11-20", or either as its path')
  }
  const { year, month, day, hour } = groups
  if (hour === undefined && scheme.by === 'hour') {
    return refused(`the stream is partitioned by hour, write "${year}-${month}-${day}T13"`)
  }
  if (hour !== undefined && scheme.by === 'day') {
    return refused(`the stream is partitioned by day, write "${year}-${month}-${day}"`)
  }
  const written = `${year}-${month}-${day}T${hour ?? '00'}:00:00.000Z`
  const labelMs = Date.parse(written)
  if (Number.isNaN(labelMs) || new Date(labelMs).toISOString() !== written) {
    return refused('there is no such date or hour')
  }
  if (labelMs < calendarFirstMs || labelMs > calendarLastMs) {
    return refused('only the years 1000 to 9999 have partitions')
  }
  const partition = calendarOf(scheme).partitionOfLabel(labelMs)
  if (partition === undefined) {
    return refused(`${scheme.timezone} skips this ${scheme.by}, its clock is set forward over it`)
  }
  return { kind: 'parsed', partition }
}

/** How people write a partition: "2026-11-20T13" for "dt=2026-11-20/hour=13". */
export const partitionName = (partition: LakePartition): string =>
  partition.path.replace(/^dt=/, '').replace('/hour=', 'T')
