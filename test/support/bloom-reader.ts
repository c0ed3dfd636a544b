/**
 * XXH64 and split block Bloom filters as their specifications have them: with bigints, slow and
 * plain, sharing nothing with the kernel or the writer.
 */
import { decodeThrift } from '../../src/codec/parquet/thrift.ts'

const mask = (1n << 64n) - 1n
const primes = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const
const [p1, p2, p3, p4, p5] = primes

const wrap = (value: bigint): bigint => value & mask
const turn = (value: bigint, bits: bigint): bigint =>
  wrap((value << bits) | (wrap(value) >> (64n - bits)))
const round = (lane: bigint, input: bigint): bigint => wrap(turn(wrap(lane + input * p2), 31n) * p1)

/** XXH64 with seed 0. */
export function xxhash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  let hash: bigint = p5
  if (bytes.length >= 32) {
    const lanes = [p1 + p2, p2, 0n, -p1].map(wrap)
    for (; at + 32 <= bytes.length; at += 32) {
      for (const [index, lane] of lanes.entries()) {
        lanes[index] = round(lane, view.getBigUint64(at + 8 * index, true))
      }
    }
    const turns = [1n, 7n, 12n, 18n]
    hash = wrap(lanes.reduce((sum, lane, index) => sum + turn(lane, turns[index] ?? 0n), 0n))
    for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * p1 + p4)
  }
  hash = wrap(hash + BigInt(bytes.length))
  for (; at + 8 <= bytes.length; at += 8) {
    hash = wrap(turn(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * p1 + p4)
  }
  for (; at + 4 <= bytes.length; at += 4) {
    hash = wrap(turn(wrap(hash ^ (BigInt(view.getUint32(at, true)) * p1)), 23n) * p2 + p3)
  }
  for (; at < bytes.length; at++) {
    hash = wrap(turn(wrap(hash ^ (BigInt(bytes[at] ?? 0) * p5)), 11n) * p1)
  }
  hash = wrap((hash ^ (hash >> 33n)) * p2)
  hash = wrap((hash ^ (hash >> 29n)) * p3)
  return hash ^ (hash >> 32n)
}

/** As the writer takes hashes: pairs of words, the low one first. */
export function hashWords(values: readonly Uint8Array[]): Uint32Array {
  const hashes = BigUint64Array.from(values, xxhash64)
  return new Uint32Array(hashes.buffer)
}

const salts = [
  0x47b6137bn,
  0x44974d91n,
  0x8824ad5bn,
  0xa2b7289dn,
  0x705495c7n,
  0x2df1424bn,
  0x9efc4947n,
  0x5c6bfb31n,
]

/** A filter as a reader finds it in a file. */
export class BloomReader {
  readonly sizeBytes: number
  readonly #blocks: DataView

  /** @param encoded header and blocks. */
  constructor(encoded: Uint8Array) {
    const { fields, sizeBytes } = decodeThrift(encoded)
    const size = fields.get(1)
    if (size?.type !== 'i32') throw new Error('a header without its size')
    for (const kind of [2, 3, 4]) {
      const union = fields.get(kind)
      if (union?.type !== 'struct' || !union.fields.has(1))
        throw new Error('another kind of filter')
    }
    if (encoded.length !== sizeBytes + size.value) throw new Error('a size that is not so')
    this.sizeBytes = size.value
    this.#blocks = new DataView(encoded.buffer, encoded.byteOffset + sizeBytes, size.value)
  }

  mayHold(value: Uint8Array): boolean {
    const hash = xxhash64(value)
    const blocks = BigInt(this.sizeBytes / 32)
    const block = Number(((hash >> 32n) * blocks) >> 32n)
    const low = hash & 0xffff_ffffn
    return salts.every((salt, word) => {
      const bit = Number(((low * salt) & 0xffff_ffffn) >> 27n)
      return ((this.#blocks.getUint32(32 * block + 4 * word, true) >>> bit) & 1) === 1
    })
  }
}
