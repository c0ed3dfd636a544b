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
import { sourceKey } from '../model/topic-partition.ts'
import type { Block } from './readiness-blocks.ts'
import type { ReadinessFacts } from './readiness-facts.ts'

export interface BlockSeen {
  readonly block: Block
  /** Those that were found before. */
  readonly known: readonly Block[]
  /** This process has committed since: others may have, while it published. */
  readonly isNudged: boolean
}

/** Whether the log may hold by now what this block waits for, or what belies it. */
export function mayBeOutdated(
  facts: Pick<ReadinessFacts, 'assigned'>,
  { block, known, isNudged }: BlockSeen,
): boolean {
  const before = known.find(({ stream }) => stream === block.stream)
  if (block.rule === 'unassigned' && before?.rule !== 'unassigned') return true
  const isOthers = block.at !== undefined && !facts.assigned?.has(sourceKey(block.at.source))
  return isNudged && isOthers
}

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
