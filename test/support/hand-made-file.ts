/** Files of hand-made rows, written by the real writer. */
import {
  type ParquetFileOptions,
  ParquetFileWriter,
  type SealedParquet,
} from '../../src/codec/parquet/file-writer.ts'
import type { ThriftStruct } from '../../src/codec/parquet/thrift.ts'
import { batchOf, type HandMadeRow, HandMadeTable } from './hand-made-pages.ts'

export const options: ParquetFileOptions = {
  codec: 'zstd',
  level: 1,
  rowGroupBytesMax: 1 << 27,
  pageIndex: true,
  bloom: undefined,
  keyValues: new Map([
    ['lakeward.stream', 'app_events'],
    ['empty', ''],
  ]),
}

export const row = (index: number): HandMadeRow => ({
  id: BigInt(index) * 10_000_000_000n,
  name: index % 3 === 0 ? undefined : `name ${index % 7}`,
  tags: Array.from({ length: index % 4 }, (_, tag) => index - tag),
})

export const rows = (count: number): readonly HandMadeRow[] =>
  Array.from({ length: count }, (_, index) => row(index))

export const expected = (all: readonly HandMadeRow[]): unknown[] =>
  all.map(({ id, name, tags }) => ({ id, name: name ?? null, tags: [...tags] }))

/** A file of all rows, appended in batches of `batchRows`. */
export function fileOf(
  all: readonly HandMadeRow[],
  batchRows: number,
  more: Partial<ParquetFileOptions> = {},
): { readonly table: HandMadeTable; readonly sealed: SealedParquet; readonly bytes: Buffer } {
  const table = new HandMadeTable(all)
  const writer = new ParquetFileWriter(table, { ...options, ...more })
  for (let first = 0; first < all.length; first += batchRows) {
    writer.append(batchOf(Math.min(batchRows, all.length - first)))
  }
  const sealed = writer.seal()
  return { table, sealed, bytes: Buffer.concat(sealed.chunks) }
}

export const numberAt = (fields: ThriftStruct, id: number): number => {
  const value = fields.get(id)
  return value?.type === 'i32' ? value.value : Number.NaN
}
