/**
 * The commit log read entry by entry by who checks it, from the first one that stands. Nothing is
 * put.
 *
 * While all entries stand no checkpoint is believed. Once old ones are deleted, the lowest
 * checkpoint that can be read stands for them: what it says of them cannot be checked any more.
 */
import { Fault } from '../base/fault.ts'
import { parseCheckpoint } from '../codec/log/checkpoint.ts'
import { completeEntry, parseEntryHead, storedBodyOf } from '../codec/log/entry.ts'
import { type ClosedChain, readClosedChain } from '../committer/closed-lists.ts'
import type { ClosedLateEntry } from '../model/close-entry.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { AppendEntry, EntryIndex, LogEntry, SourceEntry } from '../model/log-entry.ts'
import type { ForgetEntry } from '../model/repair-entry.ts'
import type { SwapEntry } from '../model/swap-entry.ts'
import type { Lake } from '../ports/lake.ts'
import { type EntryVerdict, emptyFold, foldEntry, headChecksumOf } from '../protocol/fold.ts'
import {
  type CheckpointName,
  checkpointFolder,
  entryPath,
  parseCheckpointPath,
} from '../protocol/log-paths.ts'

/** Entries that are read at a time. */
const waveMax = 32

export interface WalkedEntry {
  readonly index: EntryIndex
  readonly entry: LogEntry
  readonly headChecksum: string
  readonly verdict: EntryVerdict
  /** The state after this entry. */
  readonly state: FoldState
}

/** An append that counts for everybody. */
export interface DecidedAppend {
  readonly index: EntryIndex
  readonly entry: AppendEntry
}

/** An operator's word that counts for everybody. */
export interface DecidedMove {
  readonly index: EntryIndex
  readonly entry: SourceEntry
}

/** Partitions that left the state. */
export interface DecidedClosing {
  readonly index: EntryIndex
  readonly entry: ClosedLateEntry
}

/** A decided entry that takes files out, and may put others in. */
export interface DecidedSwap {
  readonly index: EntryIndex
  readonly entry: SwapEntry | ForgetEntry
}

/** The log as far as it can be read. */
export interface LogWalk {
  /** What the walk began with: empty, or a checkpoint over the entries that are deleted. */
  readonly base: FoldState
  readonly state: FoldState
  /** In the order of the log. */
  readonly appends: readonly DecidedAppend[]
  /** In the order of the log. */
  readonly moves: readonly DecidedMove[]
  /** In the order of the log. */
  readonly closings: readonly DecidedClosing[]
  /** What has left the state, by stream. */
  readonly closed: ReadonlyMap<string, ClosedChain>
  readonly swaps: readonly DecidedSwap[]
  /** Why it could not be read to its end; undefined when it was. */
  readonly trouble: string | undefined
}

/**
 * Where the log can be read from: its beginning, or the lowest checkpoint that can be read.
 *
 * @throws {Fault} `LAKE_…`.
 */
export async function openBase(lake: Lake, pipeline: string): Promise<FoldState> {
  const names = (await listCheckpoints(lake, pipeline)).toSorted((a, b) => a.next - b.next)
  const [lowest] = names
  if (lowest === undefined || (await standsFromFirst(lake, pipeline, lowest.next))) {
    return emptyFold()
  }
  for (const name of names) {
    const bytes = await lake.read(name.path)
    const state = bytes === undefined ? undefined : stateIn(bytes, name)
    if (state !== undefined) return state
  }
  return emptyFold()
}

/**
 * Entries are deleted from the lowest up, each after its body; what a sleeper puts at a freed index
 * has a gap behind it or below the checkpoint.
 */
async function standsFromFirst(lake: Lake, pipeline: string, next: EntryIndex): Promise<boolean> {
  for (const index of new Set([0, Math.min(1, next - 1), next - 1])) {
    if (!(await isWhole(lake, entryPath(pipeline, index)))) return false
  }
  return true
}

/** An entry that stands and cannot be read is for the walk to tell. */
async function isWhole(lake: Lake, path: string): Promise<boolean> {
  const bytes = await lake.read(path)
  if (bytes === undefined) return false
  try {
    const body = storedBodyOf(parseEntryHead(bytes, path))
    return body === undefined || (await lake.stat(body.path)) !== undefined
  } catch (error) {
    if (!(error instanceof Fault) || error.retry !== 'never') throw error
    return true
  }
}

