import { describe, expect, test } from 'vitest'
import { inflateLz4 } from '../../../../src/codec/compression/lz4-frame.ts'
import { compress } from '../../../support/record-batch.ts'
import { xxhash32 } from '../../../support/xxhash32.ts'

const storedBlock = 0x80000000
const uint32 = (value: number): readonly number[] => [...Buffer.from(Uint32Array.of(value).buffer)]

/** Blocks of at most 64 KiB. */
const smallBlocks = 0x40

/** A frame of one block, with a right header checksum. */
const frame = (
  block: readonly number[],
  flags = 0x60,
  head = block.length,
  size = smallBlocks,
): Uint8Array => framed([...uint32(head), ...block], flags, size)

const framed = (blocks: readonly number[], flags: number, size = smallBlocks): Uint8Array => {
  const header = Uint8Array.of(flags, size)
  const headerSum = (xxhash32(header) >>> 8) & 0xff
  const body = [...header, headerSum, ...blocks, 0, 0, 0, 0]
  return Uint8Array.from([0x04, 0x22, 0x4d, 0x18, ...body])
}

/** A block of one literal and its copy, `count` bytes altogether: at least 20. */
const runOf = (count: number): readonly number[] => {
  const rest = count - 20
  const more = Array.from({ length: Math.floor(rest / 255) }, () => 255)
  return [0x1f, 97, 1, 0, ...more, rest % 255, 0]
}

const largeBlock = [...uint32(runOf(65_537).length), ...runOf(65_537)]
const manyBytes = Array.from({ length: 65_537 }, (_, at) => (at * 31) % 253)

const stored = (count: number): readonly number[] => [
  ...uint32(storedBlock + count),
  ...manyBytes.slice(0, count),
]

function textOf(bytes: Uint8Array): string {
  const outcome = inflateLz4(bytes, 100_000)
  return outcome.kind === 'inflated' ? Buffer.from(outcome.bytes).toString() : outcome.kind
}

describe('an LZ4 frame', () => {
  test('may store its block', () => {
    expect(textOf(frame([...Buffer.from('abc')], 0x60, storedBlock + 3))).toBe('abc')
  })

  test('may repeat what the copy itself writes', () => {
    expect(textOf(frame([0x2f, 97, 98, 2, 0, 1, 0x10, 99]))).toBe(`${'ab'.repeat(11)}c`)
  })

  test.each([15, 16, 40, 41, 269, 270, 525])('may have a literal of %i bytes', (count) => {
    const literal = Array.from({ length: count }, (_, at) => 97 + (at % 26))
    const more = Array.from({ length: Math.floor((count - 15) / 255) }, () => 255)
    const block = [0xf0, ...more, (count - 15) % 255, ...literal]
    expect(textOf(frame(block))).toBe(String.fromCharCode(...literal))
  })

  test.each([19, 40, 41, 300])('may repeat %i bytes at once', (count) => {
    const more = Array.from({ length: Math.floor((count - 19) / 255) }, () => 255)
    const block = [0x1f, 97, 1, 0, ...more, (count - 19) % 255, 0x10, 98]
    expect(textOf(frame(block))).toBe(`${'a'.repeat(count + 1)}b`)
  })

  test('stops at the size it is given, by a literal, a copy and a stored block', () => {
    for (const block of [frame([0x30, 97, 97, 97]), frame([97, 97, 97], 0x60, storedBlock + 3)]) {
      expect(inflateLz4(block, 3).kind).toBe('inflated')
      expect(inflateLz4(block, 2).kind).toBe('too-large')
    }
    const copying = frame([0x1f, 97, 1, 0, 255, 255, 255, 0, 0x10, 98])
    expect(inflateLz4(copying, 786).kind).toBe('inflated')
    expect(inflateLz4(copying, 785).kind).toBe('too-large')
    expect(inflateLz4(copying, 700).kind).toBe('too-large')
  })

  test.each([
    ['a copy from before the start', frame([0x10, 97, 2, 0, 0x10, 99])],
    ['a copy of distance 0', frame([0x10, 97, 0, 0, 0x10, 99])],
    ['a cut distance', frame([0x10, 97, 1])],
    ['a cut length of a copy', frame([0x1f, 97, 1, 0, 255])],
    ['a copy at its end', frame([0x10, 97, 1, 0])],
    ['a literal past the end', frame([0x50, 97])],
    ['a length past the end', frame([0xf0, 255])],
    ['a packed block larger than it says', frame(runOf(65_537))],
    ['such a block before another', framed([...largeBlock, ...stored(40_000)], 0x60)],
    ['a stored block larger than it says', frame(manyBytes, 0x60, storedBlock + 65_537)],
    ['blocks of no known size', frame([0x10, 97], 0x60, 2, 0x30)],
    ['an empty block', frame([], 0x60, storedBlock + 1)],
    ['another version', frame([0x10, 97], 0x20)],
    ['a dictionary', frame([0x10, 97], 0x61)],
    ['another magic', new Uint8Array(20).fill(1)],
    ['a block past the end', frame([0x10, 97]).subarray(0, 12)],
  ])('with %s is malformed', (_name, bytes) => {
    expect(inflateLz4(bytes, 100_000)).toEqual({ kind: 'malformed' })
  })

  test('of many mebibytes takes memory once, however often it comes', () => {
    const [large, small] = [20 * 1_048_576, 1_000].map((count) => ({
      count,
      packed: compress('lz4', Buffer.alloc(count)),
    }))
    const memories = new Set<ArrayBufferLike>()
    for (const each of [large, small, large, small, large]) {
      const outcome = inflateLz4(each?.packed ?? new Uint8Array(0), 20 * 1_048_576)
      if (outcome.kind !== 'inflated') throw new Error(outcome.kind)
      expect(outcome.bytes.length).toBe(each?.count)
      memories.add(outcome.bytes.buffer)
    }
    expect(memories.size).toBe(1)
  })

  test('may fill its blocks to the last byte', () => {
    expect(textOf(frame(runOf(65_536)))).toBe('a'.repeat(65_536))
    const outcome = inflateLz4(framed(stored(65_536), 0x60), 65_536)
    expect(outcome.kind === 'inflated' && outcome.bytes.length).toBe(65_536)
  })

  test('may have blocks that reach into those before, packed or stored, by 65,535 bytes', () => {
    const copy = [0x04, 0xff, 0xff, 0x10, 98]
    const linked = framed([...stored(65_535), ...uint32(copy.length), ...copy], 0x40)
    const outcome = inflateLz4(linked, 100_000)
    if (outcome.kind !== 'inflated') throw new Error(outcome.kind)
    expect([...outcome.bytes.subarray(65_535)]).toEqual([...manyBytes.slice(0, 8), 98])
  })
})
