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
import { encodings, pageTypes } from './format.ts'
import { encodeThrift, i32, struct, type ThriftValue } from './thrift.ts'

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

export function dataPage(page: PageContent, encoding: PageEncoding, place: PlacePage): EncodedPage {
  const header = struct([
    [1, i32(page.valueCount)],
    [2, i32(encodings[encoding])],
    [3, i32(encodings.rle)],
    [4, i32(encodings.rle)],
  ])
  return encodedPage(page, { type: pageTypes.data, header: [5, header] }, place)
}

export function dictionaryPage(page: PageContent, place: PlacePage): EncodedPage {
  const header = struct([
    [1, i32(page.valueCount)],
    [2, i32(encodings.plain)],
  ])
  return encodedPage(page, { type: pageTypes.dictionary, header: [7, header] }, place)
}

/** The body is copied: the compressor uses its output again. */
function encodedPage(
  page: PageContent,
  kind: { readonly type: number; readonly header: readonly [number, ThriftValue] },
  place: PlacePage,
): EncodedPage {
  const { body, uncompressedBytes, valueCount } = page
  const header = encodeThrift(
    struct([
      [1, i32(kind.type)],
      [2, i32(uncompressedBytes)],
      [3, i32(body.length)],
      [4, i32(crc32(body) | 0)],
      kind.header,
    ]),
  )
  const bytes = place(header.length + body.length)
  bytes.set(header, 0)
  bytes.set(body, header.length)
  return { bytes, uncompressedBytes: header.length + uncompressedBytes, valueCount }
}
