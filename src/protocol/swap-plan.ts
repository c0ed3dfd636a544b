/**
 * Which files of a partition a swap takes and where the partition lies after, or why it must wait.
 *
 * Invariants:
 * - what is taken is published, so that nobody publishes it once more after it was deleted; a
 *   refill takes what is gone instead;
 * - after the announcement every live file is taken, or none, and into a location of its own.
 *
 * Source: docs/protocol.md, "Swaps".
 */
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { SealedSwap } from '../model/sealed-commit.ts'
import type { SwapWhy } from '../model/swap-entry.ts'
import { swappedLocation } from './log-paths.ts'
import { isAnnouncedAsItIs, isBeforeAnnouncement, locationOf } from './partition-place.ts'

export interface SwapFacts {
  readonly state: FoldState
  /** Commits that are published, though the log will say so only in this process's next entry. */
  readonly publishedHere: ReadonlySet<CommitId>
  /** Staged paths of what stands, though others of its commit do not. Absent: none is known. */
  readonly standing?: ReadonlySet<string>
  /** Of the swap. */
  readonly commitId: CommitId
  readonly why: SwapWhy
  readonly stream: string
  readonly partitionPath: PartitionPath
  /** Paths that are to be taken; undefined: every live file. */
  readonly inputs: readonly string[] | undefined
}

/** A swap but for its files and for what only its maker knows. */
type PlannedSwap = Omit<SealedSwap, 'files' | 'reason' | 'lostRowCount'>

export type SwapPlan =
  | { readonly kind: 'swap'; readonly swap: PlannedSwap; readonly inputRowCount: number }
  /** It may be possible later. `because` is for people. */
  | { readonly kind: 'wait'; readonly because: string }
  /** It cannot be. */
  | { readonly kind: 'refuse'; readonly because: string }

const wait = (because: string): SwapPlan => ({ kind: 'wait', because })
const refuse = (because: string): SwapPlan => ({ kind: 'refuse', because })

export function planSwap(facts: SwapFacts): SwapPlan {
  const { state, stream, partitionPath, why } = facts
  const known = state.streams.get(stream)?.partitions.get(partitionPath)
  if (known === undefined) return refuse('the log knows no such partition')
  const inputs = facts.inputs ?? known.files.map(({ path }) => path)
  if (inputs.length === 0) return refuse('it has no files')
  const live = new Set(known.files.map(({ path }) => path))
  const dead = inputs.find((path) => !live.has(path))
  if (dead !== undefined) return refuse(`"${dead}" is not one of its files`)
  const open = unpublishedAmong(facts, inputs)
  if (why === 'refill') {
    const grown = grownAmong(known, inputs)
    if (grown !== undefined) return refuse(`"${grown}" holds the rows of several entries`)
    if (known.place === 'announced') return refuse('it is announced: restore its files from a copy')
    return planned(facts, known, inputs)
  }
  if (open !== undefined) return wait(`"${open}" is not published yet`)
  if (why === 'undo') return planUndo(facts, known)
  if (isBeforeAnnouncement(known, { place: known.place, why, inputs })) {
    return planned(facts, known, inputs)
  }
  if (inputs.length < live.size) return refuse('it is announced: every file is swapped, or none')
  if (!isAnnouncedAsItIs(known)) return wait('a file of it is not announced yet')
  return planned(facts, known, inputs)
}

function planUndo(facts: SwapFacts, known: FoldedPartition): SwapPlan {
  const { replaced, removed = [] } = known
  if (replaced === undefined) return refuse('no swap of it can be taken back')
  const standing = new Set(removed.map(({ file }) => file.path))
  const forgotten = replaced.inputs.find((path) => !standing.has(path))
  if (forgotten !== undefined) return refuse(`"${forgotten}" was given up`)
  return planned(facts, known, replaced.outputs)
}

function planned(facts: SwapFacts, known: FoldedPartition, inputs: readonly string[]): SwapPlan {
  const { commitId, why, stream } = facts
  const { table, partition, place, replaced } = known
  const undone = why === 'undo' ? replaced : undefined
  const away = swappedLocation(table, partition.path, commitId)
  const isEarly = isBeforeAnnouncement(known, { place, why, inputs })
  const location = isEarly ? locationOf(known) : (undone?.location ?? away)
  const version = place === 'open' ? undefined : known.version
  const restored = undone?.inputs ?? []
  const swap = { commitId, why, stream, partition, place, version, inputs, restored, location }
  const taken = new Set(inputs)
  const inputRowCount = known.files
    .filter(({ path }) => taken.has(path))
    .reduce((sum, { rowCount }) => sum + rowCount, 0)
  return { kind: 'swap', swap, inputRowCount }
}

/** One of the files that grew. */
const grownAmong = ({ files }: FoldedPartition, paths: readonly string[]): string | undefined =>
  files.find(({ path, base }) => base !== undefined && paths.includes(path))?.path

/** One of the files that nobody knows as published. */
function unpublishedAmong(
  { state, publishedHere, standing }: SwapFacts,
  paths: readonly string[],
): string | undefined {
  const wanted = new Set(paths)
  for (const { commitId, files } of state.unpublished.values()) {
    if (publishedHere.has(commitId)) continue
    const open = files.find(
      ({ path, stagedPath }) => wanted.has(path) && standing?.has(stagedPath) !== true,
    )
    if (open !== undefined) return open.path
  }
  return undefined
}
