import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { encodeCheckpoint, parseCheckpoint } from '../../../../src/codec/log/checkpoint.ts'
import { commitIdOf, writerId } from '../../../../src/model/ids.ts'
import { emptyFold, foldEntry } from '../../../../src/protocol/fold.ts'
import {
  appendEntry,
  sampleFile,
  sampleHour,
  startRange,
  stream,
} from '../../../support/log-samples.ts'

const id = commitIdOf(writerId('a'.repeat(32)), 0)
const entry = appendEntry(id, {
  ranges: [startRange(0, 5)],
  places: [{ stream, partition: sampleHour(13) }],
  body: { files: [sampleFile(id, 13)] },
})
const { state } = foldEntry(emptyFold(), 0, entry, 'checksum')
const bytes = encodeCheckpoint(state)
const lines = zstdDecompressSync(bytes).toString().trimEnd().split('\n')

const parseLines = (changed: readonly string[]) => () =>
  parseCheckpoint(zstdCompressSync(`${changed.join('\n')}\n`), 'checkpoints/1')

test('one item a line, keys sorted, and a head that says how many follow', () => {
  expect(lines[0]).toMatch(/^{"checksum":.*"foldVersion":1,"line":"head","lineCount":5,"next":1/)
  expect(lines.slice(1).map((line) => JSON.parse(line).line)).toEqual([
    'position',
    'stream',
    'partition',
    'writer',
    'unpublished',
  ])
  expect(parseLines(lines)()).toEqual(parseCheckpoint(bytes, 'x'))
})

test('the empty state is a state', () => {
  const read = parseCheckpoint(encodeCheckpoint(emptyFold()), 'x')
  expect(Buffer.from(encodeCheckpoint(read))).toEqual(Buffer.from(encodeCheckpoint(emptyFold())))
})

test('a cut, flipped or shortened checkpoint is refused with its path', () => {
  const cut = bytes.subarray(0, bytes.length - 3)
  expect(() => parseCheckpoint(cut, 'checkpoints/1')).toThrow(/checkpoint "checkpoints\/1" is/)
  for (let at = 0; at < bytes.length; at += 7) {
    const flipped = Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ 4 : byte))
    expect(() => parseCheckpoint(flipped, 'x'), `byte ${at}`).toThrow()
  }
  expect(parseLines(lines.slice(0, -1))).toThrow(/it has 4 lines, its head says 5/)
  expect(parseLines([])).toThrow(/checkpoints\/1/)
})

test('a checkpoint of another fold version or with an unknown line is refused', () => {
  const [head = '', ...rest] = lines
  expect(parseLines([head.replace('"foldVersion":1', '"foldVersion":2'), ...rest])).toThrow(
    /"checkpoints\/1" of the log has format 2, this version knows up to 1/,
  )
  const swapped = rest.map((line) => line.replace('"line":"writer"', '"line":"swap"'))
  expect(parseLines([head, ...swapped])).toThrow(/line/)
})
