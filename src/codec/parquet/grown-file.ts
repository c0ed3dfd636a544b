/**
 * A file that grows: what of it must be known to write the tail that comes next.
 *
 *     "PAR1" | row groups | indexes, footer | row groups | indexes, footer of all | …
 *      <------------- the base ------------>│<------------ a tail ------------>
 *
 * - Offsets count from the first byte of the file. Indexes and filters of earlier row groups stay
 *   where they are; only what the footer says of these row groups is repeated, byte for byte.
 * - The footer in the midst stays and is read by nobody: a reader begins at the end.
 *
 * Source: docs/adr/0026-files-that-continue.md.
 */
import type { ChunkPlace, RowGroupPlace } from './footer.ts'
import type { SourceRange } from './row-sources.ts'

/** A row group as an earlier footer has it. */
export interface WrittenRowGroup {
  readonly rowCount: number
  readonly bytes: Uint8Array
}

/** A sealed file, as far as its next tail goes. */
export interface GrownParquet {
  readonly sizeBytes: number
  readonly rowCount: number
  /** CRC32C of all its bytes, to be gone on with. */
  readonly checksum: number
  readonly rowGroups: readonly WrittenRowGroup[]
  readonly ranges: readonly SourceRange[]
}

/** Memory that it takes. */
export const keptBytesOf = ({ rowGroups }: Pick<GrownParquet, 'rowGroups'>): number =>
  rowGroups.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)

/** The same row group so many bytes further behind. */
export const movedRowGroup = (group: RowGroupPlace, byBytes: number): RowGroupPlace =>
  byBytes === 0
    ? group
    : { ...group, chunks: group.chunks.map((chunk) => movedChunk(chunk, byBytes)) }

const movedChunk = (chunk: ChunkPlace, byBytes: number): ChunkPlace => ({
  ...chunk,
  dictionaryOffset: chunk.dictionaryOffset && chunk.dictionaryOffset + byBytes,
  dataOffset: chunk.dataOffset + byBytes,
})

/** Ranges that hold both, by topic and partition. */
export function joinedRanges(
  before: readonly SourceRange[],
  after: readonly SourceRange[],
): readonly SourceRange[] {
  const joined = new Map(before.map((range) => [keyOf(range), range]))
  for (const range of after) {
    const known = joined.get(keyOf(range))
    joined.set(keyOf(range), known === undefined ? range : around(known, range))
  }
  return [...joined.values()].toSorted((one, other) =>
    one.topic === other.topic ? one.partition - other.partition : one.topic < other.topic ? -1 : 1,
  )
}

const keyOf = ({ topic, partition }: SourceRange): string => JSON.stringify([topic, partition])

const around = (one: SourceRange, other: SourceRange): SourceRange => ({
  ...one,
  first: one.first < other.first ? one.first : other.first,
  next: one.next > other.next ? one.next : other.next,
})
