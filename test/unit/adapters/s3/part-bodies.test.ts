import { crc32c } from '@node-rs/crc32'
import { expect, test } from 'vitest'
import { type PartBody, partBodies } from '../../../../src/adapters/s3/part-bodies.ts'

const textOf = (bodies: Iterable<PartBody>): readonly string[] =>
  Array.from(bodies, ({ pieces, sizeBytes }) => {
    const whole = Buffer.concat(pieces)
    expect(whole.length).toBe(sizeBytes)
    return whole.toString()
  })

test('chunks are cut into parts of one size, whatever their own is', () => {
  const chunks = ['a', 'bcdefgh', '', 'ij'].map((text) => Buffer.from(text))
  expect(textOf(partBodies(chunks, 4))).toEqual(['abcd', 'efgh', 'ij'])
  expect(textOf(partBodies(chunks, 5))).toEqual(['abcde', 'fghij'])
  expect(textOf(partBodies(chunks, 100))).toEqual(['abcdefghij'])
})

test('an empty file is one empty part: an upload of none cannot be completed', () => {
  expect(textOf(partBodies([]))).toEqual([''])
  expect(textOf(partBodies([Buffer.of(), Buffer.of()]))).toEqual([''])
})

test('a file of the usual size is one part, of the very chunks', () => {
  const chunks = [Buffer.alloc(30_000_000), Buffer.alloc(40_000_000)]
  const [body, ...more] = partBodies(chunks)
  expect(more).toEqual([])
  expect(body?.pieces.map(({ buffer }) => buffer)).toEqual(chunks.map(({ buffer }) => buffer))
})

test('a file with too many parts has larger ones', () => {
  const chunks = [Buffer.alloc(20_000)]
  expect([...partBodies(chunks, 1)]).toHaveLength(6_667)
})

test('each part tells its own checksum, and that of the file as far as it goes', () => {
  const text = 'what a store compares before it keeps anything'
  const chunks = (text.match(/.{1,7}/gs) ?? []).map((piece) => Buffer.from(piece))
  for (const partBytes of [5, 20, 1_000]) {
    let next = 0
    for (const { sizeBytes, crc, fileCrc } of partBodies(chunks, partBytes)) {
      expect(crc).toBe(crc32c(text.slice(next, next + sizeBytes)))
      next += sizeBytes
      expect(fileCrc).toBe(crc32c(text.slice(0, next)))
    }
    expect(next).toBe(text.length)
  }
  expect([...partBodies([])]).toEqual([{ pieces: [], sizeBytes: 0, crc: 0, fileCrc: 0 }])
})
