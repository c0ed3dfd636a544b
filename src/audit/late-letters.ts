/** Late letters that nobody took in again, and the records they were made of. */
import { unixMs } from '../base/time.ts'
import type { ParquetRow } from '../codec/parquet/read-file.ts'
import { encodeKafkaHeaders } from '../codec/protobuf/kafka-headers.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldState } from '../model/fold-state.ts'
import { type CommitId, isCommitId } from '../model/ids.ts'
import type { LetterRecord, StoredLetters } from '../model/letter-replay.ts'
import type { Lake } from '../ports/lake.ts'
import { letterDays, takeable, unitKey } from '../protocol/replay.ts'
import { letterRows, unreadable } from './dead-letters.ts'

const unitColumns = ['stream', 'step', 'reason', 'commit_id'] as const

export interface FoundLetters {
  /** Those that can be taken in, in the order of the days and files they lie in. */
  readonly units: readonly StoredLetters[]
  /** Letters of the stream that are of no late event, by reason. */
  readonly others: ReadonlyMap<string, number>
}

/**
 * Looks for late letters of a stream.
 *
 * Files of closed days are not looked at: what lies in them can never be taken in.
 *
 * @throws {Fault} `LAKE_FILE_UNREADABLE`, or another of the lake; so does the other one here.
 */
export async function findLateLetters(
  lake: Lake,
  state: FoldState,
  stream: string,
): Promise<FoundLetters> {
  const found = new Map<CommitId, StoredLetters>()
  const others = new Map<string, number>()
  for (const { partition, files } of letterDays(state)) {
    for await (const { file, row } of letterRows(lake, files, unitColumns)) {
      if (row['stream'] !== stream) continue
      if (row['step'] !== 'late') {
        const reason = String(row['reason'])
        others.set(reason, (others.get(reason) ?? 0) + 1)
        continue
      }
      const id = commitIn(row, file)
      const known = found.get(id)
      const paths = known?.paths ?? []
      const isNext = paths.at(-1) !== file.path
      found.set(id, {
        day: partition.path,
        commitId: id,
        stream,
        paths: isNext ? [...paths, file.path] : paths,
        sizeBytes: (known?.sizeBytes ?? 0) + (isNext ? file.sizeBytes : 0),
        count: (known?.count ?? 0) + 1,
      })
    }
  }
  return { units: takeable(state, [...found.values()]), others }
}

const recordColumns = [
  ...unitColumns,
  'topic',
  'partition',
  'offset',
  'index',
  'kafka_timestamp_ms',
  'event_time_ms',
  'key',
  'headers',
  'value',
] as const

interface FoundRecord {
  row: ParquetRow
  readonly eventMs: Map<number, ReturnType<typeof unixMs>>
}

/** Their records, each once for each file that has letters of it. One file in memory at a time. */
export async function* readLateLetters(
  lake: Lake,
  state: FoldState,
  units: readonly StoredLetters[],
): AsyncGenerator<LetterRecord> {
  const wanted = new Set(units.map(unitKey))
  const paths = new Set(units.flatMap((unit) => unit.paths))
  const files = letterDays(state).flatMap((day) => day.files.filter(({ path }) => paths.has(path)))
  for (const file of files) {
    const records = new Map<string, FoundRecord>()
    for await (const { row } of letterRows(lake, [file], recordColumns)) {
      const name = `${recordName(row)} of commit ${commitIn(row, file)}`
      // Of the letters of a record that come together only the first has its bytes.
      const known = records.get(name) ?? { row, eventMs: new Map() }
      if (known.row['value'] === null) known.row = row
      records.set(name, known)
      const unit = { commitId: commitIn(row, file), stream: String(row['stream']) }
      if (row['step'] !== 'late' || !wanted.has(unitKey(unit))) continue
      known.eventMs.set(Number(row['index']), unixMs(Number(row['event_time_ms'])))
    }
    for (const [name, { row, eventMs }] of records) {
      if (eventMs.size === 0) continue
      const value = row['value']
      if (!(value instanceof Uint8Array)) {
        throw unreadable(file, `no letter in it holds the record at ${name}`)
      }
      yield { ...recordOf(row), commitId: commitIn(row, file), value, eventMs }
    }
  }
}

const recordName = (row: ParquetRow): string =>
  `"${String(row['topic'])}/${Number(row['partition'])}" offset ${String(row['offset'])}`

function commitIn(row: ParquetRow, file: DataFile): CommitId {
  const text = String(row['commit_id'])
  if (isCommitId(text)) return text
  throw unreadable(file, `a letter in it is of commit "${text}"`)
}

function recordOf(row: ParquetRow): Omit<LetterRecord, 'commitId' | 'value' | 'eventMs'> {
  const key = row['key']
  return {
    stream: String(row['stream']),
    topic: String(row['topic']),
    partition: Number(row['partition']),
    offset: BigInt(String(row['offset'])),
    timestampMs: unixMs(Number(row['kafka_timestamp_ms'])),
    key: key instanceof Uint8Array ? key : undefined,
    headers: headersOf(row['headers']),
  }
}

/** A map without entries says that there were none. */
function headersOf(headers: unknown): Uint8Array | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined
  const pairs = Object.entries(headers).map(([key, value]: [string, unknown]) => {
    return { key, value: value instanceof Uint8Array ? value : new Uint8Array() }
  })
  return pairs.length === 0 ? undefined : encodeKafkaHeaders(pairs)
}
