/**
 * One page: its header and its compressed body in one piece of bytes.
 *
 * - Data pages are version 1: levels and values are compressed together, which every reader knows.
 * - `crc` is the CRC32 (the one of gzip) of the compressed body.
 *
 *     header (Thrift compact) | body
 *
 * Source: Apache Parquet, `parquet.thrift` (PageHeader), README ("Checksumming").
 */
import { crc32 } from '@node-rs/crc32'
import type { PageEncoding } from '../../kernel/page-encodings.ts'
import { CompactBytes } from './compact-bytes.ts'
import { encodings, pageTypes } from './format.ts'

export interface PageContent {
  /** Compressed. */
  readonly body: Uint8Array
  readonly uncompressedBytes: number
  /** Values and nulls. */
  readonly valueCount: number
}

/** A page as it stands in a file. */
export interface EncodedPage {
  readonly bytes: Uint8Array
  /** Header, and body before compression: what `total_uncompressed_size` counts. */
  readonly uncompressedBytes: number
  readonly valueCount: number
}

/** Where a page's bytes go: room for exactly so many. */
export type PlacePage = (sizeBytes: number) => Uint8Array

/** One for all: a header is taken before the next is begun. */
const header = new CompactBytes()

export function dataPage(page: PageContent, encoding: PageEncoding, place: PlacePage): EncodedPage {
  beginHeader(page, pageTypes.data)
  header.field(1, 'struct')
  header.numberField(1, 'i32', page.valueCount)
  for (const each of [encoding, 'rle', 'rle'] as const) {
    header.numberField(1, 'i32', encodings[each])
  }
  return encodedPage(page, place)
}

export function dictionaryPage(page: PageContent, place: PlacePage): EncodedPage {
  beginHeader(page, pageTypes.dictionary)
  header.field(3, 'struct')
  header.numberField(1, 'i32', page.valueCount)
  header.numberField(1, 'i32', encodings.plain)
  return encodedPage(page, place)
}

/** What all pages have: fields 1 to 4. */
function beginHeader({ body, uncompressedBytes }: PageContent, type: number): void {
  header.numberField(1, 'i32', type)
  header.numberField(1, 'i32', uncompressedBytes)
  header.numberField(1, 'i32', body.length)
  header.field(1, 'i32')
  header.signed(crc32(body) | 0)
}

/** Ends the header. The body is copied: the compressor uses its output again. */
function encodedPage(page: PageContent, place: PlacePage): EncodedPage {
  const { body, uncompressedBytes, valueCount } = page
  header.end()
  header.end()
  const headerBytes = header.sizeBytes
  const bytes = place(headerBytes + body.length)
  header.moveTo(bytes)
  bytes.set(body, headerBytes)
  return { bytes, uncompressedBytes: headerBytes + uncompressedBytes, valueCount }
}
