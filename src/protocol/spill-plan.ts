/**
 * Which files of the spill area can be brought home now, and in which company.
 *
 * Invariants:
 * - only published files are taken: whoever publishes one later would publish it into the spill
 *   area once more;
 * - one batch is one swap over one partition.
 *
 * Source: docs/adr/0017-spill.md.
 */
import type { DataFile } from '../model/data-file.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import { isSpilled } from './log-paths.ts'

export interface HomeFacts {
  readonly state: FoldState
  /** Commits that are published, though the log will say so only in this process's next entry. */
  readonly publishedHere: ReadonlySet<CommitId>
  /** Staged paths of what stands, though others of its commit could not be published. */
  readonly standing: ReadonlySet<string>
  /** What is held in memory at a time; a larger file comes alone. */
  readonly batchBytesMax: number
}

/** Files that come home by one swap. */
export interface HomeBatch {
  readonly stream: string
  readonly table: string
  readonly partitionPath: PartitionPath
  readonly files: readonly DataFile[]
}

/** No announcement names one: a partition, or late rows of it, are announced when all are home. */
export function planHome(facts: HomeFacts): readonly HomeBatch[] {
  const { state, publishedHere, standing, batchBytesMax } = facts
  const open = new Set(
    [...state.unpublished.values()]
      .filter(({ commitId }) => !publishedHere.has(commitId))
      .flatMap(({ files }) => files.filter(({ stagedPath }) => !standing.has(stagedPath)))
      .map(({ path }) => path),
  )
  const batches: HomeBatch[] = []
  for (const [stream, { partitions }] of state.streams) {
    for (const { table, partition, files } of partitions.values()) {
      const spilled = files.filter(({ path }) => isSpilled(path) && !open.has(path))
      for (const some of inBatches(spilled, batchBytesMax)) {
        batches.push({ stream, table, partitionPath: partition.path, files: some })
      }
    }
  }
  return batches
}

/** Whether any partition has a file in the spill area, published or not. */
export function holdsSpilled({ streams }: Pick<FoldState, 'streams'>): boolean {
  for (const { partitions } of streams.values()) {
    for (const folded of partitions.values()) {
      if (spilledFileOf(folded) !== undefined) return true
    }
  }
  return false
}

/** A file of the partition that is not where its readers look; undefined when all are. */
export const spilledFileOf = ({ files }: FoldedPartition): DataFile | undefined =>
  files.find(({ path }) => isSpilled(path))

function* inBatches(files: readonly DataFile[], bytesMax: number): Generator<readonly DataFile[]> {
  let batch: DataFile[] = []
  let bytes = 0
  for (const file of files) {
    if (batch.length > 0 && bytes + file.sizeBytes > bytesMax) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(file)
    bytes += file.sizeBytes
  }
  if (batch.length > 0) yield batch
}
