/** The dead letters' table read back, row group by row group. */
import { Fault } from '../base/fault.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import { ParquetError } from '../codec/parquet/parquet-error.ts'
import {
  type ParquetRow,
  type ReadRowsOptions,
  readParquetMetadata,
  readParquetRows,
} from '../codec/parquet/read-file.ts'
import { readClosedChain } from '../committer/closed-lists.ts'
import type { DataFile } from '../model/data-file.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import type { FoldedReplay, FoldState } from '../model/fold-state.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { Lake } from '../ports/lake.ts'
import { letterDays, replaysOf } from '../protocol/replay.ts'
import { readWhole } from './file-checks.ts'

/** Letters that failed in the same way. */
export interface LetterGroup {
  readonly stream: string
  readonly reason: string
  readonly fingerprint: string
  readonly step: string
  /** Of one of them. */
  readonly error: string
  readonly count: number
  /** Of them, those that were taken in again. */
  readonly replayed: number
  /** Kafka's time stamps of the records. */
  readonly firstSeenMs: UnixMs
  readonly lastSeenMs: UnixMs
}

/** Which letter is meant. */
export type LetterQuery =
  | { readonly kind: 'fingerprint'; readonly fingerprint: string }
  | {
      readonly kind: 'place'
      readonly topic: string
      readonly partition: number
      readonly offset: bigint
      readonly index: number
    }

/** The dead letters' table, as the log has it. */
export interface LetterTable {
  /** Closed partitions first; else in the order of the log. */
  readonly files: readonly DataFile[]
  /** Late letters that were taken in again, by `unitKey`. */
  readonly replays: ReadonlyMap<string, FoldedReplay>
}

/** @throws {Fault} `LOG_LIST_UNREADABLE`, or one of the lake. */
export async function readLetterTable(
  at: { readonly lake: Lake; readonly pipeline: string },
  state: FoldState,
): Promise<LetterTable> {
  const { lists } = await readClosedChain(at, state, deadLetterStream)
  const closed = lists.toReversed().map(({ partition }) => partition)
  const days = [...closed, ...letterDays(state)]
  return { files: days.flatMap(({ files }) => files), replays: replaysOf(days) }
}

/** The entry that took a letter in again, where one did. */
function replayOf(row: ParquetRow, { replays }: LetterTable): FoldedReplay | undefined {
  if (row['step'] !== 'late') return undefined
  return replays.get(`${String(row['commit_id'])} ${String(row['stream'])}`)
}

const groupColumns = [
  'stream',
  'reason',
  'fingerprint',
  'step',
  'error',
  'kafka_timestamp_ms',
  'commit_id',
] as const

/**
 * Groups by stream, reason and fingerprint, the largest first.
 *
 * @throws {Fault} `LAKE_FILE_UNREADABLE`, or another of the lake; so do the others here.
 */
export async function groupLetters(
  lake: Lake,
  table: LetterTable,
  stream: string | undefined,
): Promise<readonly LetterGroup[]> {
  const groups = new Map<string, LetterGroup>()
  for await (const { row } of letterRows(lake, table.files, groupColumns)) {
    const letter = { ...groupOf(row), replayed: replayOf(row, table) === undefined ? 0 : 1 }
    if (stream !== undefined && letter.stream !== stream) continue
    const key = JSON.stringify([letter.stream, letter.reason, letter.fingerprint])
    groups.set(key, joined(groups.get(key), letter))
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || (a.stream < b.stream ? -1 : 1))
}

function groupOf(row: ParquetRow): Omit<LetterGroup, 'replayed'> {
  const seenMs = unixMs(Number(row['kafka_timestamp_ms']))
  return {
    stream: String(row['stream']),
    reason: String(row['reason']),
    fingerprint: String(row['fingerprint']),
    step: String(row['step']),
    error: String(row['error']),
    count: 1,
    firstSeenMs: seenMs,
    lastSeenMs: seenMs,
  }
}

function joined(known: LetterGroup | undefined, letter: LetterGroup): LetterGroup {
  if (known === undefined) return letter
  return {
    ...letter,
    count: known.count + 1,
    replayed: known.replayed + letter.replayed,
    firstSeenMs: unixMs(Math.min(known.firstSeenMs, letter.firstSeenMs)),
    lastSeenMs: unixMs(Math.max(known.lastSeenMs, letter.lastSeenMs)),
  }
}

const placeColumns = ['fingerprint', 'topic', 'partition', 'offset', 'index'] as const

export interface FoundLetter {
  readonly path: string
  readonly row: ParquetRow
  /** Entry of the log that took it in again; undefined where none did. */
  readonly replayedBy: EntryIndex | undefined
  /** Letters that the query fits, this one among them. */
  readonly count: number
}

/** The newest letter that fits, whole; undefined when none does. */
export async function findLetter(
  lake: Lake,
  table: LetterTable,
  query: LetterQuery,
): Promise<FoundLetter | undefined> {
  let newest: { file: DataFile; rowIndex: number } | undefined
  let count = 0
  for await (const { file, rowIndex, row } of letterRows(lake, table.files, placeColumns)) {
    if (!fits(row, query)) continue
    newest = { file, rowIndex }
    count += 1
  }
  if (newest === undefined) return undefined
  const { file, rowIndex } = newest
  const bytes = await bytesOf(lake, file)
  const [row] = await rowsOf(bytes, file, { first: rowIndex, next: rowIndex + 1 })
  if (row === undefined) return undefined
  return { path: file.path, row, replayedBy: replayOf(row, table)?.entry, count }
}

function fits(row: ParquetRow, query: LetterQuery): boolean {
  if (query.kind === 'fingerprint') return row['fingerprint'] === query.fingerprint
  return (
    row['topic'] === query.topic &&
    Number(row['partition']) === query.partition &&
    row['offset'] === query.offset &&
    Number(row['index']) === query.index
  )
}

interface PlacedRow {
  readonly file: DataFile
  readonly rowIndex: number
  readonly row: ParquetRow
}

export async function* letterRows(
  lake: Lake,
  files: readonly DataFile[],
  columns: readonly string[],
): AsyncGenerator<PlacedRow> {
  for (const file of files) {
    const bytes = await bytesOf(lake, file)
    let first = 0
    for (const count of rowGroupsOf(bytes, file)) {
      const rows = await rowsOf(bytes, file, { columns, first, next: first + count })
      for (const [index, row] of rows.entries()) yield { file, rowIndex: first + index, row }
      first += count
    }
  }
}

async function bytesOf(lake: Lake, file: DataFile): Promise<Uint8Array> {
  const bytes = await readWhole(lake, file)
  if (bytes !== undefined) return bytes
  throw unreadable(file, 'it is in the log and not on the lake')
}

function rowGroupsOf(bytes: Uint8Array, file: DataFile): readonly number[] {
  try {
    const outcome = readParquetMetadata(bytes)
    if (outcome.kind === 'read') return outcome.metadata.rowGroupRows
    throw unreadable(file, 'its footer is longer than the file')
  } catch (error) {
    throw error instanceof ParquetError ? unreadable(file, error.message, error) : error
  }
}

async function rowsOf(
  bytes: Uint8Array,
  file: DataFile,
  options: ReadRowsOptions,
): Promise<readonly ParquetRow[]> {
  try {
    return await readParquetRows(bytes, options)
  } catch (error) {
    throw error instanceof ParquetError ? unreadable(file, error.message, error) : error
  }
}

export const unreadable = ({ path }: DataFile, reason: string, cause?: unknown): Fault =>
  new Fault('LAKE_FILE_UNREADABLE', { path, reason }, { cause })
