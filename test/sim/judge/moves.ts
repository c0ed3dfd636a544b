/** How often each record was read: what was gone or given up not at all, some once more. */
import type { ProducedEvent } from '../daemon-events.ts'
import type { LogState } from './fold-state.ts'
import type { Judged } from './lake-oracle.ts'
import type { JudgedLog } from './log.ts'
import type { SourceEntry } from './log-entry.ts'

type SourceMove = SourceEntry['moves'][number]

/** Reading goes on at `next` instead of `first`: what is between is passed over, or read again. */
export interface Move {
  readonly partition: number
  readonly first: bigint
  readonly next: bigint
  /** An operator set the position by hand; or of a topic that is gone nobody knows what it held. */
  readonly isFree: boolean
}

/** What operators moved, what was gone before anybody began to read, or went with its topic. */
export function movesOf(
  { entries, state }: JudgedLog,
  recreated: Judged['recreated'],
): readonly Move[] {
  const decided = entries.flatMap((at) => (at.decided ? [at.entry] : []))
  const starts = decided
    .flatMap((entry) => (entry.kind === 'append' ? entry.ranges : []))
    .filter(({ expected }) => expected === null)
  const sources = decided.flatMap((entry) => (entry.kind === 'source' ? [entry] : []))
  const byOperators = sources.flatMap(({ action, moves }) =>
    moves.map((move) => ({ ...move, byHand: action === 'reset' })),
  )
  const all = [...starts.map((range) => ({ ...range, byHand: false })), ...byOperators]
  return [
    ...(recreated?.firsts.map((next, partition) => recreationOf(state, partition, next)) ?? []),
    ...all.flatMap((move) => moveOf(move, recreated)),
  ]
}

/** From where reading of the topic before ended, if it ever began, to the first of the new one. */
function recreationOf({ positions }: LogState, partition: number, next: bigint): Move {
  const all = [...(positions.get('lake')?.values() ?? [])]
  const ended = all.find((at) => at.source.partition === partition && at.ended === true)
  return { partition, first: BigInt(ended?.next ?? 0), next, isFree: true }
}

interface Told extends Pick<SourceMove, 'source' | 'expected' | 'next'> {
  readonly byHand: boolean
}

function moveOf(
  { source: { topicId, partition }, expected, next, byHand }: Told,
  recreated: Judged['recreated'],
): readonly Move[] {
  if (next === null) return []
  const isOfNew = topicId === recreated?.topicId
  // Nothing lies below: what is passed over there was of the topic before.
  const lowest = (isOfNew ? recreated?.firsts[partition] : undefined) ?? 0n
  const [first, last] = [BigInt(expected ?? 0), BigInt(next)].map((at) =>
    at < lowest ? lowest : at,
  ) as [bigint, bigint]
  if (first === last && (expected === null || isOfNew)) return []
  const isKnown = recreated === undefined || isOfNew
  return [{ partition, first, next: last, isFree: byHand || !isKnown }]
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
  moves.flatMap(({ partition, first, next, isFree }) => {
    const start = starts[partition] ?? 0n
    if (isFree || (first < next && next <= start)) return []
    return [`${partition} is moved from ${first} to ${next}, it begins at ${start}`]
  })

/** Of a topic that was made anew only the new one is read on. */
export const wrongTopics = (
  { positions }: LogState,
  recreated: Judged['recreated'],
): readonly string[] =>
  [...(positions.get('lake')?.values() ?? [])]
    .filter(
      ({ source, ended }) => recreated && ended !== true && source.topicId !== recreated.topicId,
    )
    .map(({ source }) => `${source.partition} of the topic before is still read`)
