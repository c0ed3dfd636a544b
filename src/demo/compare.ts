/** Compares what the generator wrote down with what the log says became of it, cell by cell. */
import {
  addCounts,
  type Counts,
  deadLetteredTotal,
  filteredTotal,
  zeroCounts,
} from '../model/counts.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { LedgerCell } from './ledger.ts'

/** One cell in which ledger and log differ. */
export interface Difference {
  readonly stream: string
  readonly hour: PartitionPath
  readonly what: 'read' | 'written' | 'filtered' | 'deadLettered' | 'late'
  readonly produced: number
  readonly counted: number
}

/** What the log counts of a stream and hour. */
const countsOf = (fold: FoldState, stream: string, hour: PartitionPath): Counts =>
  fold.streams.get(stream)?.partitions.get(hour)?.counts ?? zeroCounts

/** All differences; none when every event is where it was meant to be. */
export function differencesOf(
  ledger: readonly LedgerCell[],
  fold: FoldState,
): readonly Difference[] {
  const inLedger = new Set(ledger.map(({ stream, hour }) => `${stream} ${hour}`))
  const unexpected = [...fold.streams].flatMap(([stream, { partitions }]) =>
    [...partitions.values()]
      .filter(({ counts, partition }) => {
        return counts.read > 0 && !inLedger.has(`${stream} ${partition.path}`)
      })
      .map(({ partition }) => ({ stream, hour: partition.path, ...noneProduced })),
  )
  return [...ledger, ...unexpected].flatMap((cell) => differencesOfCell(cell, fold))
}

const noneProduced = { produced: 0, valid: 0, filtered: 0, broken: 0, late: 0 }

function differencesOfCell(cell: LedgerCell, fold: FoldState): readonly Difference[] {
  const { stream, hour } = cell
  const counts = countsOf(fold, stream, hour)
  const pairs = [
    ['read', cell.produced, counts.read],
    ['written', cell.valid, counts.written],
    ['filtered', cell.filtered, filteredTotal(counts)],
    ['deadLettered', cell.broken, deadLetteredTotal(counts)],
    ['late', cell.late, counts.late],
  ] as const
  return pairs
    .filter(([, produced, counted]) => produced !== counted)
    .map(([what, produced, counted]) => ({ stream, hour, what, produced, counted }))
}

/** Sum over all streams and hours that the ledger has. */
export const totalOf = (ledger: readonly LedgerCell[], fold: FoldState): Counts =>
  ledger
    .map(({ stream, hour }) => countsOf(fold, stream, hour))
    .reduce((sum, counts) => addCounts(sum, counts), zeroCounts)
