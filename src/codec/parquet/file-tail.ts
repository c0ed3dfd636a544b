/**
 * Everything behind the last row group: Bloom filters, page index, footer.
 *
 *     row groups | Bloom filters | column indexes | offset indexes | footer, length, "PAR1"
 *
 * Each of the three stands in the order of row groups and columns, so that a reader that wants all
 * of one kind reads it in one go.
 *
 * Source: Apache Parquet, PageIndex.md, BloomFilter.md ("File format").
 */
import { CompactBytes } from './compact-bytes.ts'
import { type ChunkPlace, encodeFooter, type FileContent, type FileSpan } from './footer.ts'
import { encodeColumnIndex, encodeOffsetIndex } from './page-index.ts'

export interface TailContent extends Omit<FileContent, 'indexes'> {
  /** Whether column and offset indexes are written. */
  readonly hasPageIndex: boolean
}

/** @param offset of the tail in the file. @returns its bytes, in order. */
export function encodeTail(content: TailContent, offset: number): readonly Uint8Array[] {
  const { hasPageIndex, rowGroups, ...rest } = content
  const bytes = new TailBytes(offset)
  const spansOf = (
    encode: (chunk: ChunkPlace) => Uint8Array | undefined,
  ): readonly (readonly (FileSpan | undefined)[])[] =>
    rowGroups.map(({ chunks }) => chunks.map((chunk) => bytes.push(encode(chunk))))
  const blooms = spansOf(({ bloom }) => bloom)
  const columnIndexes = spansOf((chunk) =>
    hasPageIndex ? encodeColumnIndex(chunk.column.leaf, chunk.dataPages) : undefined,
  )
  const offsetIndexes = spansOf((chunk) =>
    hasPageIndex ? encodeOffsetIndex(chunk.dataPages, chunk.dataOffset) : undefined,
  )
  const indexes = rowGroups.map(({ chunks }, group) =>
    chunks.map((_, column) => ({
      bloom: blooms[group]?.[column],
      columnIndex: columnIndexes[group]?.[column],
      offsetIndex: offsetIndexes[group]?.[column],
    })),
  )
  bytes.push(encodeFooter({ ...rest, rowGroups, indexes }))
  return bytes.all
}

/** One for all: a tail is taken before the next is begun. */
const tail = new CompactBytes()

/** Dozens of small pieces in one: each would be an array of its own until the commit is over. */
class TailBytes {
  #offset: number

  constructor(offset: number) {
    this.#offset = offset
  }

  get all(): readonly Uint8Array[] {
    return [tail.take()]
  }

  push(bytes: Uint8Array | undefined): FileSpan | undefined {
    if (bytes === undefined) return undefined
    const span = { offset: this.#offset, sizeBytes: bytes.length }
    tail.written(bytes)
    this.#offset += bytes.length
    return span
  }
}
