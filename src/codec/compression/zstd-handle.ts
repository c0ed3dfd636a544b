/**
 * What Node.js's streams of zstd keep inside: a handle that can be written to synchronously, as the
 * stream itself does. It is not documented: whoever uses it tries first whether it does what it
 * should.
 *
 * Source: Node.js lib/zlib.js, classes ZstdCompress and ZstdDecompress.
 */
import type { ZstdCompress, ZstdDecompress } from 'node:zlib'

export interface ZstdInside {
  readonly _handle: {
    /** Flush flag, input with start and length, output with start and length. */
    writeSync(...step: readonly [number, ...Span, ...Span]): void
    onerror: (message: string) => void
  }
  /** After a write: bytes of output, and of input, that are left. */
  readonly _writeState: Uint32Array
}

type Span = readonly [bytes: Uint8Array, start: number, sizeBytes: number]

export const zstdInside = (stream: ZstdCompress | ZstdDecompress): ZstdInside =>
  stream as unknown as ZstdInside
