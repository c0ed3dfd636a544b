import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compression, inflate } from '../../../../src/codec/compression/inflate.ts'
import { xxhash32 } from '../../../support/xxhash32.ts'
import { foreignBlocks, sampleBytes } from './foreign-sample.ts'

const sample = sampleBytes(600)
const packers = [
  { name: 'gzip', kind: compression.gzip, packed: new Uint8Array(gzipSync(sample)) },
  { name: 'zstd', kind: compression.zstd, packed: new Uint8Array(zstdCompressSync(sample)) },
  ...foreignBlocks
    .filter(({ name }) => name === 'snappy of pyarrow')
    .map(({ packed }) => ({ name: 'snappy', kind: compression.snappy, packed })),
  ...foreignBlocks
    .filter(({ name }) => name === 'lz4 frame with every checksum and its size')
    .map(({ packed }) => ({ name: 'lz4', kind: compression.lz4, packed })),
]

const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

describe('inflate', () => {
  it('reads what other programs packed', () => {
    expect(foreignBlocks.length).toBeGreaterThan(6)
    for (const { name, codec, packed, bytes } of foreignBlocks) {
      const kind = codec === 'snappy' ? compression.snappy : compression.lz4
      const outcome = inflate(kind, packed, bytes.length)
      if (outcome.kind !== 'inflated') throw new Error(`${name}: ${outcome.kind}`)
      expect(Buffer.compare(outcome.bytes, bytes), name).toBe(0)
    }
  })

  it('covers all four compressions below', () => {
    expect(packers.map(({ name }) => name)).toEqual(['gzip', 'zstd', 'snappy', 'lz4'])
  })

  describe.each(packers)('$name', ({ kind, packed }) => {
    it('inflates to the size allowed, and not beyond', () => {
      expect(inflate(kind, packed, 600)).toMatchObject({ kind: 'inflated' })
      expect(inflate(kind, packed, 599)).toMatchObject({ kind: 'too-large' })
    })

    it('refuses every cut of its bytes', () => {
      for (let size = 0; size < packed.length; size++) {
        const outcome = inflate(kind, packed.slice(0, size), 10_000)
        expect(outcome.kind, `cut at ${size}`).toBe('malformed')
      }
    })
  })

  it('takes concatenated zstd frames whole', () => {
    const parts = [zstdCompressSync(Buffer.from('a')), zstdCompressSync(Buffer.from('bc'))]
    const outcome = inflate(compression.zstd, joined(...parts), 3)
    expect(outcome.kind === 'inflated' && Buffer.from(outcome.bytes).toString()).toBe('abc')
    expect(inflate(compression.zstd, joined(...parts), 2).kind).toBe('too-large')
    expect(inflate(compression.zstd, joined(...parts), 1).kind).toBe('too-large')
  })

  it('allows nothing to a frame that follows one of the whole size allowed', () => {
    const single = new Uint8Array(zstdCompressSync(Buffer.from('a')))
    expect(inflate(compression.zstd, joined(single, single), 1).kind).toBe('too-large')
    expect(inflate(compression.zstd, single, 0).kind).toBe('too-large')
  })

  it('passes skippable zstd frames by', () => {
    const skippable = Uint8Array.from([0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9])
    const outcome = inflate(compression.zstd, joined(skippable, zstdCompressSync(sample)), 600)
    expect(outcome).toMatchObject({ kind: 'inflated' })
  })

  it.each(packers.filter(({ name }) => name !== 'gzip'))(
    'refuses $name with other bytes behind it',
    ({ kind, packed }) => {
      const outcome = inflate(kind, joined(packed, Uint8Array.from([1, 2, 3, 4, 5])), 10_000)
      expect(outcome.kind).toBe('malformed')
    },
  )

  it('refuses an lz4 frame with any bit of its content turned, by its checksums', () => {
    const { packed = new Uint8Array() } = packers.find(({ name }) => name === 'lz4') ?? {}
    for (let at = 4; at < packed.length; at++) {
      const turned = packed.slice()
      turned[at] = (turned[at] ?? 0) ^ 4
      expect(inflate(compression.lz4, turned, 10_000).kind, `byte ${at}`).not.toBe('inflated')
    }
  })

  it('refuses an lz4 copy that reaches before the start of its frame', () => {
    const head = Uint8Array.from([0x60, 0x40])
    /** "a", four bytes from `distance` before, "b". */
    const frame = (distance: number) => {
      const block = [6, 0, 0, 0, 0x10, 97, distance, 0, 0x10, 98]
      const headSum = (xxhash32(head) >>> 8) & 0xff
      return Uint8Array.from([0x04, 0x22, 0x4d, 0x18, ...head, headSum, ...block, 0, 0, 0, 0])
    }
    const fine = inflate(compression.lz4, joined(frame(1), frame(1)), 100)
    expect(fine).toEqual({ kind: 'inflated', bytes: new Uint8Array(Buffer.from('aaaaabaaaaab')) })
    expect(inflate(compression.lz4, frame(2), 100).kind).toBe('malformed')
    expect(inflate(compression.lz4, joined(frame(1), frame(2)), 100).kind).toBe('malformed')
  })

  it('refuses a snappy block that announces more than its bytes can make', () => {
    const bomb = Uint8Array.from([0xff, 0xff, 0xff, 0x1f, 0, 97])
    expect(inflate(compression.snappy, bomb, 2 ** 30).kind).toBe('malformed')
    expect(inflate(compression.snappy, bomb, 2 ** 20)).toMatchObject({ kind: 'too-large' })
  })

  it('refuses a snappy copy that reaches before the start', () => {
    const reaching = Uint8Array.from([5, 0, 97, 1, 2])
    expect(inflate(compression.snappy, reaching, 100).kind).toBe('malformed')
  })

  it('knows no other number', () => {
    for (const kind of [-1, 5, 99]) expect(inflate(kind, sample, 1_000).kind).toBe('unknown')
  })

  it('gives uncompressed bytes as they are, within the size', () => {
    expect(inflate(compression.none, sample, 600)).toEqual({ kind: 'inflated', bytes: sample })
    expect(inflate(compression.none, sample, 599).kind).toBe('too-large')
  })
})
