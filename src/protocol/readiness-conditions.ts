/**
 * What a complete partition waits for besides, where its stream is configured so: rows, few dead
 * letters, other streams.
 *
 * Invariant: facts of the log only, so that `why` says the same without a daemon.
 */
import { deadLetteredTotal } from '../model/counts.ts'
import type { FoldedPartition } from '../model/fold-state.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { ReadinessFacts, ReadyStream } from './readiness-facts.ts'

type ConditionRule = 'too-few-rows' | 'dead-letters' | 'other-stream'

export interface BrokenCondition {
  readonly rule: ConditionRule
  /** With both values, or the name of the other stream. */
  readonly detail: string
}

/** The first condition that does not hold; undefined when all do. */
export function brokenCondition(
  { fold }: Pick<ReadinessFacts, 'fold'>,
  { conditions }: ReadyStream,
  partition: LakePartition,
  folded: FoldedPartition | undefined,
): BrokenCondition | undefined {
  if (conditions === undefined) return undefined
  const { rowsMin = 0, deadLettersMax = Number.POSITIVE_INFINITY, after } = conditions
  const rows = (folded?.files ?? []).reduce((sum, { rowCount }) => sum + rowCount, 0)
  if (rows < rowsMin) {
    return { rule: 'too-few-rows', detail: `${rows} rows, ready.rowsMin is ${rowsMin}` }
  }
  const letters = folded === undefined ? 0 : deadLetteredTotal(folded.counts)
  if (letters > deadLettersMax) {
    const limit = `ready.deadLettersMax is ${deadLettersMax}`
    return { rule: 'dead-letters', detail: `${letters} dead letters, ${limit}` }
  }
  const behind = after.find((name) => {
    const announcedNextMs = fold.streams.get(name)?.announcedNextMs
    return announcedNextMs === undefined || announcedNextMs < partition.nextMs
  })
  return behind === undefined ? undefined : { rule: 'other-stream', detail: behind }
}
