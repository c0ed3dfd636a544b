/**
 * What a decided replay changes: letters of late events that were taken in again.
 *
 *     letters in the table ──replay──▶ spent: their day says so, until it is closed and after
 *
 * Invariants:
 * - a unit, all late letters of one stream that one commit left, is taken in at most once;
 * - no event is counted twice: what a replay takes in is taken out of where it was counted late;
 * - a unit that was taken in, or whose day is closed, never can be again, nor can one of a day
 *   before a closed one.
 *
 * Source: docs/adr/0035-replay-of-late-letters.md.
 */
import { present } from '../base/assert.ts'
import { PersistentMap } from '../base/persistent-map.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import type { FoldedPartition, FoldedReplay, FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { LakePartition, PartitionPath } from '../model/lake-partition.ts'
import { type LetterReplay, type LetterUnit, lettersIn } from '../model/letter-replay.ts'
import type { AppendEntry, EntryIndex } from '../model/log-entry.ts'
import { newStream } from './new-stream.ts'

/** A unit as one word. */
export const unitKey = ({ commitId, stream }: Pick<LetterUnit, 'commitId' | 'stream'>): string =>
  `${commitId} ${stream}`

/** Late events that a replay takes out of where they were counted, cell by cell. */
export const takenBack = ({
  replay,
}: Pick<AppendEntry, 'replay'>): readonly {
  readonly stream: string
  readonly partition: LakePartition
  readonly count: number
}[] =>
  replay?.letters.flatMap(({ stream, cells }) => cells.map((cell) => ({ stream, ...cell }))) ?? []

/** Days of dead letters that the state holds, the oldest first. */
export const letterDays = ({ streams }: FoldState): readonly FoldedPartition[] =>
  [...(streams.get(deadLetterStream) ?? newStream).partitions.values()].sort(
    (a, b) => a.partition.startMs - b.partition.startMs,
  )

/**
 * Paths of the days whose letters can be taken in. Letters that come after their day was closed
 * open it anew, without what it said: what is closed, or older, stays so for replays.
 */
export function standingDays(state: FoldState): ReadonlySet<PartitionPath> {
  const { closed } = state.streams.get(deadLetterStream) ?? newStream
  const days = letterDays(state).filter(
    ({ partition }) => closed === undefined || partition.nextMs > closed.nextMs,
  )
  return new Set(days.map(({ partition }) => partition.path))
}

/** By `unitKey`. */
export const replaysOf = (days: readonly FoldedPartition[]): ReadonlyMap<string, FoldedReplay> =>
  new Map(days.flatMap(({ replayed = [] }) => replayed.map((one) => [unitKey(one), one] as const)))

/** Those of the units that can still be taken in. */
export function takeable<U extends LetterUnit>(
  state: FoldState,
  units: readonly U[],
): readonly U[] {
  const standing = standingDays(state)
  const spent = replaysOf(letterDays(state))
  return units.filter((unit) => standing.has(unit.day) && !spent.has(unitKey(unit)))
}

/**
 * True when a unit can never be taken in again, over a fold made after staging for it was seen: the
 * fold knew its day then.
 */
export const unitHasPassed = (state: FoldState, unit: LetterUnit): boolean =>
  takeable(state, [unit]).length === 0

/** Notes what was taken in; who closes a day meanwhile has another version. */
export function withReplayed(
  state: FoldState,
  entry: EntryIndex,
  version: CommitId,
  { letters }: LetterReplay,
): FoldState {
  const table = present(state.streams.get(deadLetterStream), 'letters taken in are of a day')
  let partitions = PersistentMap.of(table.partitions)
  for (const [day, ofDay] of Map.groupBy(letters, (unit) => unit.day)) {
    const known = present(partitions.get(day), 'letters taken in are of a day that stands')
    const fresh = ofDay.map(({ commitId, stream, cells }): FoldedReplay => {
      return { commitId, stream, count: lettersIn({ cells }), entry }
    })
    const replayed = [...(known.replayed ?? []), ...fresh]
    partitions = partitions.with(day, { ...known, version, replayed })
  }
  const streams = PersistentMap.of(state.streams)
  return { ...state, streams: streams.with(deadLetterStream, { ...table, partitions }) }
}
