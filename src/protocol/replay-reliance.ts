/** What a replay of late letters relies on. Called by `brokenReliance`. */
import type { FoldState } from '../model/fold-state.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import { type LetterReplay, lettersIn } from '../model/letter-replay.ts'
import type { AppendEntry } from '../model/log-entry.ts'
import { type BrokenReliance, broken } from './broken-reliance.ts'
import { isClosed } from './fold-closed.ts'
import { newStream } from './new-stream.ts'
import { letterDays, replaysOf, standingDays, takenBack, unitKey } from './replay.ts'

/** Undefined also for an append that is no replay. */
export function brokenReplay(state: FoldState, entry: AppendEntry): BrokenReliance | undefined {
  const { replay } = entry
  if (replay === undefined) return undefined
  return malformedReplay(entry, replay) ?? brokenUnits(state, replay) ?? brokenCells(state, entry)
}

function malformedReplay(
  { ranges, body }: AppendEntry,
  { why, letters }: LetterReplay,
): BrokenReliance | undefined {
  if (why.trim() === '') return broken('malformed', 'it gives no reason')
  if (ranges.length + body.progress.length + body.evidence.length > 0) {
    return broken('malformed', 'it takes letters in and moves positions or watermarks')
  }
  const seen = new Set<string>()
  let taken = 0
  for (const unit of letters) {
    const key = unitKey(unit)
    if (seen.has(key)) return broken('malformed', `late letters of ${key} stand twice`)
    if (unit.cells.some(({ count }) => count < 1)) {
      return broken('malformed', `it takes none of the letters of ${key}`)
    }
    seen.add(key)
    taken += lettersIn(unit)
  }
  const read = body.counts.reduce((sum, { counts }) => sum + counts.read, 0)
  if (taken > 0 && taken === read) return undefined
  return broken('malformed', `it takes ${taken} letters in and counts ${read} events`)
}

/** Each once, whoever asks: the day of the letters says so for as long as it stands. */
function brokenUnits(state: FoldState, { letters }: LetterReplay): BrokenReliance | undefined {
  const standing = standingDays(state)
  const spent = replaysOf(letterDays(state))
  for (const unit of letters) {
    const name = `late letters of ${unitKey(unit)}`
    const before = spent.get(unitKey(unit))
    if (before !== undefined) {
      return broken('range-moved', `${name} were taken in by entry ${before.entry}`)
    }
    if (!standing.has(unit.day)) return broken('place-changed', `${name}: ${unit.day} is closed`)
  }
  return undefined
}

function brokenCells(state: FoldState, entry: AppendEntry): BrokenReliance | undefined {
  const cells = Map.groupBy(takenBack(entry), ({ stream, partition }) =>
    JSON.stringify([stream, partition.path]),
  )
  for (const [key, taken] of cells) {
    const count = taken.reduce((sum, cell) => sum + cell.count, 0)
    const held = Math.max(0, ...taken.map((cell) => lateIn(state, cell.stream, cell.partition)))
    if (count <= held) continue
    return broken('malformed', `${key}: ${held} late events are counted, it takes ${count}`)
  }
  return undefined
}

/** Late events that the fold holds for a partition; of a closed one those of all closed ones. */
function lateIn({ streams }: FoldState, name: string, partition: LakePartition): number {
  const stream = streams.get(name) ?? newStream
  const known = stream.partitions.get(partition.path)
  if (known !== undefined) return known.counts.late
  if (stream.closed === undefined) return 0
  return isClosed(stream, partition) ? stream.closed.counts.late : 0
}
