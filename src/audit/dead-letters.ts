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
import type { DataFile } from '../model/data-file.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { Lake } from '../ports/lake.ts'
import { readClosedChain } from './closed-lists.ts'
import { readWhole } from './file-checks.ts'
import { deadLettersOf } from './tables.ts'

/** Letters that failed in the same way. */
export interface LetterGroup {
  readonly stream: string
  readonly reason: string
  readonly fingerprint: string
  readonly step: string
  /** Of one of them. */
  readonly error: string
  readonly count: number
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

/** Files of the table, closed partitions first; else in the order of the log. */
export async function letterFiles(
  at: { readonly lake: Lake; readonly pipeline: string },
  state: FoldState,
): Promise<readonly DataFile[]> {
  const { lists } = await readClosedChain(at, state, deadLettersOf)
  const open = [...(state.streams.get(deadLettersOf)?.partitions.values() ?? [])]
  const closed = lists.toReversed().map(({ partition }) => partition)
  return [...closed, ...open].flatMap(({ files }) => files)
}

const groupColumns = [
  'stream',
  'reason',
  'fingerprint',
  'step',
  'error',
  'kafka_timestamp_ms',
] as const

/**
 * Groups by stream, reason and fingerprint, the largest first.
 *
 * @throws {Fault} `LAKE_FILE_UNREADABLE`, or another of the lake; so do the others here.
 */
export async function groupLetters(
  lake: Lake,
  files: readonly DataFile[],
  stream: string | undefined,
): Promise<readonly LetterGroup[]> {
  const groups = new Map<string, LetterGroup>()
  for await (const { row } of letterRows(lake, files, groupColumns)) {
    const letter = groupOf(row)
    if (stream !== undefined && letter.stream !== stream) continue
    const key = JSON.stringify([letter.stream, letter.reason, letter.fingerprint])
    groups.set(key, joined(groups.get(key), letter))
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || (a.stream < b.stream ? -1 : 1))
}

function groupOf(row: ParquetRow): LetterGroup {
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
    firstSeenMs: unixMs(Math.min(known.firstSeenMs, letter.firstSeenMs)),
    lastSeenMs: unixMs(Math.max(known.lastSeenMs, letter.lastSeenMs)),
  }
}

const placeColumns = ['fingerprint', 'topic', 'partition', 'offset', 'index'] as const

export interface FoundLetter {
  readonly path: string
  readonly row: ParquetRow
  /** Letters that the query fits, this one among them. */
  readonly count: number
}

/** The newest letter that fits, whole; undefined when none does. */
export async function findLetter(
  lake: Lake,
  files: readonly DataFile[],
  query: LetterQuery,
): Promise<FoundLetter | undefined> {
  let newest: { file: DataFile; rowIndex: number } | undefined
  let count = 0
  for await (const { file, rowIndex, row } of letterRows(lake, files, placeColumns)) {
    if (!fits(row, query)) continue
    newest = { file, rowIndex }
    count += 1
  }
  if (newest === undefined) return undefined
  const { file, rowIndex } = newest
  const bytes = await bytesOf(lake, file)
  const [row] = await rowsOf(bytes, file, { first: rowIndex, next: rowIndex + 1 })
  return row === undefined ? undefined : { path: file.path, row, count }
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

async function* letterRows(
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

const unreadable = ({ path }: DataFile, reason: string, cause?: unknown): Fault =>
  new Fault('LAKE_FILE_UNREADABLE', { path, reason }, { cause })
