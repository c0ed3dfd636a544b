/** Parquet files as hyparquet reads them, which shares no code with what writes them. */
import { zstdDecompressSync } from 'node:zlib'
import { parquetReadObjects } from 'hyparquet'

export const rowsOf = (bytes: Uint8Array): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  parquetReadObjects({
    file: {
      byteLength: bytes.length,
      slice: (from, to = bytes.length) => new Uint8Array(bytes.subarray(from, to)).buffer,
    },
    compressors: { ZSTD: (page) => zstdDecompressSync(page) },
    utf8: false,
    geoparquet: false,
  })
