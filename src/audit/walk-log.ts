/**
 * The commit log read from its first entry, entry by entry, by who checks it: no checkpoint is
 * believed. Nothing is put.
 */
import { Fault } from '../base/fault.ts'
import { completeEntry, parseEntryHead, storedBodyOf } from '../codec/log/entry.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { AppendEntry, EntryIndex, LogEntry, SourceEntry } from '../model/log-entry.ts'
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

/** The log as far as it can be read. */
export interface LogWalk {
  readonly state: FoldState
  /** In the order of the log. */
  readonly appends: readonly DecidedAppend[]
  /** In the order of the log. */
  readonly moves: readonly DecidedMove[]
  /** Why it could not be read to its end; undefined when it was. */
  readonly trouble: string | undefined
}

/**
 * Every entry from the first one to the tail.
 *
 * @throws {Fault} `LAKE_…`; `LOG_…`: an entry cannot be read.
 */
export async function* walkEntries(lake: Lake, pipeline: string): AsyncGenerator<WalkedEntry> {
  let state = emptyFold()
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

/** @throws {Fault} `LAKE_…`. What is wrong with the log itself is told in `trouble`. */
export async function walkLog(lake: Lake, pipeline: string): Promise<LogWalk> {
  const checkpoints = await listCheckpoints(lake, pipeline)
  const appends: DecidedAppend[] = []
  const moves: DecidedMove[] = []
  let state = emptyFold()
  try {
    for await (const walked of walkEntries(lake, pipeline)) {
      const { index, entry, verdict } = walked
      state = walked.state
      if (verdict.kind !== 'decided') continue
      if (entry.kind === 'append') appends.push({ index, entry })
      if (entry.kind === 'source') moves.push({ index, entry })
    }
  } catch (error) {
    if (!(error instanceof Fault) || error.retry !== 'never') throw error
    return { state, appends, moves, trouble: error.message }
  }
  const beyond = checkpoints.find(({ next }) => next > state.next)
  const trouble =
    beyond && `entry ${state.next} is missing, yet "${beyond.path}" holds ${beyond.next} entries`
  return { state, appends, moves, trouble }
}
