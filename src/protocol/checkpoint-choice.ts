/**
 * Whether a reader of the log may go on from what it folded, or must begin again at a checkpoint.
 *
 * Invariant: entries are deleted only at or below a checkpoint that stands. So an index that was
 * read and lies below a checkpoint may have been won again after its entry was deleted, unless the
 * checkpoint was made from the very same entries: its name says so by their checksum.
 *
 * Source: docs/protocol.md, "Checkpoints".
 */
import type { FoldState } from '../model/fold-state.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { CheckpointName } from './log-paths.ts'

export interface CheckpointFacts {
  /** Listed after the tail was read. */
  readonly names: readonly CheckpointName[]
  /** First index that was read in this round, whether an entry was there or not. */
  readonly firstRead: EntryIndex
  /** Number of entries folded. */
  readonly next: EntryIndex
  /** Whether the last look found entries. */
  readonly grown: boolean
  /** Running checksum over the entries below an index, where this round knows it. */
  readonly checksumAt: (next: EntryIndex) => string | undefined
}

export type CheckpointDecision =
  | { readonly kind: 'stay' }
  /** A checkpoint stands above the tail as we know it: its entries may be there to be read. */
  | { readonly kind: 'read-on' }
  /** Newest first. */
  | { readonly kind: 'begin-again'; readonly candidates: readonly CheckpointName[] }

/** Entries between two checkpoints of a small state, and of one however large. */
const dueEvery = { min: 8, max: 256 }
/** Partitions that a state may hold before its checkpoints become more seldom. */
const smallPartitionsMax = 4_096

/**
 * Whether a checkpoint is to be made of a state: every few entries, so that a start reads few; more
 * seldom the larger the state is, for which it costs as much to write as it saves in reading.
 */
export function isCheckpointDue({ next, streams }: Pick<FoldState, 'next' | 'streams'>): boolean {
  if (next === 0 || next % dueEvery.min !== 0) return false
  let count = 0
  for (const { partitions } of streams.values()) count += partitions.size
  let every = dueEvery.min
  for (let held = smallPartitionsMax; held < count && every < dueEvery.max; held *= 2) every *= 2
  return next % every === 0
}

export const newestFirst = (names: readonly CheckpointName[]): readonly CheckpointName[] =>
  names.toSorted((a, b) => b.next - a.next)

export function decideCheckpoint(facts: CheckpointFacts): CheckpointDecision {
  const candidates = newestFirst(facts.names.filter(({ next }) => next > facts.firstRead))
  const [newest] = candidates
  if (newest === undefined) return { kind: 'stay' }
  const beyond = newest.next > facts.next
  if (beyond && facts.grown) return { kind: 'read-on' }
  if (!beyond && candidates.some((name) => isOurs(name, newest.next, facts)))
    return { kind: 'stay' }
  return { kind: 'begin-again', candidates }
}

const isOurs = (name: CheckpointName, next: EntryIndex, facts: CheckpointFacts): boolean =>
  name.next === next && facts.checksumAt(next)?.startsWith(name.checksum16) === true
