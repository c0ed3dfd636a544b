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
import { type ChunkPlace, type FileContent, type FileSpan, writeFooter } from './footer.ts'
import type { PlacePage } from './page.ts'
import { writeColumnIndex, writeOffsetIndex } from './page-index.ts'

export interface TailContent extends Omit<FileContent, 'indexes'> {
  /** Whether column and offset indexes are written. */
  readonly hasPageIndex: boolean
}

/** One for all: a tail is taken before the next is begun. */
const tail = new CompactBytes()

export interface EncodedTail {
  readonly bytes: Uint8Array
  /** What the footer says of each row group, those before left out: views of `bytes`. */
  readonly rowGroups: readonly Uint8Array[]
}

/** @param offset of the tail in the file. */
export function encodeTail(content: TailContent, offset: number, place: PlacePage): EncodedTail {
  const { hasPageIndex, rowGroups, ...rest } = content
  // What is half written, by our own mistake, would stand before this one.
  tail.forget()
  const spansOf = (write: (chunk: ChunkPlace) => void): Spans =>
    rowGroups.map(({ chunks }) => chunks.map((chunk) => spanOf(offset, () => write(chunk))))
  const blooms = spansOf(({ bloom }) => bloom && tail.written(bloom))
  const columnIndexes = spansOf(({ column, dataPages }) => {
    if (hasPageIndex) writeColumnIndex(tail, column.leaf, dataPages)
  })
  const offsetIndexes = spansOf(({ dataPages, dataOffset }) => {
    if (hasPageIndex) writeOffsetIndex(tail, dataPages, dataOffset)
  })
  const indexes = rowGroups.map(({ chunks }, group) =>
    chunks.map((_, column) => ({
      bloom: blooms[group]?.[column],
      columnIndex: columnIndexes[group]?.[column],
      offsetIndex: offsetIndexes[group]?.[column],
    })),
  )
  const spans = writeFooter(tail, { ...rest, rowGroups, indexes })
  const bytes = place(tail.sizeBytes)
  tail.moveTo(bytes)
  const told = spans.map((span) => bytes.subarray(span.offset, span.offset + span.sizeBytes))
  return { bytes, rowGroups: told }
}

/** Of each chunk of each row group. */
type Spans = readonly (readonly (FileSpan | undefined)[])[]

/** Where something stands in the file; undefined when nothing is written. */
function spanOf(offset: number, write: () => void): FileSpan | undefined {
  const first = tail.sizeBytes
  write()
  const sizeBytes = tail.sizeBytes - first
  return sizeBytes === 0 ? undefined : { offset: offset + first, sizeBytes }
}
