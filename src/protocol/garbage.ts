/**
 * Which staging may be removed: only what can never be decided, or is published already.
 *
 * Invariants:
 * - within a reset epoch positions never go back, epochs never do, and a known topic-partition
 *   never becomes unknown again, so what is garbage over one fold is garbage over every later one:
 *   an old fold cannot remove wrongly;
 * - nobody is declared dead, and age decides nothing: a dead writer's staging becomes garbage when
 *   its successor commits the same range, or an operator gives the commit up, which makes its
 *   entry void should it ever be put;
 * - a journal is written before anything that it names and removed after all of that. So what lies
 *   there without one was judged before and landed late, or is the journal on its way.
 *
 * Source: docs/protocol.md, "Cleaning up".
 */
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { AppendRange } from '../model/log-entry.ts'
import type { StagingJournal } from '../model/staging-journal.ts'
import type { SwapReliance } from '../model/swap-entry.ts'
import { sourceKey } from '../model/topic-partition.ts'
import { unitHasPassed } from './replay.ts'

export type StagingDecision =
  /** `unpublished`: decided, its files are needed. `undecided`: its entry may still be put. */
  | { readonly kind: 'keep'; readonly because: 'unpublished' | 'undecided' }
  | { readonly kind: 'garbage' }

/**
 * What to do with the staging of one commit.
 *
 * @param journal read after the staging was listed and before the log was folded; undefined when
 *   there is none.
 */
export function decideStaging(
  state: FoldState,
  commitId: CommitId,
  journal: Omit<StagingJournal, 'files'> | undefined,
): StagingDecision {
  if (state.unpublished.has(commitId)) return { kind: 'keep', because: 'unpublished' }
  if (journal === undefined || state.forgotten.has(commitId)) return { kind: 'garbage' }
  // Decided and published commits have moved their own ranges: they pass here as well.
  if (journal.ranges.some((range) => hasPassed(state, range))) return { kind: 'garbage' }
  if (journal.swap !== undefined && swapHasPassed(state, journal.swap)) return { kind: 'garbage' }
  // Those that are decided and published have taken their own letters in.
  if (journal.letters?.some((unit) => unitHasPassed(state, unit))) return { kind: 'garbage' }
  return { kind: 'keep', because: 'undecided' }
}

/** True when what the range relies on can never hold again. */
function hasPassed(state: FoldState, range: AppendRange): boolean {
  const { lane, source, expected, resetEpoch = 0 } = range
  const position = state.positions.get(lane)?.get(sourceKey(source))
  if (position === undefined) return false
  const epoch = position.resetEpoch ?? 0
  if (epoch !== resetEpoch) return epoch > resetEpoch
  return expected === undefined || position.next > expected
}

/**
 * True when what a swap relies on can never hold again: over a fold made after its journal was
 * read, which therefore knows all that the swap was planned on.
 *
 * A place does not come back, a version neither; a file that was given up is never live again.
 */
function swapHasPassed(state: FoldState, swap: SwapReliance): boolean {
  const partition = state.streams.get(swap.stream)?.partitions.get(swap.partitionPath)
  if (partition?.place !== swap.place) return true
  if (swap.place === 'announced') return partition.version !== swap.version
  const live = new Set(partition.files.map(({ path }) => path))
  return swap.inputs.some((path) => !live.has(path))
}
