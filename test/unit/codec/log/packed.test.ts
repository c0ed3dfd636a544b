import { constants, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { packed, unpacked } from '../../../../src/codec/log/packed.ts'

const params = {
  [constants.ZSTD_c_compressionLevel]: 1,
  [constants.ZSTD_c_checksumFlag]: 1,
}

it('packs to the bytes of the documented function, which nothing packed later changes', () => {
  const texts = fc.array(fc.string({ maxLength: 5_000 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(texts, (all) => {
      const bytes = all.map((text) => packed(Buffer.from(text)))
      for (const [at, text] of all.entries()) {
        expect(Buffer.from(bytes[at] ?? [])).toEqual(zstdCompressSync(text, { params }))
        const back = unpacked(bytes[at] ?? new Uint8Array())
        expect(back.kind === 'unpacked' && Buffer.from(back.bytes).toString()).toBe(
          Buffer.from(text).toString(),
        )
      }
    }),
  )
})

it('refuses what is torn, or not as it was packed', () => {
  const bytes = packed(Buffer.from('a closed partition '.repeat(40)))
  for (let sizeBytes = 0; sizeBytes < bytes.length; sizeBytes++) {
    expect(unpacked(bytes.subarray(0, sizeBytes))).toEqual({
      kind: 'refused',
      reason: 'as zstd it is malformed',
    })
  }
  const changed = Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte))
  expect(unpacked(changed).kind).toBe('refused')
})
