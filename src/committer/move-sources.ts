import type { SourceEntry, SourceMove } from '../model/log-entry.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { LanePositions } from '../protocol/source-judgement.ts'

/** An operator's word on where topic-partitions are read on. */
export interface SourceWord extends Pick<SourceEntry, 'action' | 'why'> {
  readonly lane: string
  /**
   * What is wanted over these positions; no moves where nothing is. Asked again where somebody
   * else's entry came between: an operator is never shown what is out of date when it is put.
   */
  readonly decide: (positions: LanePositions) => Promise<readonly SourceMove[]>
}

export type MoveOutcome =
  | { readonly kind: 'moved'; readonly entry: number; readonly moves: readonly SourceMove[] }
  | { readonly kind: 'nothing' }
  /** A daemon that commits meanwhile moved what was just looked at, each time. */
  | { readonly kind: 'overtaken' }

const triesMax = 20

/**
 * Asks, decides, puts; again while somebody else's entry comes between.
 *
 * @throws {Fault} `LAKE_…`: try again, which looks first; what `decide` throws.
 */
export async function moveSources(log: CommitLog, word: SourceWord): Promise<MoveOutcome> {
  const { action, why, lane, decide } = word
  for (let tries = 1; tries <= triesMax; tries++) {
    const moves = await decide((await log.refresh()).positions.get(lane) ?? new Map())
    if (moves.length === 0) return { kind: 'nothing' }
    const commitId = log.nextCommitId()
    const outcome = await log.put({ kind: 'source', commitId, action, why, moves })
    if (outcome.kind === 'decided') return { kind: 'moved', entry: outcome.entry, moves }
  }
  return { kind: 'overtaken' }
}
