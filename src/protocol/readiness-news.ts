/**
 * What a block that was found over a state folded some time ago may owe to its age.
 *
 * Invariants:
 * - a writer that puts a commit has folded all that was put before: where its own topic-partitions
 *   hold a partition back, no news of others releases it;
 * - nobody is called silent on old news;
 * - what time alone releases is decided over any state, and needs no news.
 */
import type { DataFile } from '../model/data-file.ts'
import type { FoldState } from '../model/fold-state.ts'
import { commitIdParts, type WriterId } from '../model/ids.ts'
import { type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import type { Block } from './readiness-blocks.ts'
import type { ReadinessFacts } from './readiness-facts.ts'
import { decideStart, type LanePositions } from './source-judgement.ts'

export interface BlockSeen {
  readonly block: Block
  /** The one of its stream that was found before. */
  readonly before: Block | undefined
  /** This process has committed since: others may have, while it published. */
  readonly isNudged: boolean
}

/** Whether the log may hold by now what this block waits for, or what belies it. */
export function mayBeOutdated(
  facts: Pick<ReadinessFacts, 'assigned'>,
  { block, before, isNudged }: BlockSeen,
): boolean {
  if (block.rule === 'unassigned' && before?.rule !== 'unassigned') return true
  if (!isNudged || block.at === undefined) return false
  return !facts.assigned?.has(sourceKey(block.at.source))
}

/**
 * How old the set may be that an announcement is decided on. What was added while the partition
 * waited belongs to it: its hour may be long over by then, and with it the last question.
 */
const announcedSetMsMax = 1_000

/** Whether the brokers are to be asked for the set of topic-partitions before this is believed. */
export const wantsNewSet = (facts: WhatIsKnown, { kind, blocks }: Decided): boolean => {
  const askedAtMs = facts.metadata?.askedAtMs ?? -Infinity
  const hangsOnSet = kind === 'announce' && facts.lakeNowMs - askedAtMs >= announcedSetMsMax
  return hangsOnSet || wantsBrokers(facts, blocks)
}

interface Decided {
  readonly kind: 'announce' | 'wait'
  readonly blocks: readonly Pick<Block, 'rule' | 'at'>[]
}

/** So often the brokers are asked for a set that hangs on what somebody may have done since. */
const askedAgainEachMs = 10_000

/**
 * Whether the brokers are to be asked for the set of topic-partitions before `blocks` are believed.
 *
 * A topic that is missing is asked for again now and then: somebody may create it. So is one that
 * the log reads under another id: it was made anew, and an operator may have accepted it since.
 */
export function wantsBrokers(
  { fold, lane, lakeNowMs, metadata }: WhatIsKnown,
  blocks: readonly Pick<Block, 'rule' | 'at'>[],
): boolean {
  const isOld = lakeNowMs - (metadata?.askedAtMs ?? -Infinity) >= askedAgainEachMs
  if (blocks.some(({ rule }) => rule === 'metadata' || (isOld && rule === 'topic-missing'))) {
    return true
  }
  const positions = fold.positions.get(lane) ?? new Map()
  // Many streams wait for few topic-partitions.
  const waitedFor = new Set(isOld ? blocks.map(({ at }) => at?.source) : [])
  return [...waitedFor].some((source) => source !== undefined && isAnother(positions, source))
}

/** What is read is not: asked first, since the rest looks at every topic-partition of the log. */
function isAnother(positions: LanePositions, source: SourcePartition): boolean {
  const known = positions.get(sourceKey(source))
  const isRead = known !== undefined && known.ended !== true
  return !isRead && decideStart(positions, source).kind === 'refused'
}

type WhatIsKnown = Pick<ReadinessFacts, 'fold' | 'lane' | 'lakeNowMs' | 'metadata'>

/**
 * The files of a partition that others have not told of as published, where a block says that it
 * waits for them. Whoever published them knows it, and may not know of the commit that came since.
 */
export function othersFilesOf(
  fold: FoldState,
  writerId: WriterId,
  { rule, stream, partition }: Pick<Block, 'rule' | 'stream' | 'partition'>,
): readonly DataFile[] {
  if (rule !== 'unpublished' && rule !== 'lake-refuses') return []
  const commits = [...fold.unpublished.values()].filter(
    ({ commitId }) => commitIdParts(commitId).writer !== writerId,
  )
  return commits
    .flatMap(({ files }) => files)
    .filter((file) => file.stream === stream && file.partitionPath === partition.path)
}
