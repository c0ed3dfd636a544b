import { constants, zstdDecompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compressAgain,
  compressDocumented,
  works,
  type ZstdParams,
} from '../../../../src/codec/compression/zstd-compressor.ts'

/** As pages have them, and as the log has them. */
const ofPages = (level: number): ZstdParams => ({
  [constants.ZSTD_c_compressionLevel]: level,
  ...(level === 1 ? { [constants.ZSTD_c_hashLog]: 12 } : {}),
})
const ofLog: ZstdParams = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_checksumFlag]: 1,
}

const textOf = (sizeBytes: number): Buffer =>
  Buffer.from(Array.from({ length: sizeBytes }, (_, at) => ((at * at) >>> 5) & 63))

/** Bytes that do not shrink. */
function noiseOf(sizeBytes: number): Buffer {
  let state = 1
  return Buffer.from(
    Uint8Array.from({ length: sizeBytes }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      return state >>> 24
    }),
  )
}

describe('a compressor that is used again', () => {
  it('gives the bytes of the documented function, whatever came before', () => {
    const page = fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.nat(300_000).map(textOf))
    fc.assert(
      fc.property(
        fc.array(page, { maxLength: 6 }),
        fc.constantFrom(ofPages(1), ofPages(3), ofLog),
        (pages, params) => {
          const again = compressAgain(params)
          const documented = compressDocumented(params)
          for (const body of pages) {
            const compressed = Buffer.from(again(body))
            expect(compressed.equals(documented(body))).toBe(true)
            expect(zstdDecompressSync(compressed).equals(body)).toBe(true)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('takes a page that its buffer cannot hold, and small ones after it', () => {
    const again = compressAgain(ofPages(1))
    for (const sizeBytes of [10, 20_000_000, 1_500_000, 10]) {
      const body = noiseOf(sizeBytes)
      expect(Buffer.from(again(body)).equals(compressDocumented(ofPages(1))(body))).toBe(true)
    }
  })

  it('is not trusted when it fails, or gives other bytes than the documented function', () => {
    expect(works(compressAgain(ofPages(1)), ofPages(1))).toBe(true)
    expect(works(compressAgain(ofPages(19)), ofPages(1))).toBe(false)
    let calls = 0
    const once = compressAgain(ofPages(1))
    expect(
      works((body) => (calls++ === 0 ? once(body) : once(Buffer.from('other'))), ofPages(1)),
    ).toBe(false)
    const throwing = (): Uint8Array => {
      throw new Error('no handle')
    }
    expect(works(throwing, ofPages(1))).toBe(false)
  })
})
