import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { present } from '../../../../src/base/assert.ts'
import {
  inflateAgain,
  inflateDocumented,
  inflateZstd,
  works,
  type ZstdOutcome,
} from '../../../../src/codec/compression/zstd.ts'
import { zstdFrames } from '../../../../src/codec/compression/zstd-frames.ts'

const plain = Buffer.from(
  Array.from({ length: 9_000 }, (_, index) => `user ${index * 7_919}`).join(),
)

/** A frame as a streaming producer writes it: no content size in its header. */
async function streamed(...parts: readonly Uint8Array[]): Promise<Buffer> {
  const stream = createZstdCompress()
  for (const part of parts) {
    stream.write(part)
    await new Promise<void>((resolve) => stream.flush(constants.ZSTD_e_flush, resolve))
  }
  stream.end()
  return Buffer.concat(await stream.toArray())
}

function bytesOf(outcome: ZstdOutcome): Buffer {
  if (outcome.kind !== 'inflated') throw new Error(`the outcome is ${outcome.kind}`)
  return Buffer.from(outcome.bytes)
}

const ways = { again: inflateAgain, documented: inflateDocumented }
const place = (sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes)

describe.each(Object.entries(ways))('%s', (_name, way) => {
  const inflated = (input: Uint8Array, sizeBytesMax: number): ZstdOutcome =>
    way(input, present(zstdFrames(input), 'the input is whole frames'), { sizeBytesMax, place })

  test('frames in a row are inflated to the end, within the limit of all together', () => {
    const frames = Buffer.concat([zstdCompressSync(plain), zstdCompressSync(plain)])
    const both = Buffer.concat([plain, plain])
    expect(bytesOf(inflated(frames, both.length)).equals(both)).toBe(true)
    expect(inflated(frames, both.length - 1).kind).toBe('too-large')
    expect(inflated(frames, plain.length).kind).toBe('too-large')
  })

  test('a frame without its size inflates within the limit', async () => {
    const parts = Array.from({ length: 40 }, () => plain)
    const frame = await streamed(...parts)
    expect(frame.readUInt8(4) >>> 6).toBe(0)
    const all = Buffer.concat(parts)
    expect(bytesOf(inflated(frame, all.length)).equals(all)).toBe(true)
    expect(inflated(frame, all.length - 1).kind).toBe('too-large')
  })

  test('a frame that claims another size than its own is malformed', () => {
    const frame = zstdCompressSync(plain)
    expect(frame.readUInt8(4) >>> 6).toBe(2)
    const sizeAt = (frame.readUInt8(4) & 0x20) === 0 ? 6 : 5
    for (const wrong of [plain.length - 1, plain.length + 1]) {
      frame.writeUInt32LE(wrong, sizeAt)
      expect(inflated(frame, 10 * plain.length).kind).toBe('malformed')
    }
  })

  test('does what it should', () => {
    expect(works(way)).toBe(true)
  })
})

test('the output lies where it was asked for, also when the first room is too small', () => {
  const zeros = Buffer.alloc(30 * 1_048_576)
  const rooms: Uint8Array[] = []
  const outcome = inflateZstd(zstdCompressSync(zeros), zeros.length, (sizeBytes) => {
    const room = new Uint8Array(sizeBytes)
    rooms.push(room)
    return room
  })
  expect(rooms.map(({ length }) => length)).toEqual([1_048_576, zeros.length + 1])
  expect(Buffer.compare(bytesOf(outcome), zeros)).toBe(0)
  expect(outcome.kind === 'inflated' && outcome.bytes.buffer).toBe(rooms[1]?.buffer)
})

test('broken input does not spoil what comes after it', () => {
  const frame = zstdCompressSync(plain)
  fc.assert(
    fc.property(fc.nat(frame.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const broken = Buffer.from(frame)
      broken.writeUInt8(broken.readUInt8(at) ^ flip, at)
      inflateZstd(broken, 10 * plain.length)
      expect(bytesOf(inflateZstd(frame, plain.length)).equals(plain)).toBe(true)
    }),
    { numRuns: 1_000 },
  )
})

test('input goes on after output larger than is kept', () => {
  const large = Buffer.alloc(40 * 1_048_576, 'ab')
  for (let round = 0; round < 3; round++) {
    expect(bytesOf(inflateZstd(zstdCompressSync(large), large.length)).equals(large)).toBe(true)
    expect(bytesOf(inflateZstd(zstdCompressSync(plain), plain.length)).equals(plain)).toBe(true)
  }
})

test('an undocumented way that does not do what it should is not taken', () => {
  expect(works(() => ({ kind: 'inflated', bytes: new Uint8Array() }))).toBe(false)
  expect(works(() => ({ kind: 'malformed' }))).toBe(false)
  expect(
    works(() => {
      throw new Error('there is no such handle')
    }),
  ).toBe(false)
})
