/**
 * One Parquet file in the making: rows go through the kernel into pages, pages are compressed as
 * soon as they are full, so that closing the file only has to close the last of them.
 *
 * - The file is kept in memory until it is sealed; it is written by others, in one go.
 * - A row group is closed when its bytes pass a limit, between two batches: a row is never split.
 * - Same rows in the same batches, with pages closed in the same places, give the same bytes, as
 *   far as files of the table before have shown the same of its columns (kernel/column-habits.ts).
 *
 *     "PAR1" | row group: column chunk: dictionary page, data pages … | … | tail (file-tail.ts)
 *
 * Source: Apache Parquet format, README ("File format").
 */
import { crc32c } from '@node-rs/crc32'
import { assert, present } from '../../base/assert.ts'
import type { CompiledTable, FileColumns } from '../../kernel/kernel.ts'
import type { FileEncodings } from '../../kernel/page-encodings.ts'
import type { IdentityColumn, RowBatch, RowRefusal } from '../../model/row-batch.ts'
import type { TableSchema } from '../../model/table-schema.ts'
import { BloomFilter, type BloomWish } from './bloom-filter.ts'
import { ColumnChunk, type PageHandling } from './column-chunk.ts'
import { type ParquetCodec, pageCompressor } from './compression.ts'
import { type EncodedTail, encodeTail, type TailContent } from './file-tail.ts'
import type { RowGroupPlace } from './footer.ts'
import { magic } from './format.ts'
import { type GrownParquet, joinedRanges, movedRowGroup } from './grown-file.ts'
import { FileSlabs, pageSlabs } from './page-slabs.ts'
import { offsetsText, RowSources, sortColumns } from './row-sources.ts'

/** Key of the offset ranges in a file's key-values. */
const offsetsKey = 'lakeward.offsets'

interface BloomOptions extends BloomWish {
  /** Leaves that get filters, by their path joined with dots: "items.list.element.sku". */
  readonly columns: readonly string[]
}

export interface ParquetFileOptions {
  readonly codec: ParquetCodec
  /** Of zstd (1 to 22) and gzip (1 to 9). */
  readonly level: number
  /** Of values outside of dictionaries; `auto` when not given. */
  readonly encodings?: FileEncodings
  /** A row group is closed when it has more bytes, compressed ones and those not yet. */
  readonly rowGroupBytesMax: number
  readonly pageIndex: boolean
  readonly bloom: BloomOptions | undefined
  /** Written into the footer, with the offset ranges of the rows. */
  readonly keyValues: ReadonlyMap<string, string>
}

export interface SealedParquet {
  /** The file's bytes, in order. */
  readonly chunks: readonly Uint8Array[]
  /** Sum of the chunks' lengths. */
  readonly sizeBytes: number
  readonly rowCount: number
  /** CRC32C of the whole file, 8 hex digits. */
  readonly crc32c: string
  /** Gives the memory of `chunks` back for other files: to be called when nobody reads them. */
  readonly release: () => void
}

/**
 * A file that may grow, or the tail by which one does. Chunks, size and rows are those of the tail,
 * the checksum is that of the file with it.
 */
export interface SealedGrowth extends SealedParquet {
  /** The file with the tail. */
  readonly grown: GrownParquet
  /** The same rows as a file of their own, while the memory of `chunks` is not given back. */
  readonly alone: () => Pick<SealedParquet, 'chunks' | 'sizeBytes' | 'crc32c'>
}

export class ParquetFileWriter {
  readonly #schema: TableSchema
  readonly #options: ParquetFileOptions
  readonly #columns: FileColumns
  /** Of all columns but those with Bloom filters. */
  readonly #handling: PageHandling
  readonly #slabs = new FileSlabs(pageSlabs)
  readonly #bytes: Uint8Array[] = [magic]
  readonly #rowGroups: RowGroupPlace[] = []
  readonly #sources = new RowSources()
  readonly #leaves: CompiledTable['plan']['leaves']
  /** Leaves with Bloom filters. */
  readonly #bloomed: ReadonlySet<number>
  /** By leaf; there from the first page of its column on, which is the last one of most files. */
  #chunks: (ColumnChunk | undefined)[]
  #closedBytes = magic.length
  /** Compressed pages of the open row group. */
  #openBytes = 0
  #openRows = 0
  #closedRows = 0
  #isOpen = true

