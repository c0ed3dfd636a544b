import type { ParquetFileOptions } from '../codec/parquet/file-writer.ts'
import type { FileConfig } from './config.ts'

/** Of zstd: files of a minute gain little from more. Of gzip: what everybody else writes. */
const defaultLevel = { zstd: 1, gzip: 6, snappy: 1, lz4_raw: 1, none: 1 } as const
const defaultErrorRate = 0.01
/** Enough for a million values at one per cent. */
const bloomBytesMax = 1_048_576

/** How files of a stream are written. @param keyValues of every one of them. */
export function parquetOptions(
  file: FileConfig,
  keyValues: ReadonlyMap<string, string>,
): ParquetFileOptions {
  const { codec, encodings, level, rowGroupBytes, pageIndex, bloom, bloomErrorRate } = file
  return {
    codec,
    encodings,
    level: level ?? defaultLevel[codec],
    rowGroupBytesMax: rowGroupBytes,
    pageIndex,
    bloom:
      bloom.length === 0
        ? undefined
        : {
            columns: bloom,
            errorRate: bloomErrorRate ?? defaultErrorRate,
            sizeBytesMax: bloomBytesMax,
          },
    keyValues,
  }
}
