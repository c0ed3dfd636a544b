/** What was committed lately, read backwards from the end of the log. */
import type { UnixMs } from '../base/time.ts'
import { rowsBrought } from '../model/data-file.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import { topicPartitionName } from '../model/topic-partition.ts'
import type { Lake } from '../ports/lake.ts'
import { inputStreamOf } from '../protocol/late.ts'
import { takenBack } from '../protocol/replay.ts'
import { readEntry } from './walk-log.ts'

/** Entries that are looked at, however many there are in the span. */
const entriesMax = 500

export interface RecentCommits {
  /** Rows in files, by stream. */
  readonly rows: ReadonlyMap<string, number>
  /** Events that were read, by stream. */
  readonly events: ReadonlyMap<string, number>
  /** Records whose offsets were committed, by name of the topic-partition. */
  readonly records: ReadonlyMap<string, bigint>
  /** Staging time of the oldest entry that was counted; undefined when none was. */
  readonly sinceMs: UnixMs | undefined
}

/**
 * @param next end of the log.
 * @param fromMs lake's time; entries before it are not counted.
 */
export async function readRecent(
  { lake, pipeline }: { readonly lake: Lake; readonly pipeline: string },
  next: EntryIndex,
  fromMs: UnixMs,
): Promise<RecentCommits> {
  const [rows, events] = [new Map<string, number>(), new Map<string, number>()]
  const records = new Map<string, bigint>()
  let sinceMs: UnixMs | undefined
  for (let index = next - 1; index >= Math.max(0, next - entriesMax); index--) {
    const entry = (await readEntry(lake, pipeline, index))?.entry
    if (entry === undefined || entry.stagedAtMs < fromMs) break
    if (entry.kind !== 'append') continue
    sinceMs = entry.stagedAtMs
    for (const file of entry.body.files) {
      const { stream } = file
      if (stream !== deadLetterStream) add(rows, inputStreamOf(stream), rowsBrought(file))
    }
    for (const { stream, counts } of entry.body.counts) add(events, stream, counts.read)
    // They were read before.
    for (const { stream, count } of takenBack(entry)) add(events, stream, -count)
    for (const { source, first, next: reached } of entry.ranges) {
      const name = topicPartitionName(source)
      records.set(name, (records.get(name) ?? 0n) + reached - first)
    }
  }
  return { rows, events, records, sinceMs }
}

const add = (sums: Map<string, number>, stream: string, count: number): void =>
  void sums.set(stream, (sums.get(stream) ?? 0) + count)
