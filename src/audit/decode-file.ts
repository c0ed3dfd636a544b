/**
 * A Parquet file decoded whole, by a reader that shares no code with our writer, and the identity
 * of its rows where it has them.
 */
import { crc32c } from '@node-rs/crc32'
import { ParquetError } from '../codec/parquet/parquet-error.ts'
import {
  type ParquetRow,
  readParquetMetadata,
  readParquetRows,
} from '../codec/parquet/read-file.ts'
import { type Identities, listAt } from './identities.ts'

/** Values that are objects at a time: what decoding may take of memory. */
const valuesAtOnceMax = 1_000_000

/** Names of the columns that hold a row's identity. */
export interface IdentityColumns {
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly index: string
}

export const rowIdentity: IdentityColumns = {
  topic: '_topic',
  partition: '_partition',
  offset: '_offset',
  index: '_index',
}

export const letterIdentity: IdentityColumns = {
  topic: 'topic',
  partition: 'partition',
  offset: 'offset',
  index: 'index',
}

export interface DecodedFile {
  readonly rowCount: number
  /** Undefined where the columns are not there. */
  readonly identities: Identities | undefined
}

/** CRC32C as the log has it: 8 hex digits. */
export const crc32cOf = (bytes: Uint8Array): string =>
  (crc32c(bytes) >>> 0).toString(16).padStart(8, '0')

export interface DecodeOptions {
  readonly columns: IdentityColumns
  /** The one topic that rows can be of, where the file does not say. */
  readonly topic: string | undefined
  /** Rows that are counted and not decoded: whole row groups, those of entries before. */
  readonly firstRow?: number
  /** Sees each row with the columns it asked for. */
  readonly visit?: { readonly columns: readonly string[]; readonly row: (row: ParquetRow) => void }
}

/**
 * Decodes every value of every column, of the rows from `firstRow` on.
 *
 * @throws {ParquetError} the file is damaged.
 */
export async function decodeFile(bytes: Uint8Array, options: DecodeOptions): Promise<DecodedFile> {
  const outcome = readParquetMetadata(bytes)
  if (outcome.kind !== 'read') throw new ParquetError('its footer is longer than the file')
  const { columns, rowGroupRows } = outcome.metadata
  const names = [...new Set(columns.map(({ path }) => path.split('.')[0] ?? ''))]
  const identity = identityIn(names, options)
  const identities: Identities | undefined = identity === undefined ? undefined : new Map()
  const visited = new Set([...(identity ?? []), ...(options.visit?.columns ?? [])])
  let first = 0
  for (const rows of rowGroupRows) {
    if (first < (options.firstRow ?? 0)) {
      first += rows
      continue
    }
    const range = { first, next: first + rows }
    const together = names.filter((name) => visited.has(name))
    const others = names.filter((name) => !visited.has(name))
    for (const some of [together, ...inPortions(others, rows)]) {
      if (some.length === 0) continue
      const read = await readParquetRows(bytes, { columns: some, ...range })
      if (read.length !== rows) throw new ParquetError(`${read.length} rows of ${rows} decoded`)
      if (some !== together) continue
      if (identities !== undefined) for (const row of read) addIdentity(identities, row, options)
      if (options.visit !== undefined) for (const row of read) options.visit.row(row)
    }
    first += rows
  }
  return { rowCount: first, identities }
}

/** Columns that can be decoded together without taking too much memory. */
function inPortions(names: readonly string[], rows: number): readonly (readonly string[])[] {
  const size = Math.max(1, Math.floor(valuesAtOnceMax / Math.max(1, rows)))
  const portions: (readonly string[])[] = []
  for (let first = 0; first < names.length; first += size) {
    portions.push(names.slice(first, first + size))
  }
  return portions
}

/** Columns to read for the identity; undefined where one is missing. */
function identityIn(
  names: readonly string[],
  { columns, topic }: DecodeOptions,
): readonly string[] | undefined {
  const needed = [columns.partition, columns.offset, columns.index]
  if (topic === undefined) needed.push(columns.topic)
  return needed.every((name) => names.includes(name)) ? needed : undefined
}

function addIdentity(identities: Identities, row: ParquetRow, options: DecodeOptions): void {
  const { columns, topic } = options
  const name = topic ?? textOf(row[columns.topic])
  const at = `${name}/${Number(row[columns.partition])}`
  listAt(identities, at).add(offsetOf(row[columns.offset]), Number(row[columns.index]))
}

const offsetOf = (value: unknown): bigint => (typeof value === 'bigint' ? value : -1n)

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
