import { assert } from '../../base/assert.ts'
import type { PageEncoding } from '../../kernel/page-encodings.ts'
import type { LeafColumn } from '../../model/table-schema.ts'
import type { BloomFilter } from './bloom-filter.ts'
import { ChunkBoundsOfPages, type PageValues } from './chunk-bounds.ts'
import type { CompressPage, ParquetCodec } from './compression.ts'
import type { ChunkPlace } from './footer.ts'
import { dataPage, dictionaryPage, type EncodedPage, type PlacePage } from './page.ts'
import { type PagePlace, pagePlace } from './page-index.ts'

/** A page as the kernel gives it; its body is valid until the kernel is called again. */
export interface RawPage extends PageValues {
  readonly body: Uint8Array
  /** Rows that begin in the page; it begins with one. */
  readonly rowCount: number
  readonly encoding: PageEncoding
  /** Of the values, where a Bloom filter wants them and the page has no dictionary indexes. */
  readonly hashes: Uint32Array | undefined
}

/** What the kernel says of a column chunk when it is closed; views, as those of pages. */
export interface ClosedChunk {
  readonly dictionary: { readonly body: Uint8Array; readonly valueCount: number } | undefined
  /** Of the dictionary's entries, where a Bloom filter wants them. */
  readonly hashes: Uint32Array | undefined
  readonly nullCount: number
}

/**
 * A body that shrinks by less than this is not worth decompressing: such a chunk is stored as it
 * is, for good. Its first page decides, so that the same rows always give the same bytes.
 */
const ratioMin = 1.1

/** A data page as it stands in the file, and what the page index says of it: one object of both. */
interface ChunkPage extends EncodedPage, PagePlace {
  readonly encoding: PageEncoding
}

const noValues = { body: new Uint8Array(0), valueCount: 0 }

/** What a chunk's pages go through. */
export interface PageHandling {
  readonly codec: ParquetCodec
  readonly compress: CompressPage
  readonly place: PlacePage
  /** Takes the chunk's values, when there is one. */
  readonly bloom: BloomFilter | undefined
}

/** Pages of one column of the open row group, compressed as they come. */
export class ColumnChunk {
  readonly #column: LeafColumn
  readonly #wanted: PageHandling
  readonly #pages: ChunkPage[] = []
  readonly #bounds: ChunkBoundsOfPages
  #codec: ParquetCodec | undefined

  constructor(column: LeafColumn, wanted: PageHandling) {
    this.#column = column
    this.#wanted = wanted
    this.#bounds = new ChunkBoundsOfPages(column.leaf)
  }

  /** Memory of the values that wait for the chunk's Bloom filter. */
  get bloomBytes(): number {
    return this.#wanted.bloom?.heldBytes ?? 0
  }

  /** @returns the bytes that the page takes in the file. */
  add(page: RawPage): number {
    const { encoding } = page
    const encoded = dataPage(this.#compressed(page), encoding, this.#wanted.place)
    const { bytes, uncompressedBytes, valueCount } = encoded
    const place = pagePlace(this.#column.leaf, page, bytes.length)
    const { sizeBytes, rowCount, nullCount, hasValues, bounds } = place
    const told = { sizeBytes, rowCount, nullCount, hasValues, bounds }
    this.#pages.push({ bytes, uncompressedBytes, valueCount, encoding, ...told })
    this.#bounds.add(page)
    if (page.hashes !== undefined) this.#wanted.bloom?.add(page.hashes)
    return sizeBytes
  }

  /**
   * The chunk's bytes in the order of the file, the dictionary first, and its place.
   *
   * @param offset of the chunk in the file.
   */
  close(
    closed: ClosedChunk,
    offset: number,
  ): { readonly bytes: readonly Uint8Array[]; readonly place: ChunkPlace } {
    if (closed.hashes !== undefined) this.#wanted.bloom?.add(closed.hashes)
    const sums = this.#sums()
    const hasIndexes = sums.pages['rle-dictionary'] > 0
    const isEmpty = closed.nullCount === sums.valueCount
    const lacksDictionary = hasIndexes && closed.dictionary === undefined
    assert(isEmpty || !lacksDictionary, 'dictionary pages have a dictionary')
    const first = hasIndexes ? this.#dictionary(closed) : undefined
    const firstBytes = first?.bytes.length ?? 0
    const { nullCount, min, max } = this.#bounds.bounds
    const place: ChunkPlace = {
      column: this.#column,
      codec: this.#codec ?? this.#wanted.codec,
      valueCount: sums.valueCount,
      uncompressedBytes: sums.uncompressedBytes + (first?.uncompressedBytes ?? 0),
      compressedBytes: sums.compressedBytes + firstBytes,
      dictionaryOffset: first === undefined ? undefined : offset,
      dataOffset: offset + firstBytes,
      pages: sums.pages,
      dataPages: this.#pages,
      bloom: this.#wanted.bloom?.encoded(),
      nullCount,
      min,
      max,
    }
    assert(place.nullCount === closed.nullCount, 'nulls of the pages are those of the chunk')
    const bytes = first === undefined ? [] : [first.bytes]
    for (const page of this.#pages) bytes.push(page.bytes)
    return { bytes, place }
  }

  /** Of the data pages. */
  #sums() {
    const pages: Record<PageEncoding, number> = {
      plain: 0,
      'rle-dictionary': 0,
      'delta-binary-packed': 0,
      'delta-byte-array': 0,
    }
    let valueCount = 0
    let uncompressedBytes = 0
    let compressedBytes = 0
    for (const page of this.#pages) {
      pages[page.encoding] += 1
      valueCount += page.valueCount
      uncompressedBytes += page.uncompressedBytes
      compressedBytes += page.sizeBytes
    }
    return { pages, valueCount, uncompressedBytes, compressedBytes }
  }

  /** Of a chunk of nothing but nulls it is empty: readers want one before such pages. */
  #dictionary({ dictionary }: ClosedChunk): EncodedPage {
    return dictionaryPage(this.#compressed(dictionary ?? noValues), this.#wanted.place)
  }

  #compressed(page: { readonly body: Uint8Array; readonly valueCount: number }): {
    body: Uint8Array
    uncompressedBytes: number
    valueCount: number
  } {
    const { body, valueCount } = page
    const content = { uncompressedBytes: body.length, valueCount }
    if (this.#codec === 'none') return { ...content, body }
    const compressed = this.#wanted.compress(body)
    this.#codec ??= compressed.length * ratioMin > body.length ? 'none' : this.#wanted.codec
    return { ...content, body: this.#codec === 'none' ? body : compressed }
  }
}
