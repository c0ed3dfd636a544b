/**
 * What a decided swap changes, and what a `forget` of files does.
 *
 *     open       f1 f2 ──swap──▶ f3 live; f1 f2 given up, deleted once f3 stands
 *                                (so too a `move` of late files that no revision names yet)
 *     announced  f1 f2 --swap--> f3 live elsewhere; f1 f2 removed --undo--> f1 f2 live, f3 removed
 *                                               └──forget──▶ f1 f2 given up
 *
 * Called by `foldEntry` only, after every reliance was found to hold.
 */
import { present } from '../base/assert.ts'
import { PersistentMap } from '../base/persistent-map.ts'
import type { DataFile } from '../model/data-file.ts'
import type {
  FoldedPartition,
  FoldState,
  RemovedFile,
  ReplacedFiles,
  UnpublishedCommit,
} from '../model/fold-state.ts'
import { type CommitId, commitIdParts } from '../model/ids.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { EntryBase, EntryIndex } from '../model/log-entry.ts'
import type { ForgetEntry } from '../model/repair-entry.ts'
import type { Removal, SwapEntry } from '../model/swap-entry.ts'
import { homeLocation } from './log-paths.ts'
import {
  firstAnnouncedOf,
  isBeforeAnnouncement,
  locationOf,
  replayedOf,
} from './partition-place.ts'

export function foldSwap(state: FoldState, index: EntryIndex, entry: SwapEntry): FoldState {
  const known = state.streams.get(entry.stream)?.partitions.get(entry.partition.path)
  if (known === undefined) return state
  const isEarly = isBeforeAnnouncement(known, entry)
  const swapped = isEarly ? swappedOpen(known, entry) : swappedAway(known, entry)
  const folded = withPartition(state, entry.stream, swapped)
  const { files } = entry.body
  if (!isEarly) return withDeeds(folded, { index, entry, files, removals: [] })
  const taken = new Set(entry.inputs)
  const given = known.files.filter(({ path }) => taken.has(path))
  const removals = [...given, ...earlierTails(state, given)].map(removalOf)
  return withDeeds(withoutRecipes(folded, taken), { index, entry, files, removals })
}

/** Before the announcement a swap is itself the forget of its inputs. */
function swappedOpen(known: FoldedPartition, entry: SwapEntry): FoldedPartition {
  const taken = new Set(entry.inputs)
  const kept = known.files.filter(({ path }) => !taken.has(path))
  return withFields(known, { files: [...kept, ...entry.body.files], version: entry.commitId })
}

/** It takes every live file, and what it takes may come back. */
function swappedAway(known: FoldedPartition, entry: SwapEntry): FoldedPartition {
  const { commitId: version, stagedAtMs: sinceMs, restored, location, body } = entry
  const back = new Set(restored)
  const removed: RemovedFile[] = (known.removed ?? []).filter(({ file }) => !back.has(file.path))
  const returned = (known.removed ?? []).flatMap(({ file }) => (back.has(file.path) ? [file] : []))
  for (const file of known.files) removed.push({ file, sinceMs })
  const replaced: ReplacedFiles = {
    inputs: entry.inputs,
    outputs: body.files.map(({ path }) => path),
    location: locationOf(known),
  }
  const files = [...body.files, ...returned]
  const undone = entry.why === 'undo' ? undefined : replaced
  return withFields(known, { files, version, removed, location, replaced: undone })
}

interface SwapFields {
  readonly files: readonly DataFile[]
  readonly version: CommitId
  readonly removed?: readonly RemovedFile[]
  readonly location?: string
  readonly replaced?: ReplacedFiles | undefined
}

/** Written so that what means nothing is absent: equal states must have equal bytes. */
function withFields(known: FoldedPartition, fields: SwapFields): FoldedPartition {
  const { table, partition, place, counts, revision, manifest } = known
  const removed = fields.removed ?? known.removed ?? []
  const replaced = 'replaced' in fields ? fields.replaced : known.replaced
  const location = fields.location ?? locationOf(known)
  const isHome = location === homeLocation(table, partition.path)
  return {
    table,
    partition,
    place,
    counts,
    revision,
    manifest,
    files: fields.files,
    version: fields.version,
    ...firstAnnouncedOf(known),
    ...replayedOf(known),
    ...(isHome ? {} : { location }),
    ...(removed.length === 0 ? {} : { removed }),
    ...(replaced === undefined ? {} : { replaced }),
  }
}

