/**
 * Files that grow from commit to commit: what of each is needed for its next tail.
 *
 * Invariants:
 * - a tail is made over what the fold has, never over what was only sealed: a commit that fell
 *   leaves its file as it was before, and the next tail goes on from there;
 * - a file whose newest tail nobody has joined yet does not go on: at most one waits;
 * - what is kept is bounded: a file that does not fit any more is not gone on with.
 *
 * Source: docs/adr/0026-files-that-continue.md.
 */
import { type GrownParquet, keptBytesOf } from '../codec/parquet/grown-file.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import { growingTailsMax, growthOf } from '../protocol/growth.ts'
import { isPublishedAs, isSpilled } from '../protocol/log-paths.ts'

/** Of what is kept of all files together. */
const keptBytesMax = 64 * 1_024 * 1_024

/** Where a file's rows belong. */
export interface GrowthPlace {
  readonly stream: string
  readonly partitionPath: PartitionPath
  readonly schemaVersion: number
}

/** A sealed file as it is once its commit is decided. */
export interface SealedState extends GrowthPlace {
  readonly parquet: GrownParquet
  readonly crc32c: string
  readonly eventTimeMs: DataFile['eventTimeMs']
}

/** A file that can go on. */
export interface GrowingFile extends SealedState {
  readonly path: string
}

interface KnownFile extends SealedState {
  /** Of its newest tail. */
  readonly commitId: CommitId
  /** Place among the files of that commit, by which a new one is found in the log. */
  readonly ordinal: number
  /** Undefined of one that its commit begins: its name is the committer's. */
  readonly path: string | undefined
  readonly tailCount: number
}

export interface SettleFacts {
  readonly fold: FoldState | undefined
  /** Commits that are published, though the log will say so only in this process's next entry. */
  readonly publishedHere: ReadonlySet<CommitId>
}

export class GrowingFiles {
  /** By stream and partition: as the log had it, and as the newest commit would have it. */
  #known = new Map<string, readonly KnownFile[]>()
  #keptBytes = 0

  /** Takes from the log what became of each file. No commit is under way. */
  settle(facts: SettleFacts): void {
    const settled = new Map<string, readonly KnownFile[]>()
    this.#keptBytes = 0
    for (const [key, versions] of this.#known) {
      const file = versions.flatMap((version) => goingOn(version, facts) ?? []).at(-1)
      if (file === undefined) continue
      settled.set(key, [file])
      this.#keptBytes += keptBytesOf(file.parquet)
    }
    this.#known = settled
  }

  /** The file that rows of this place go on with; undefined: they begin a new one. */
  at(place: GrowthPlace): GrowingFile | undefined {
    const file = this.#known.get(keyOf(place))?.at(-1)
    if (file?.path === undefined || file.schemaVersion !== place.schemaVersion) return undefined
    return file.tailCount < growingTailsMax ? { ...file, path: file.path } : undefined
  }

  /**
   * What was sealed for a commit.
   *
   * @param base what it goes on with; undefined where it begins a file.
   */
  sealed(
    state: SealedState,
    commit: { readonly commitId: CommitId; readonly ordinal: number },
    base: GrowingFile | undefined,
  ): void {
    const key = keyOf(state)
    const before = this.#known.get(key) ?? []
    const addedBytes = keptBytesOf(state.parquet)
    if (this.#keptBytes + addedBytes > keptBytesMax) return
    this.#keptBytes += addedBytes
    const tailCount = base === undefined ? 0 : (before.at(-1)?.tailCount ?? 0) + 1
    this.#known.set(key, [...before, { ...state, ...commit, path: base?.path, tailCount }])
  }
}

const keyOf = ({ stream, partitionPath }: GrowthPlace): string =>
  JSON.stringify([stream, partitionPath])

/** The file with its path, where the log has just this version of it and it can grow. */
function goingOn(file: KnownFile, { fold, publishedHere }: SettleFacts): KnownFile | undefined {
  const { stream, partitionPath, commitId, parquet } = file
  if (fold === undefined || (fold.unpublished.has(commitId) && !publishedHere.has(commitId))) {
    return undefined
  }
  const partition = fold.streams.get(stream)?.partitions.get(partitionPath)
  const live = partition?.files.find((one) => isSame(one, file))
  if (live === undefined || isSpilled(live.path)) return undefined
  const { sizeBytes, rowCount } = parquet
  const growth = growthOf(partition, live.path, { sizeBytes, rowCount })
  return growth.kind === 'grows' ? { ...file, path: live.path } : undefined
}

const isSame = (live: DataFile, { path, commitId, ordinal, crc32c }: KnownFile): boolean =>
  live.crc32c === crc32c &&
  (path === undefined ? isPublishedAs(live.path, commitId, ordinal) : live.path === path)