  constructor(table: CompiledTable, options: ParquetFileOptions) {
    this.#schema = table.plan.schema
    this.#options = options
    this.#columns = table.openFile(options.encodings)
    const { codec, level } = options
    const compress = pageCompressor(codec, level)
    this.#handling = { codec, compress, place: this.#place, bloom: undefined }
    this.#leaves = table.plan.leaves
    this.#chunks = this.#noChunks()
    this.#bloomed = new Set(options.bloom?.columns.map((path) => leafAt(this.#schema, path)))
    for (const column of this.#bloomed) this.#columns.hashValues(column)
  }

  /** Rows in the file, open row group included. */
  get rowCount(): number {
    return this.#closedRows + this.#openRows
  }

  /** Memory this file takes: compressed pages, the kernel's builders, values to be filtered by. */
  get bufferedBytes(): number {
    const encodedBytes = Math.max(this.encodedBytes, this.#slabs.heldBytes)
    if (!this.#isOpen) return encodedBytes
    let bloomBytes = 0
    for (const column of this.#bloomed) bloomBytes += this.#chunks[column]?.bloomBytes ?? 0
    return encodedBytes + this.#columns.bufferedBytes + bloomBytes
  }

  /** Of them, the kernel's builders. */
  get builderBytes(): number {
    return this.#isOpen ? this.#columns.bufferedBytes : 0
  }

  /** Memory that `closePages` would give back. */
  openPageBytes(leastBytes: number): number {
    return this.#isOpen ? this.#columns.pageBytesOf(leastBytes) : 0
  }

  /** Bytes of the file so far; rows that wait in the kernel do not count yet. */
  get encodedBytes(): number {
    return this.#closedBytes + this.#openBytes
  }

  /**
   * Appends rows whose payloads lie in the kernel's input.
   *
   * @returns the rows that are not in the file, by their index in the batch, with the reason.
   */
  append(batch: RowBatch): readonly RowRefusal[] {
    assert(this.#isOpen, 'rows are appended to an open file')
    const refused = this.#columns.append(batch)
    this.#openRows += batch.count - refused.length
    this.#sources.add(batch)
    for (const column of this.#columns.fullPages()) this.#takePage(column)
    const openBytes = this.#openBytes + this.#columns.bufferedBytes
    if (this.#openRows > 0 && openBytes > this.#options.rowGroupBytesMax) this.#closeRowGroup()
    return refused
  }

  /** Closes pages that hold at least so much before they are full, for the memory they take. */
  closePages(leastBytes: number): void {
    assert(this.#isOpen, 'pages are closed of an open file')
    for (const column of this.#columns.largePages(leastBytes)) {
      this.#takePage(column)
      this.#columns.shrink(column)
    }
  }

  /**
   * Closes row group and footer, and gives the kernel's memory back.
   *
   * @param known key-values that nobody knew when the file was opened.
   */
  seal(known: ReadonlyMap<string, string> = new Map()): SealedParquet {
    const { encoded: _told, checksum: _same, ...sealed } = this.#seal(known, undefined)
    return sealed
  }

  /**
   * The same of a file that may grow.
   *
   * @param base the file that the rows are a tail of; undefined: they begin one.
   */
  sealGrowing(known: ReadonlyMap<string, string>, base: GrownParquet | undefined): SealedGrowth {
    const { encoded, checksum, ...sealed } = this.#seal(known, base)
    const { sizeBytes, rowCount } = sealed
    const written = this.#rowGroups.map((group, index) => ({
      rowCount: group.rowCount,
      // A copy: what it is a view of is given back, and used again.
      bytes: present(encoded.rowGroups[index], 'a footer tells of each row group').slice(),
    }))
    const grown: GrownParquet = {
      sizeBytes: (base?.sizeBytes ?? 0) + sizeBytes,
      rowCount: (base?.rowCount ?? 0) + rowCount,
      checksum,
      rowGroups: [...(base?.rowGroups ?? []), ...written],
      ranges: joinedRanges(base?.ranges ?? [], this.#sources.ranges),
    }
    return { ...sealed, grown, alone: () => this.#alone(known, sealed, base) }
  }

  #alone(
    known: ReadonlyMap<string, string>,
    sealed: Pick<SealedParquet, 'chunks' | 'sizeBytes' | 'crc32c'>,
    base: GrownParquet | undefined,
  ): Pick<SealedParquet, 'chunks' | 'sizeBytes' | 'crc32c'> {
    if (base === undefined) return sealed
    const rows = [magic, ...sealed.chunks.slice(0, -1)]
    const place = (sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes)
    const { bytes } = encodeTail(this.#content(known, undefined), sizeOf(rows), place)
    const chunks = [...rows, bytes]
    return { chunks, sizeBytes: sizeOf(chunks), crc32c: hexOf(checksumOver(chunks, 0)) }
  }

  #seal(
    known: ReadonlyMap<string, string>,
    base: GrownParquet | undefined,
  ): SealedParquet & { readonly encoded: EncodedTail; readonly checksum: number } {
    assert(this.#isOpen, 'a file is sealed once')
    if (this.#openRows > 0) this.#endRowGroup()
    this.#close()
    const offset = this.#closedBytes + movedBy(base)
    const encoded = encodeTail(this.#content(known, base), offset, this.#place)
    this.#push([encoded.bytes])
    const chunks = base === undefined ? this.#bytes : this.#bytes.slice(1)
    const checksum = checksumOver(chunks, base?.checksum ?? 0)
    // Hundreds of sealed files wait for their commit: none keeps more than its bytes alive.
    const slabs = this.#slabs
    return {
      chunks,
      sizeBytes: this.#closedBytes - (base === undefined ? 0 : magic.length),
      rowCount: this.#closedRows,
      crc32c: hexOf(checksum),
      release: () => slabs.release(),
      encoded,
      checksum,
    }
  }

  #content(known: ReadonlyMap<string, string>, base: GrownParquet | undefined): TailContent {
    const own = this.#sources.ranges
    const ranges = base === undefined ? own : joinedRanges(base.ranges, own)
    const offsets = ranges.length === 0 ? [] : [[offsetsKey, offsetsText(ranges)] as const]
    return {
      schema: this.#schema,
      earlier: base?.rowGroups ?? [],
      rowGroups: this.#rowGroups.map((group) => movedRowGroup(group, movedBy(base))),
      hasPageIndex: this.#options.pageIndex,
      keyValues: new Map([...this.#options.keyValues, ...known, ...offsets]),
    }
  }

  /** Gives all memory back without a file. May be called again. */
  discard(): void {
    this.#close()
    this.#slabs.release()
  }

  #close(): void {
    if (this.#isOpen) this.#columns.release()
    this.#isOpen = false
    this.#chunks = []
  }

  #takePage(column: number): boolean {
    const page = this.#columns.takePage(column)
    if (page === undefined) return false
    this.#openBytes += this.#chunk(column).add(page)
    return true
  }

  /** Closes the row group and begins the next. */
  #closeRowGroup(): void {
    this.#endRowGroup()
    this.#chunks = this.#noChunks()
  }

  #endRowGroup(): void {
    const places = this.#schema.leaves.map((_, column) => {
      while (this.#takePage(column));
      const closed = this.#columns.closeChunk(column)
      const { bytes, place } = this.#chunk(column).close(closed, this.#closedBytes)
      this.#push(bytes)
      return place
    })
    const rowCount = this.#openRows
    this.#rowGroups.push({ rowCount, chunks: places, sortedBy: this.#sortedBy() })
    this.#closedRows += this.#openRows
    this.#openRows = 0
    this.#openBytes = 0
    this.#columns.nextRowGroup()
  }

  /** What the file has of the columns by which its rows are in order, up to the first it lacks. */
  #sortedBy(): readonly number[] {
    const leaves = sortColumns(this.#sources.takeOrder()).map((name) => this.#leafOf(name))
    const missing = leaves.indexOf(-1)
    return leaves.slice(0, missing < 0 ? undefined : missing)
  }

  /** Of an identity column; -1 when the table has none. */
  #leafOf(name: IdentityColumn): number {
    return this.#leaves.findIndex(({ identity }) => identity === name)
  }

  readonly #place = (sizeBytes: number): Uint8Array => this.#slabs.place(sizeBytes)

  #noChunks(): undefined[] {
    return Array.from({ length: this.#leaves.length })
  }

  #chunk(column: number): ColumnChunk {
    return (this.#chunks[column] ??= this.#newChunk(column))
  }

  #newChunk(column: number): ColumnChunk {
    const leaf = present(this.#schema.leaves[column], 'every column is a leaf')
    const { bloom: wish } = this.#options
    const isBloomed = wish !== undefined && this.#bloomed.has(column)
    const handling = this.#handling
    return new ColumnChunk(
      leaf,
      isBloomed ? { ...handling, bloom: new BloomFilter(wish) } : handling,
    )
  }

  #push(bytes: readonly Uint8Array[]): void {
    this.#bytes.push(...bytes)
    this.#closedBytes += sizeOf(bytes)
  }
}

const sizeOf = (chunks: readonly Uint8Array[]): number =>
  chunks.reduce((sum, { length }) => sum + length, 0)

/** How far behind its place in a file of its own a tail's row group stands. */
const movedBy = (base: GrownParquet | undefined): number =>
  base === undefined ? 0 : base.sizeBytes - magic.length

function leafAt(schema: TableSchema, path: string): number {
  const found = schema.leaves.findIndex((leaf) => leaf.path.join('.') === path)
  assert(found >= 0, `a column with a Bloom filter is a leaf of the table: ${path}`)
  return found
}

const checksumOver = (chunks: readonly Uint8Array[], from: number): number =>
  chunks.reduce((sum, chunk) => crc32c(chunk, sum), from)

const hexOf = (checksum: number): string => (checksum >>> 0).toString(16).padStart(8, '0')
