/**
 * One Parquet file in the making: rows go through the kernel into pages, pages are compressed as
 * soon as they are full, so that closing the file only has to close the last of them.
 *
 * - The file is kept in memory until it is sealed; it is written by others, in one go.
 * - A row group is closed when its bytes pass a limit, between two batches: a row is never split.
 * - Same rows in the same batches give the same bytes.
 *
 *     "PAR1" | row group: column chunk: dictionary page, data pages … | … | footer, length, "PAR1"
 *
 * Source: Apache Parquet format, README ("File format").
 */
import { crc32c } from '@node-rs/crc32'
import { assert } from '../../base/assert.ts'
import type { CompiledTable, FileColumns } from '../../kernel/kernel.ts'
import type { FileEncodings } from '../../kernel/page-encodings.ts'
import type { RowBatch, RowRefusal } from '../../model/row-batch.ts'
import type { TableSchema } from '../../model/table-schema.ts'
import { ColumnChunk } from './column-chunk.ts'
import { type CompressPage, type ParquetCodec, pageCompressor } from './compression.ts'
import { encodeFooter, type RowGroupPlace } from './footer.ts'
import { magic } from './format.ts'
import { FileSlabs, pageSlabs } from './page-slabs.ts'

export interface ParquetFileOptions {
  readonly codec: ParquetCodec
  /** Of zstd, 1 to 22. */
  readonly level: number
  /** Of values outside of dictionaries; `auto` when not given. */
  readonly encodings?: FileEncodings
  /** A row group is closed when it has more bytes, compressed ones and those not yet. */
  readonly rowGroupBytesMax: number
  /** Written into the footer. */
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

export class ParquetFileWriter {
  readonly #schema: TableSchema
  readonly #options: ParquetFileOptions
  readonly #columns: FileColumns
  readonly #compress: CompressPage
  readonly #slabs = new FileSlabs(pageSlabs)
  readonly #bytes: Uint8Array[] = [magic]
  readonly #rowGroups: RowGroupPlace[] = []
  #chunks: readonly ColumnChunk[]
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
    this.#compress = pageCompressor(options.codec, options.level)
    this.#chunks = this.#newChunks()
  }

  /** Rows in the file, open row group included. */
  get rowCount(): number {
    return this.#closedRows + this.#openRows
  }

  /** Memory this file takes: compressed pages and the kernel's builders. */
  get bufferedBytes(): number {
    return this.encodedBytes + (this.#isOpen ? this.#columns.bufferedBytes : 0)
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
    for (const column of this.#columns.fullPages()) this.#takePage(column)
    const openBytes = this.#openBytes + this.#columns.bufferedBytes
    if (this.#openRows > 0 && openBytes > this.#options.rowGroupBytesMax) this.#closeRowGroup()
    return refused
  }

  /** Closes row group and footer, and gives the kernel's memory back. */
  seal(): SealedParquet {
    assert(this.#isOpen, 'a file is sealed once')
    if (this.#openRows > 0) this.#closeRowGroup()
    this.#close()
    const { keyValues } = this.#options
    const content = { schema: this.#schema, rowGroups: this.#rowGroups, keyValues }
    this.#push([encodeFooter(content)])
    return {
      chunks: this.#bytes,
      sizeBytes: this.#closedBytes,
      rowCount: this.#closedRows,
      crc32c: checksumOf(this.#bytes),
      release: () => this.#slabs.release(),
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
  }

  #takePage(column: number): boolean {
    const page = this.#columns.takePage(column)
    if (page === undefined) return false
    this.#openBytes += this.#chunk(column).add(page)
    return true
  }

  #closeRowGroup(): void {
    const places = this.#schema.leaves.map((_, column) => {
      while (this.#takePage(column));
      const closed = this.#columns.closeChunk(column)
      const { bytes, place } = this.#chunk(column).close(closed, this.#closedBytes)
      this.#push(bytes)
      return place
    })
    this.#rowGroups.push({ rowCount: this.#openRows, chunks: places })
    this.#closedRows += this.#openRows
    this.#openRows = 0
    this.#openBytes = 0
    this.#columns.nextRowGroup()
    this.#chunks = this.#newChunks()
  }

  #chunk(column: number): ColumnChunk {
    const chunk = this.#chunks[column]
    assert(chunk !== undefined, 'every leaf has a chunk')
    return chunk
  }

  #newChunks(): readonly ColumnChunk[] {
    const place = (sizeBytes: number): Uint8Array => this.#slabs.place(sizeBytes)
    const wanted = { codec: this.#options.codec, compress: this.#compress, place }
    return this.#schema.leaves.map((leaf) => new ColumnChunk(leaf, wanted))
  }

  #push(bytes: readonly Uint8Array[]): void {
    this.#bytes.push(...bytes)
    this.#closedBytes += bytes.reduce((sum, { length }) => sum + length, 0)
  }
}

function checksumOf(chunks: readonly Uint8Array[]): string {
  const checksum = chunks.reduce((sum, chunk) => crc32c(chunk, sum), 0)
  return (checksum >>> 0).toString(16).padStart(8, '0')
}
