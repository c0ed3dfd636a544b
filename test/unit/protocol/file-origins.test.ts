import { expect, test } from 'vitest'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import { noteOrigins } from '../../../src/protocol/file-origins.ts'
import { appendEntry, configEntry } from '../../support/log-samples.ts'
import { home, mergeOf, one, outputOf, two, writerCommit } from '../../support/swap-samples.ts'

const written = appendEntry(writerCommit(1), { body: { files: [one, two] } })

function origins(...entries: readonly LogEntry[]): Readonly<Record<string, string>> {
  const found = new Map<string, string>()
  for (const [at, entry] of [written, ...entries].entries())
    noteOrigins(found, entry, `entry ${at}`)
  return Object.fromEntries(found)
}
const begun = { [one.path]: 'entry 0', [two.path]: 'entry 0' }

test('a file is of the append that began it, however it grew', () => {
  const grown = { ...one, base: { sizeBytes: one.sizeBytes, rowCount: one.rowCount } }
  const tail = appendEntry(writerCommit(2), { body: { files: [grown] } })
  expect(origins(configEntry(writerCommit(2), 0), tail)).toEqual(begun)
})

test('a move is followed file by file, a refill as a whole', () => {
  const other = { ...two, path: 'elsewhere.parquet' }
  const apart = appendEntry(writerCommit(2), { body: { files: [other] } })
  const body = { files: [outputOf(3, home), outputOf(4, home)] }
  const inputs = [one.path, other.path]
  const paths = body.files.map(({ path }) => path)
  const moved = origins(apart, mergeOf(3, { why: 'move', inputs, body }))
  expect(paths.map((path) => moved[path])).toEqual(['entry 0', 'entry 1'])
  const refilled = origins(apart, mergeOf(3, { why: 'refill', inputs, body }))
  expect(paths.map((path) => refilled[path])).toEqual(['entry 0', 'entry 0'])
})

test('what mixes rows of several commits, or comes from nowhere, has no origin', () => {
  expect(origins(mergeOf(3, { why: 'merge' }))).toEqual(begun)
  expect(origins(mergeOf(3, { why: 'move', inputs: ['unknown.parquet'] }))).toEqual(begun)
  expect(origins(mergeOf(3, { why: 'refill', inputs: [] }))).toEqual(begun)
})
