/** What nobody read of topic-partitions: it was gone, or given up by an operator. */
import type { ProducedEvent } from '../daemon-events.ts'
import type { JudgedLog } from './log.ts'
import type { SourceEntry } from './log-entry.ts'

type SourceMove = SourceEntry['moves'][number]

/** Offsets that nobody reads any more: `[first, next)`. */
export interface Move {
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
}

/** What operators moved, and what was gone before anybody began to read. */
export function movesOf({ entries }: JudgedLog): readonly Move[] {
  const decided = entries.flatMap((at) => (at.decided ? [at.entry] : []))
  const moves = decided.flatMap((entry) => (entry.kind === 'source' ? entry.moves : []))
  const starts = decided.flatMap((entry) => (entry.kind === 'append' ? entry.ranges : []))
  return [
    ...moves.flatMap((move) => moveOf(move)),
    ...starts.flatMap((range) =>
      range.expected === null && range.next !== '0' ? moveOf({ ...range, expected: '0' }) : [],
    ),
  ]
}

function moveOf({ source, expected, next }: Pick<SourceMove, 'source' | 'expected' | 'next'>) {
  if (expected === null || next === null) return []
  return [{ partition: source.partition, first: BigInt(expected), next: BigInt(next) }]
}

export const isGivenUp = (
  moves: readonly Move[],
  { partition, offset }: Pick<ProducedEvent, 'partition' | 'offset'>,
): boolean =>
  moves.some((move) => move.partition === partition && offset >= move.first && offset < move.next)

/**
 * Nothing is given up that could still be read.
 *
 * @param starts first offset that the brokers have in the end, by partition.
 */
export const wrongMoves = (starts: readonly bigint[], moves: readonly Move[]): readonly string[] =>
  moves.flatMap(({ partition, first, next }) => {
    const start = starts[partition] ?? 0n
    if (first < next && next <= start) return []
    return [`${partition} is moved from ${first} to ${next}, it begins at ${start}`]
  })
