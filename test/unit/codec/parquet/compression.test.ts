import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { snappyUncompress } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { inflateLz4Block } from '../../../../src/codec/compression/lz4-frame.ts'
import { inflateSnappy } from '../../../../src/codec/compression/snappy.ts'
import { pageCompressor } from '../../../../src/codec/parquet/compression.ts'
import { encodeLz4Block, lz4BytesMax } from '../../../../src/codec/parquet/lz4.ts'
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

  test('by gzip is read back, the same bytes each time', () => {
    const packed = pageCompressor('gzip', 6)(body)
    expect(Buffer.compare(gunzipSync(packed), body)).toBe(0)
    expect(Buffer.compare(packed, pageCompressor('gzip', 6)(body))).toBe(0)
  })

  test('by lz4 is read back and fits its bound', () => {
    const packed = pageCompressor('lz4_raw', 0)(body)
    expect(packed.length).toBeLessThanOrEqual(lz4BytesMax(body.length))
    const ours = inflateLz4Block(packed, body.length)
    expect(ours.kind === 'inflated' && Buffer.compare(ours.bytes, body)).toBe(0)
    expect(tailOf(packed)).toBeGreaterThanOrEqual(Math.min(5, body.length))
  })

  test('by none stays as it is', () => {
    expect(pageCompressor('none', 0)(body)).toBe(body)
  })
})

test('snappy makes repetition small and stores noise nearly as it is', () => {
  expect(encodeSnappy(text(100_000)).length).toBeLessThan(6_000)
  expect(encodeSnappy(noise(100_000)).length).toBeLessThan(100_100)
})

/** Literal bytes at the end of a block of lz4, by a walk of its own. */
function tailOf(block: Uint8Array): number {
  let at = 0
  const length = (nibble: number): number => {
    let sum = nibble
    let more = nibble === 15 ? 255 : 0
    for (; more === 255; sum += more) more = block[at++] ?? 0
    return sum
  }
  for (;;) {
    const token = block[at++] ?? 0
    const literals = length(token >>> 4)
    at += literals
    if (at >= block.length) return literals
    at += 2
    length(token & 15)
  }
}

test('lz4 makes repetition small and stores noise nearly as it is', () => {
  expect(encodeLz4Block(text(100_000)).length).toBeLessThan(1_000)
  expect(encodeLz4Block(noise(100_000)).length).toBeLessThan(100_500)
})

test('a page of 17 MB leaves lz4 no larger than before', () => {
  const large = text(17_000_000)
  const packed = encodeLz4Block(large)
  expect(packed.buffer.byteLength).toBeGreaterThan(17_000_000)
  const ours = inflateLz4Block(packed, large.length)
  expect(ours.kind === 'inflated' && Buffer.compare(ours.bytes, large)).toBe(0)
  expect(encodeLz4Block(text(100)).buffer.byteLength).toBeLessThan(1_000)
})

test('lz4 reaches back 65,535 bytes and no further', () => {
  const start = noise(64)
  const far = (gapBytes: number): number =>
    encodeLz4Block(Buffer.concat([start, new Uint8Array(gapBytes), start, noise(20)])).length
  expect(far(65_535 - 64)).toBeLessThan(far(65_536 - 64) - 40)
})

test('a block of lz4 is refused that says more than is allowed, or reaches before its start', () => {
  expect(inflateLz4Block(encodeLz4Block(text(1_000)), 999).kind).toBe('too-large')
  expect(inflateLz4Block(Uint8Array.of(0x10, 65, 2, 0, 0x50, 1, 2, 3, 4, 5), 100).kind).toBe(
    'malformed',
  )
})

test('the samples of the file headers', () => {
  const sample = Buffer.from('a'.repeat(32))
  expect(Buffer.from(encodeSnappy(sample)).toString('hex')).toBe('2000617a0100')
  expect(Buffer.from(encodeLz4Block(sample)).toString('hex')).toBe('1f6101000750' + '61'.repeat(5))
})

test.each(['zstd', 'gzip'] as const)('a higher level of %s is used', (codec) => {
  const body = Buffer.concat([text(50_000), noise(2_000), text(50_000)])
  const mixed = Buffer.from(body.map((value, at) => (at % 97 === 0 ? at & 0xff : value)))
  const sizes = [9, 1].map((level) => pageCompressor(codec, level)(mixed).length)
  expect(sizes[0]).toBeLessThan(sizes[1] ?? 0)
})