function stateIn(bytes: Uint8Array, { path, next }: CheckpointName): FoldState | undefined {
  try {
    const state = parseCheckpoint(bytes, path)
    return state.next === next ? state : undefined
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return undefined
  }
}

/**
 * Every entry from the base to the tail.
 *
 * @param base from `openBase`.
 * @throws {Fault} `LAKE_…`; `LOG_…`: an entry cannot be read.
 */
export async function* walkEntries(
  lake: Lake,
  pipeline: string,
  base: FoldState,
): AsyncGenerator<WalkedEntry> {
  let state = base
  for (;;) {
    const indexes = Array.from({ length: waveMax }, (_, ahead) => state.next + ahead)
    const wave = await Promise.all(indexes.map((index) => readEntry(lake, pipeline, index)))
    for (const read of wave) {
      if (read === undefined) return
      const index = state.next
      const step = foldEntry(state, index, read.entry, read.headChecksum)
      state = step.state
      yield { index, ...read, ...step }
    }
  }
}

/** One entry with its head's checksum; undefined where none stands. */
export async function readEntry(
  lake: Lake,
  pipeline: string,
  index: EntryIndex,
): Promise<{ readonly entry: LogEntry; readonly headChecksum: string } | undefined> {
  const path = entryPath(pipeline, index)
  const bytes = await lake.read(path)
  if (bytes === undefined) return undefined
  const head = parseEntryHead(bytes, path)
  const body = storedBodyOf(head)
  const bodyBytes = body === undefined ? undefined : await lake.read(body.path)
  return { entry: completeEntry(head, bodyBytes, path), headChecksum: headChecksumOf(bytes) }
}

/** Names of the checkpoints that stand. */
export async function listCheckpoints(
  lake: Lake,
  pipeline: string,
): Promise<readonly CheckpointName[]> {
  const objects = await lake.list(checkpointFolder(pipeline))
  return objects.flatMap(({ path }) => parseCheckpointPath(path) ?? [])
}

/** @throws {Fault} `LAKE_…`; `LOG_LIST_UNREADABLE`. */
export async function readClosed(
  at: { readonly lake: Lake; readonly pipeline: string },
  state: FoldState,
): Promise<ReadonlyMap<string, ClosedChain>> {
  const closed = new Map<string, ClosedChain>()
  for (const [stream, folded] of state.streams) {
    if (folded.closed !== undefined) closed.set(stream, await readClosedChain(at, state, stream))
  }
  return closed
}

/**
 * Walks once more, from the new base, where entries were deleted on the way.
 *
 * @throws {Fault} `LAKE_…`. What is wrong with the log itself is told in `trouble`.
 */
export async function walkLog(lake: Lake, pipeline: string): Promise<LogWalk> {
  for (;;) {
    const walk = await walkOnce(lake, pipeline)
    if (walk.trouble === undefined) return walk
    if ((await openBase(lake, pipeline)).next <= walk.base.next) return walk
  }
}

async function walkOnce(lake: Lake, pipeline: string): Promise<LogWalk> {
  const checkpoints = await listCheckpoints(lake, pipeline)
  const base = await openBase(lake, pipeline)
  const appends: DecidedAppend[] = []
  const moves: DecidedMove[] = []
  const closings: DecidedClosing[] = []
  const swaps: DecidedSwap[] = []
  let state = base
  try {
    for await (const walked of walkEntries(lake, pipeline, base)) {
      const { index, entry, verdict } = walked
      state = walked.state
      if (verdict.kind !== 'decided') continue
      if (entry.kind === 'append') appends.push({ index, entry })
      if (entry.kind === 'source') moves.push({ index, entry })
      if (entry.kind === 'closed-late') closings.push({ index, entry })
      if (entry.kind === 'swap' || entry.kind === 'forget') swaps.push({ index, entry })
    }
  } catch (error) {
    if (!(error instanceof Fault) || error.retry !== 'never') throw error
    const walked = { base, state, appends, moves, swaps, closings }
    return { ...walked, closed: new Map(), trouble: error.message }
  }
  const beyond = checkpoints.find(({ next }) => next > state.next)
  const trouble =
    beyond && `entry ${state.next} is missing, yet "${beyond.path}" holds ${beyond.next} entries`
  const closed = await readClosed({ lake, pipeline }, state)
  return { base, state, appends, moves, swaps, closings, closed, trouble }
}
