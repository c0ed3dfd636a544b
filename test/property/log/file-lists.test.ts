/** Lists of files are judged by hand where they are plain: never otherwise than by their shape. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseShape } from '../../../src/codec/log/json.ts'
import {
  dataFileShape,
  dataFilesShape,
  loggedManifestShape,
} from '../../../src/codec/log/shapes.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { sampleFile, sampleManifest } from '../../support/log-samples.ts'

const plain = sampleFile(commitIdOf(writerId('a'.repeat(32)), 7), 13)
const scalars = [undefined, null, true, '', 'x', '0000000g', 0, -1, 1.5, 2 ** 53, Number.NaN]
const objects = [[], {}, { min: 1 }, { min: 1, max: 'x' }, { min: 1, max: 2, mid: 3 }]
const strange = fc.constantFrom<unknown>(...scalars, ...objects)
const key = fc.constantFrom(...Object.keys(plain), 'added')

/** A file with some keys changed, left out or added; now and then something else altogether. */
const file = fc.oneof(
  { weight: 9, arbitrary: fc.dictionary(key, strange, { maxKeys: 2 }) },
  { weight: 1, arbitrary: strange },
)
const changed = (change: unknown): unknown => {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change
  const entries = Object.entries({ ...plain, ...change })
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

test('a list of files is taken or refused as its shape says, with the same words', () => {
  const list = z.array(dataFileShape)
  const taken = { plain: 0, other: 0 }
  fc.assert(
    fc.property(fc.array(file, { maxLength: 3 }), (changes) => {
      const files = changes.map(changed)
      const outcome = parseShape(dataFilesShape, files)
      expect(outcome).toEqual(parseShape(list, files))
      taken[outcome.kind === 'parsed' ? 'plain' : 'other'] += 1
    }),
    { numRuns: 3_000 },
  )
  expect(Math.min(taken.plain, taken.other)).toBeGreaterThan(100)
})

test('what is no list is refused', () => {
  for (const value of [undefined, null, {}, 'files', plain]) {
    expect(parseShape(dataFilesShape, value).kind).toBe('refused')
  }
})

test('a file of a manifest is refused with its place', () => {
  const manifest = sampleManifest(13)
  const [first] = manifest.files
  const damaged = (change: object) => ({ ...manifest, files: [first, { ...first, ...change }] })
  const parsed = parseShape(loggedManifestShape, { ...manifest })
  expect(parsed).toEqual({ kind: 'parsed', value: manifest })
  for (const change of [{ rows: -1 }, { bytes: '1' }, { path: 7 }, { crc32c: null }, { more: 1 }]) {
    const outcome = parseShape(loggedManifestShape, damaged(change))
    expect(outcome).toMatchObject({ kind: 'refused', reason: expect.stringMatching(/^files\.1/) })
  }
})
