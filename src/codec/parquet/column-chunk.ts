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

const noPages = (): Record<PageEncoding, number> => ({
  plain: 0,
  'rle-dictionary': 0,
  'delta-binary-packed': 0,
  'delta-byte-array': 0,
})

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
  readonly #dataPages: EncodedPage[] = []
  readonly #pages = noPages()
  readonly #places: PagePlace[] = []
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
    const encoded = dataPage(this.#compressed(page), page.encoding, this.#wanted.place)
    this.#pages[page.encoding]++
    this.#dataPages.push(encoded)
    this.#places.push(pagePlace(this.#column.leaf, page, encoded.bytes.length))
    this.#bounds.add(page)
    if (page.hashes !== undefined) this.#wanted.bloom?.add(page.hashes)
    return encoded.bytes.length
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
    const valueCount = this.#dataPages.reduce((total, page) => total + page.valueCount, 0)
    const isEmpty = closed.nullCount === valueCount
    assert(isEmpty || !this.#lacksDictionary(closed), 'dictionary pages have a dictionary')
    const first = this.#pages['rle-dictionary'] > 0 ? this.#dictionary(closed) : undefined
    const pages = first === undefined ? this.#dataPages : [first, ...this.#dataPages]
    const sum = (sizeOf: (page: EncodedPage) => number): number =>
      pages.reduce((total, page) => total + sizeOf(page), 0)
    const place: ChunkPlace = {
      column: this.#column,
      codec: this.#codec ?? this.#wanted.codec,
      valueCount,
      uncompressedBytes: sum((page) => page.uncompressedBytes),
      compressedBytes: sum((page) => page.bytes.length),
      dictionaryOffset: first === undefined ? undefined : offset,
      dataOffset: offset + (first?.bytes.length ?? 0),
      pages: this.#pages,
      dataPages: this.#places,
      bloom: this.#wanted.bloom?.encoded(),
      ...this.#bounds.bounds,
    }
    assert(place.nullCount === closed.nullCount, 'nulls of the pages are those of the chunk')
    return { bytes: pages.map(({ bytes }) => bytes), place }
  }

  #lacksDictionary({ dictionary }: ClosedChunk): boolean {
    return this.#pages['rle-dictionary'] > 0 && dictionary === undefined
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
