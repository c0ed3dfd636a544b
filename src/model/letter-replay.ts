/** Dead letters of late events that are taken in again, by an operator's word. */
import type { UnixMs } from '../base/time.ts'
import type { CommitId } from './ids.ts'
import type { LakePartition, PartitionPath } from './lake-partition.ts'

/**
 * All late letters of one stream that one commit left. Both stand in each row of the table, so
 * that no swap of its files gives them another name.
 */
export interface LetterUnit {
  /** Partition of the dead letters' table in which they lie. */
  readonly day: PartitionPath
  readonly commitId: CommitId
  readonly stream: string
}

/**
 * What an append takes in again of one unit.
 *
 * Relies on: its day stands in the fold, no day says that it was taken in, and each partition has
 * as many late events counted.
 */
export interface ReplayedLetters extends LetterUnit {
  readonly cells: readonly LetterCell[]
}

/** Letters of a unit that were counted as late events of one partition. */
export interface LetterCell {
  readonly partition: LakePartition
  readonly count: number
}

export interface LetterReplay {
  /** An operator's words. */
  readonly why: string
  readonly letters: readonly ReplayedLetters[]
}

/** A record of letters that are to be taken in again, as Kafka had it. */
export interface LetterRecord extends Pick<LetterUnit, 'commitId' | 'stream'> {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Kafka's time stamp. */
  readonly timestampMs: UnixMs
  readonly key: Uint8Array | undefined
  /** As Kafka encodes them. */
  readonly headers: Uint8Array | undefined
  readonly value: Uint8Array
  /** Times of the events that are wanted, by position within it; the others have their fate. */
  readonly eventMs: ReadonlyMap<number, UnixMs>
}

/** A unit as it lies on the lake. */
export interface StoredLetters extends LetterUnit {
  /** Paths of the files with letters of it. */
  readonly paths: readonly string[]
  /** Of these files, which may hold others too. */
  readonly sizeBytes: number
  readonly count: number
}

export const lettersIn = ({ cells }: Pick<ReplayedLetters, 'cells'>): number =>
  cells.reduce((sum, { count }) => sum + count, 0)
