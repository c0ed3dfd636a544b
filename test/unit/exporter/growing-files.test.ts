/** Which file the rows of the next commit go on with, by what the log has of it. */
import { expect, test } from 'vitest'
import {
  GrowingFiles,
  type GrowthPlace,
  type SealedState,
} from '../../../src/exporter/growing-files.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { foldEntry } from '../../../src/protocol/fold.ts'
import { growingTailsMax } from '../../../src/protocol/growth.ts'
import { publishedPath, spillTable, tailPath } from '../../../src/protocol/log-paths.ts'
import {
  appendEntry,
  foldAll,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleRange,
  startRange,
  stream,
  table,
} from '../../support/log-samples.ts'

const pipeline = 'growth'
const writer = writerId('a'.repeat(32))
const id = (counter: number) => commitIdOf(writer, counter)
const hour = sampleHour(13)
const place: GrowthPlace = { stream, partitionPath: hour.path, schemaVersion: 1 }
const start = appendEntry(id(0), { ranges: [startRange(0, 5)] })
const places = [{ stream, partition: hour }]

const name = { pipeline, table, partitionPath: hour.path, commitId: id(1), ordinal: 0 }
const sample = { ...sampleFile(id(1), 13), path: publishedPath(name) }
const whole: DataFile = { ...sample, sizeBytes: 900, rowCount: 5 }
const appended = (counter: number, file: DataFile) =>
  appendEntry(id(counter), {
    ranges: [sampleRange(0, 5 * counter, 5 * counter + 5)],
    places,
    body: { files: [file], counts: [sampleCell(13, 5)] },
  })
const allHere = new Set(Array.from({ length: 999 }, (_, counter) => id(counter)))

/** What was sealed for this file. */
const sealedAs = (
  { sizeBytes, rowCount, crc32c, eventTimeMs }: DataFile,
  bytes = 8,
): SealedState => ({
  ...place,
  parquet: {
    sizeBytes,
    rowCount,
    checksum: 0,
    rowGroups: [{ rowCount, bytes: new Uint8Array(bytes) }],
    ranges: [],
  },
  crc32c,
  eventTimeMs,
})

function growing(fold: FoldState, state = sealedAs(whole)): GrowingFiles {
  const files = new GrowingFiles()
  files.sealed(state, { commitId: id(1), ordinal: 0 }, undefined)
  files.settle({ fold, publishedHere: allHere })
  return files
}

const begun = foldAll([start, appended(1, whole)])

test('rows go on with the file that the log has as it was sealed', () => {
  expect(growing(begun).at(place)).toMatchObject({ path: whole.path, crc32c: whole.crc32c })
})

test('rows of another schema, partition or stream begin a file of their own', () => {
  const files = growing(begun)
  expect(files.at({ ...place, schemaVersion: 2 })).toBe(undefined)
  expect(files.at({ ...place, partitionPath: sampleHour(14).path })).toBe(undefined)
  expect(files.at({ ...place, stream: 'another' })).toBe(undefined)
})

test.each<[string, FoldState]>([
  [
    'other bytes of the same length',
    foldAll([start, appended(1, { ...whole, crc32c: 'ffffffff' })]),
  ],
  ['another length', foldAll([start, appended(1, { ...whole, sizeBytes: 901 })])],
  ['another number of rows', foldAll([start, appended(1, { ...whole, rowCount: 6 })])],
  ['no such file', foldAll([start])],
  [
    'a file that is spilled',
    foldAll([
      start,
      appended(1, {
        ...whole,
        path: whole.path.replace(table, spillTable(pipeline, table)),
      }),
    ]),
  ],
])('where the log has %s, rows begin a file', (_, fold) => {
  expect(growing(fold).at(place)).toBe(undefined)
})

test('a file whose commit is not published does not go on', () => {
  const files = new GrowingFiles()
  files.sealed(sealedAs(whole), { commitId: id(1), ordinal: 0 }, undefined)
  files.settle({ fold: begun, publishedHere: new Set() })
  expect(files.at(place)).toBe(undefined)
})

test('a file takes so many tails, and no more', () => {
  const files = growing(begun)
  let [newest, fold] = [whole, begun]
  for (let counter = 2; counter <= growingTailsMax + 1; counter++) {
    const base = files.at(place)
    if (base === undefined) throw new Error(`tail ${counter - 1} has no base`)
    const { sizeBytes, rowCount } = newest
    newest = {
      ...newest,
      base: { sizeBytes, rowCount },
      sizeBytes: sizeBytes + 100,
      rowCount: rowCount + 5,
      crc32c: counter.toString(16).padStart(8, '0'),
      stagedPath: tailPath(whole.path, { pipeline, commitId: id(counter), ordinal: 0 }),
    }
    fold = foldEntry(fold, fold.next, appended(counter, newest), '').state
    files.sealed(sealedAs(newest), { commitId: id(counter), ordinal: 0 }, base)
    files.settle({ fold, publishedHere: allHere })
  }
  expect(fold.voidCount).toBe(0)
  expect(files.at(place)).toBe(undefined)
})

test.each([
  [31, true],
  [33, false],
])('of two files of which %i MiB are kept each, both go on: %s', (mib, isKept) => {
  const files = growing(begun, sealedAs(whole, mib * 1_024 * 1_024))
  const { path: partitionPath } = sampleHour(14)
  const second = { ...place, partitionPath }
  const path = publishedPath({ ...name, partitionPath, commitId: id(2) })
  const other = { ...sampleFile(id(2), 14), path, sizeBytes: 900, rowCount: 5 }
  const state = { ...sealedAs(other, mib * 1_024 * 1_024), ...second }
  files.sealed(state, { commitId: id(2), ordinal: 0 }, undefined)
  const fold = foldAll([
    start,
    appended(1, whole),
    appendEntry(id(2), {
      ranges: [sampleRange(0, 10, 15)],
      places: [{ stream, partition: sampleHour(14) }],
      body: { files: [other], counts: [sampleCell(14, 5)] },
    }),
  ])
  files.settle({ fold, publishedHere: allHere })
  expect(fold.voidCount).toBe(0)
  expect(files.at(place)).toBeDefined()
  expect(files.at(second) !== undefined).toBe(isKept)
})
