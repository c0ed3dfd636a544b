import { zstdDecompressSync } from 'node:zlib'
import { snappyUncompress } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { inflateSnappy } from '../../../../src/codec/compression/snappy.ts'
import { pageCompressor } from '../../../../src/codec/parquet/compression.ts'
import { encodeSnappy, snappyBytesMax } from '../../../../src/codec/parquet/snappy.ts'

/** Bytes without repetition, the same in every run. */
function noise(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes)
  let state = 1
  for (let at = 0; at < sizeBytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[at] = state >>> 16
  }
  return bytes
}

const text = (sizeBytes: number): Uint8Array =>
  Buffer.from('a page of a shop, seen by many; '.repeat(Math.ceil(sizeBytes / 32))).subarray(
    0,
    sizeBytes,
  )

const bodies: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array(0)],
  ['one byte', Uint8Array.of(7)],
  ['fifteen bytes', text(15)],
  ['sixteen bytes', text(16)],
  ['one value', new Uint8Array(100_000).fill(1)],
  ['text', text(300_000)],
  ['noise', noise(200_000)],
  ['noise that repeats from the fragment before', Buffer.concat([noise(65_536), noise(65_536)])],
  [
    'short literals of every length',
    Buffer.concat(Array.from({ length: 300 }, (_, n) => Buffer.concat([noise(n), text(70)]))),
  ],
  [
    'copies of every length',
    Buffer.concat(
      Array.from({ length: 140 }, (_, n) =>
        Buffer.concat([Buffer.from(`<${n}!${n * 7}>`), Buffer.alloc(n, 'a')]),
      ),
    ),
  ],
]

describe.each(bodies)('%s', (_name, body) => {
  test('by zstd is read back', () => {
    const packed = pageCompressor('zstd', 1)(body)
    expect(Buffer.compare(zstdDecompressSync(packed), body)).toBe(0)
  })

  test('by snappy is read back by two readers and fits its bound', () => {
    const packed = pageCompressor('snappy', 0)(body)
    expect(packed.length).toBeLessThanOrEqual(snappyBytesMax(body.length))
    const ours = inflateSnappy(packed, body.length)
    expect(ours.kind === 'inflated' && Buffer.compare(ours.bytes, body)).toBe(0)
    if (body.length === 0) return
    const theirs = new Uint8Array(body.length)
    snappyUncompress(packed, theirs)
    expect(Buffer.compare(theirs, body)).toBe(0)
  })

  test('by none stays as it is', () => {
    expect(pageCompressor('none', 0)(body)).toBe(body)
  })
})

test('snappy makes repetition small and stores noise nearly as it is', () => {
  expect(encodeSnappy(text(100_000)).length).toBeLessThan(6_000)
  expect(encodeSnappy(noise(100_000)).length).toBeLessThan(100_100)
})

test('the sample of the file header', () => {
  const packed = encodeSnappy(Buffer.from('a'.repeat(32)))
  expect(Buffer.from(packed).toString('hex')).toBe('2000617a0100')
})

test('a higher level of zstd is used', () => {
  const body = Buffer.concat([text(50_000), noise(2_000), text(50_000)])
  const mixed = Buffer.from(body.map((value, at) => (at % 97 === 0 ? at & 0xff : value)))
  expect(pageCompressor('zstd', 19)(mixed).length).toBeLessThan(
    pageCompressor('zstd', 1)(mixed).length,
  )
})