/** Files that no swap brings back any more: whoever finishes this commit deletes them. */
export function foldForgottenFiles(
  state: FoldState,
  index: EntryIndex,
  entry: ForgetEntry,
): FoldState {
  let folded = state
  const removals: Removal[] = []
  for (const { stream, partitionPath, paths } of entry.files) {
    const known = partitionAt(folded, stream, partitionPath)
    if (known === undefined) continue
    const given = new Set(paths)
    const removed = (known.removed ?? []).filter(({ file }) => !given.has(file.path))
    for (const { file } of known.removed ?? []) {
      if (given.has(file.path)) removals.push(removalOf(file))
    }
    const fields = { files: known.files, version: known.version, removed }
    folded = withPartition(folded, stream, withFields(known, fields))
  }
  const taken = new Set(removals.map(({ path }) => path))
  return withDeeds(withoutRecipes(folded, taken), { index, entry, files: [], removals })
}

/** What is staged for these files besides, of tails that nobody knows as joined. */
const earlierTails = ({ unpublished }: FoldState, given: readonly DataFile[]): DataFile[] => {
  const grown = new Map(
    given.flatMap((file) => (file.base === undefined ? [] : [[file.path, file] as const])),
  )
  if (grown.size === 0) return []
  return [...unpublished.values()].flatMap(({ files }) =>
    files.filter(({ path, stagedPath }) => {
      const live = grown.get(path)
      return live !== undefined && live.stagedPath !== stagedPath
    }),
  )
}

const partitionAt = (
  state: FoldState,
  stream: string,
  path: PartitionPath,
): FoldedPartition | undefined => state.streams.get(stream)?.partitions.get(path)

function withPartition(state: FoldState, name: string, partition: FoldedPartition): FoldState {
  const stream = present(state.streams.get(name), 'a partition that is known is of a stream')
  const { path } = partition.partition
  const partitions = PersistentMap.of(stream.partitions).with(path, partition)
  const streams = PersistentMap.of(state.streams).with(name, { ...stream, partitions })
  return { ...state, streams }
}

const removalOf = ({ stream, partitionPath, path, stagedPath }: DataFile): Removal => ({
  stream,
  partitionPath,
  path,
  stagedPath,
})

interface Deeds {
  readonly index: EntryIndex
  readonly entry: EntryBase
  readonly files: readonly DataFile[]
  readonly removals: readonly Removal[]
}

/** The commit is not done before its files stand and what it gives up is gone. */
function withDeeds(state: FoldState, { index, entry, files, removals }: Deeds): FoldState {
  if (files.length === 0 && removals.length === 0) return state
  const { commitId, stagedAtMs } = entry
  const commit = { commitId, entry: index, stagedAtMs, files }
  return withUnpublished(state, removals.length === 0 ? commit : { ...commit, removals })
}

/** Remembers a commit until somebody tells that its deeds are done. */
export function withUnpublished(state: FoldState, commit: UnpublishedCommit): FoldState {
  const { commitId } = commit
  const { writer: writerId } = commitIdParts(commitId)
  const unpublished = PersistentMap.of(state.unpublished).with(commitId, commit)
  const writer = state.writers.get(writerId)
  if (writer === undefined) return { ...state, unpublished }
  const ids = [...writer.unpublished, commitId]
  const writers = PersistentMap.of(state.writers).with(writerId, { ...writer, unpublished: ids })
  return { ...state, unpublished, writers }
}

/** Forgets that a commit is unpublished. */
export function withoutUnpublished(state: FoldState, id: CommitId): FoldState {
  if (!state.unpublished.has(id)) return state
  const { writer: writerId } = commitIdParts(id)
  const writer = state.writers.get(writerId)
  const unpublished = PersistentMap.of(state.unpublished).without(id)
  if (writer === undefined) return { ...state, unpublished }
  const left = writer.unpublished.filter((other) => other !== id)
  const writers = PersistentMap.of(state.writers).with(writerId, { ...writer, unpublished: left })
  return { ...state, unpublished, writers }
}

/** What was given up needs no publishing, whoever decided it. */
function withoutRecipes(state: FoldState, taken: ReadonlySet<string>): FoldState {
  let folded = state
  for (const commit of state.unpublished.values()) {
    const files = commit.files.filter(({ path }) => !taken.has(path))
    if (files.length === commit.files.length) continue
    const isDone = files.length === 0 && commit.removals === undefined
    if (isDone) folded = withoutUnpublished(folded, commit.commitId)
    else {
      const unpublished = PersistentMap.of(folded.unpublished)
      folded = {
        ...folded,
        unpublished: unpublished.with(commit.commitId, { ...commit, files }),
      }
    }
  }
  return folded
}
