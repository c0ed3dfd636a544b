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
