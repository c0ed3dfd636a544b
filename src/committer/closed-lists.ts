/** Partitions that have left the state of the log, found again by their lists. */
import { hash } from 'node:crypto'
import { type ClosedList, parseClosedList } from '../codec/log/closed-list.ts'
import { type FoldState, zeroChecksum } from '../model/fold-state.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { Lake } from '../ports/lake.ts'
import { isClosed, newestListOf, withPartitionBack } from '../protocol/fold-closed.ts'
import { closedFolder } from '../protocol/log-paths.ts'

/** A stream's lists from the newest to the first, as far as each names one that stands. */
export interface ClosedChain {
  readonly lists: readonly ClosedList[]
  /** SHA-256 of the list that is named and does not stand; undefined when the chain is whole. */
  readonly missing: string | undefined
}

/**
 * All lists of a stream that the log knows. Costs a read of each: not for a start.
 *
 * @throws {Fault} `LAKE_…`; `LOG_LIST_UNREADABLE`.
 */
export async function readClosedChain(
  { lake, pipeline }: { readonly lake: Lake; readonly pipeline: string },
  state: FoldState,
  stream: string,
): Promise<ClosedChain> {
  let sha256 = newestListOf(state, stream)
  if (sha256 === zeroChecksum) return { lists: [], missing: undefined }
  const standing = await readLists(lake, closedFolder(pipeline, stream))
  const lists: ClosedList[] = []
  while (sha256 !== zeroChecksum) {
    const list = standing.get(sha256)
    if (list === undefined) return { lists, missing: sha256 }
    lists.push(list)
    sha256 = list.previous
  }
  return { lists, missing: undefined }
}

/** By the SHA-256 of their bytes. */
async function readLists(lake: Lake, folder: string): Promise<ReadonlyMap<string, ClosedList>> {
  const lists = new Map<string, ClosedList>()
  for (const { path } of await lake.list(folder)) {
    const bytes = await lake.read(path)
    if (bytes === undefined) continue
    lists.set(hash('sha256', bytes, 'hex'), parseClosedList(bytes, path))
  }
  return lists
}

/** A partition that somebody asks about. */
export interface AskedPartition {
  readonly stream: string
  readonly partition: LakePartition
}

/**
 * The state with this partition in it again, if it was closed.
 *
 * @throws {Fault} `LAKE_…`; `LOG_LIST_UNREADABLE`.
 */
export async function withClosedBack(
  at: { readonly lake: Lake; readonly pipeline: string },
  state: FoldState,
  { stream, partition }: AskedPartition,
): Promise<FoldState> {
  if (!isClosed(state.streams.get(stream), partition)) return state
  const here = await readLists(at.lake, closedFolder(at.pipeline, stream, partition.path))
  const [only, ...more] = [...here.values()]
  // Of several, which writers made at the same time, the log names one.
  const list = more.length === 0 ? only : await namedList(at, state, { stream, partition })
  return list === undefined ? state : withPartitionBack(state, stream, list.partition)
}

async function namedList(
  at: { readonly lake: Lake; readonly pipeline: string },
  state: FoldState,
  { stream, partition }: AskedPartition,
): Promise<ClosedList | undefined> {
  const { lists } = await readClosedChain(at, state, stream)
  return lists.find((list) => list.partition.partition.path === partition.path)
}
