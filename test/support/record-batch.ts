/** A writer of record batches (format v2) for tests: any header may be set, also wrongly. */
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import { crc32c } from '@node-rs/crc32'
import { type Compress, zstdCompressorOf } from '../../src/codec/compression/zstd-compressor.ts'
import type { BatchCodec } from '../../src/codec/kafka/record-batch.ts'

export interface TestRecord {
  readonly key?: Uint8Array | string | null
  readonly value?: Uint8Array | string | null
  readonly timestampMs?: number
  /** From the batch's base offset; the record's index when absent. */
  readonly offsetDelta?: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestBatch {
  readonly records: readonly TestRecord[]
  readonly baseOffset?: bigint
  readonly codec?: BatchCodec
  readonly leaderEpoch?: number
  readonly logAppendTimeMs?: number
  readonly producerId?: bigint
  readonly transactional?: boolean
  readonly control?: boolean
  readonly lastOffsetDelta?: number
  /** Instead of the number of records. */
  readonly recordCount?: number
  /** Instead of what the records encode to (before compression is not applied). */
  readonly section?: Uint8Array
}

const ours = createRequire(import.meta.url)
const codecs: readonly BatchCodec[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** A zigzag varint of up to 64 bits. */
function zigzag(value: number | bigint): Buffer {
  const wide = BigInt(value)
  let rest = BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n))
  const bytes: number[] = []
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128)
    rest >>= 7n
  }
  return Buffer.from([...bytes, Number(rest)])
}

const nullable = (bytes: Uint8Array | string | null | undefined): Buffer => {
  if (bytes === null || bytes === undefined) return zigzag(-1)
  const raw = Buffer.from(bytes)
  return Buffer.concat([zigzag(raw.length), raw])
}

/** One record as it stands in a batch. */
export function encodeRecord(record: TestRecord, index: number, baseTimestampMs: number): Buffer {
  const headers = Object.entries(record.headers ?? {})
  const body = Buffer.concat([
    Buffer.from([0]),
    zigzag((record.timestampMs ?? baseTimestampMs) - baseTimestampMs),
    zigzag(record.offsetDelta ?? index),
    nullable(record.key),
    nullable(record.value),
    zigzag(headers.length),
    ...headers.flatMap(([key, value]) => [nullable(key), nullable(value)]),
  ])
  return Buffer.concat([zigzag(body.length), body])
}

/** Loaded when it is needed: hundreds of modules, which worlds without such batches do without. */
function foreignCodecs() {
  const library: typeof import('@platformatic/kafka') = ours('@platformatic/kafka')
  return library.compressionsAlgorithms
}

let zstd: Compress | undefined

export function compress(codec: BatchCodec, bytes: Buffer): Uint8Array {
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'zstd':
      zstd ??= zstdCompressorOf({})
      return Buffer.from(zstd(bytes))
    case 'lz4':
      return foreignCodecs().lz4.compressSync(bytes)
    case 'snappy':
      return foreignCodecs().snappy.compressSync(bytes)
  }
}

/** The batch's bytes, with the right length and checksum. */
export function encodeBatch(batch: TestBatch): Buffer {
  const { records, codec = 'none' } = batch
  const times = records.map((record) => record.timestampMs ?? 0)
  const baseTimestampMs = times[0] ?? 0
  const maxTimestampMs = batch.logAppendTimeMs ?? Math.max(baseTimestampMs, ...times)
  const plain = Buffer.concat(
    records.map((record, index) => encodeRecord(record, index, baseTimestampMs)),
  )
  const section = batch.section ?? compress(codec, plain)
  const lastDelta = records.at(-1)?.offsetDelta ?? records.length - 1
  const attributes =
    codecs.indexOf(codec) |
    (batch.logAppendTimeMs === undefined ? 0 : 8) |
    (batch.transactional === true ? 16 : 0) |
    (batch.control === true ? 32 : 0)
  const head = Buffer.alloc(61)
  head.writeBigInt64BE(batch.baseOffset ?? 0n, 0)
  head.writeInt32BE(49 + section.length, 8)
  head.writeInt32BE(batch.leaderEpoch ?? 0, 12)
  head.writeInt8(2, 16)
  head.writeInt16BE(attributes, 21)
  head.writeInt32BE(batch.lastOffsetDelta ?? Math.max(lastDelta, 0), 23)
  head.writeBigInt64BE(BigInt(baseTimestampMs), 27)
  head.writeBigInt64BE(BigInt(maxTimestampMs), 35)
  head.writeBigInt64BE(batch.producerId ?? -1n, 43)
  head.writeInt16BE(0, 51)
  head.writeInt32BE(-1, 53)
  head.writeInt32BE(batch.recordCount ?? records.length, 57)
  return withChecksum(Buffer.concat([head, section]))
}

/** The same bytes with the checksum made right again, for tests that break other things. */
export function withChecksum(batch: Buffer): Buffer {
  const bytes = Buffer.from(batch)
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17)
  return bytes
}

/** A transaction's marker: a control batch of one record. */
export function encodeMarker(
  marker: 'abort' | 'commit',
  at: { readonly baseOffset: bigint; readonly producerId: bigint },
): Buffer {
  const key = Buffer.from([0, 0, 0, marker === 'abort' ? 0 : 1])
  return encodeBatch({
    ...at,
    records: [{ key, value: Buffer.alloc(6) }],
    control: true,
    transactional: true,
  })
}
