/**
 * Whether a reader of the log may go on from what it folded, or must begin again at a checkpoint.
 *
 * Invariant: entries are deleted only at or below a checkpoint that stands. So an index that was
 * read and lies below a checkpoint may have been won again after its entry was deleted, unless the
 * checkpoint was made from the very same entries: its name says so by their checksum.
 *
 * Source: docs/protocol.md, "Checkpoints".
 */
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
