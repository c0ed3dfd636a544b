/** How often each record was read: what was gone or given up not at all, some once more. */
import type { ProducedEvent } from '../daemon-events.ts'
import type { JudgedLog } from './log.ts'
import type { SourceEntry } from './log-entry.ts'

type SourceMove = SourceEntry['moves'][number]

/** Reading goes on at `next` instead of `first`: what is between is passed over, or read again. */
export interface Move {
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
  /** An operator set the position by hand. */
  readonly byHand: boolean
}

/** What operators moved, and what was gone before anybody began to read. */
export function movesOf({ entries }: JudgedLog): readonly Move[] {
  const decided = entries.flatMap((at) => (at.decided ? [at.entry] : []))
  const sources = decided.flatMap((entry) => (entry.kind === 'source' ? [entry] : []))
  const movesBy = (by: SourceEntry['action']) =>
    sources.flatMap(({ action, moves }) => (action === by ? moves : []))
  const [resets, accepted] = [movesBy('reset'), movesBy('accept')]
  const starts = decided.flatMap((entry) => (entry.kind === 'append' ? entry.ranges : []))
  return [
    ...resets.flatMap((move) => moveOf(move, true)),
    ...accepted.flatMap((move) => moveOf(move)),
    ...starts.flatMap((range) =>
      range.expected === null && range.next !== '0' ? moveOf({ ...range, expected: '0' }) : [],
    ),
  ]
}

function moveOf(
  { source, expected, next }: Pick<SourceMove, 'source' | 'expected' | 'next'>,
  byHand = false,
): readonly Move[] {
  if (expected === null || next === null) return []
  return [{ partition: source.partition, first: BigInt(expected), next: BigInt(next), byHand }]
}

type Place = Pick<ProducedEvent, 'partition' | 'offset'>

const lies = (move: Move, { partition, offset }: Place, first: bigint, next: bigint): boolean =>
  move.partition === partition && offset >= first && offset < next

/** How often a record was read in the end. */
export function timesRead(moves: readonly Move[], place: Place): number {
  const passed = moves.filter((move) => lies(move, place, move.first, move.next))
  return 1 - passed.length + timesGoneBack(moves, place)
}

/** How often reading began again at it, or before. */
export const timesGoneBack = (moves: readonly Move[], place: Place): number =>
  moves.filter((move) => lies(move, place, move.next, move.first)).length

/**
 * Nothing is given up that could still be read, but by hand.
 *
 * @param starts first offset that the brokers have in the end, by partition.
 */
export const wrongMoves = (starts: readonly bigint[], moves: readonly Move[]): readonly string[] =>
  moves.flatMap(({ partition, first, next, byHand }) => {
    const start = starts[partition] ?? 0n
    if (byHand || (first < next && next <= start)) return []
    return [`${partition} is moved from ${first} to ${next}, it begins at ${start}`]
  })
