import { expect, test } from 'vitest'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { AppendRange, LogEntry } from '../../../src/model/log-entry.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { decideStaging } from '../../../src/protocol/garbage.ts'
import {
  appendEntry,
  entryBase,
  foldAll,
  lane,
  sampleFile,
  sampleHour,
  sampleRange,
  sampleSource,
  startRange,
  stream,
} from '../../support/log-samples.ts'

const writer = writerId('a'.repeat(32))
const other = writerId('b'.repeat(32))
const staged = commitIdOf(other, 3)

const journal = (...ranges: AppendRange[]): Parameters<typeof decideStaging>[2] => ({
  pipeline: 'growth',
  commitId: staged,
  ranges,
})
const started = appendEntry(commitIdOf(writer, 0), { ranges: [startRange(0, 5), startRange(1, 0)] })
const moved = appendEntry(commitIdOf(writer, 1), { ranges: [sampleRange(0, 5, 9)] })

test('staging that may still be decided is kept, whoever staged it and however long ago', () => {
  const state = foldAll([started])
  const kept = { kind: 'keep', because: 'undecided' }
  expect(decideStaging(state, staged, journal(sampleRange(0, 5, 7)))).toEqual(kept)
  // Over a fold that is older than the staging, too.
  expect(decideStaging(emptyFold(), staged, journal(sampleRange(0, 5, 7)))).toEqual(kept)
  expect(decideStaging(state, staged, journal())).toEqual(kept)
})

test('staging is garbage once any of its ranges has passed', () => {
  const state = foldAll([started, moved])
  const ranges = [sampleRange(1, 0, 4), sampleRange(0, 5, 7)]
  expect(decideStaging(state, staged, journal(...ranges))).toEqual({ kind: 'garbage' })
  expect(decideStaging(state, staged, journal(startRange(0, 5)))).toEqual({ kind: 'garbage' })
  expect(decideStaging(state, staged, journal(sampleRange(0, 9, 12))).kind).toBe('keep')
})

test('staging of a decided commit is kept until its files are known as published', () => {
  const decided = appendEntry(staged, {
    ranges: [sampleRange(0, 5, 9)],
    places: [{ stream, partition: sampleHour(13) }],
    body: { files: [sampleFile(staged, 13)] },
  })
  const state = foldAll([started, decided])
  const mine = journal(sampleRange(0, 5, 9))
  expect(decideStaging(state, staged, mine)).toEqual({ kind: 'keep', because: 'unpublished' })
  expect(decideStaging(state, staged, undefined).kind).toBe('keep')
  const told = foldAll([
    started,
    decided,
    appendEntry(commitIdOf(writer, 2), { published: [staged] }),
  ])
  expect(decideStaging(told, staged, mine)).toEqual({ kind: 'garbage' })
})

test('staging of a former reset epoch is garbage, of a coming one it is kept', () => {
  const reset: LogEntry = {
    kind: 'source',
    ...entryBase(commitIdOf(writer, 2)),
    action: 'reset',
    why: 'asked for',
    moves: [
      {
        lane,
        source: sampleSource(0),
        expected: nextOffset(9n),
        resetEpoch: 0,
        next: nextOffset(2n),
        cause: '',
      },
    ],
  }
  const state = foldAll([started, moved, reset])
  expect(decideStaging(state, staged, journal(sampleRange(0, 9, 12)))).toEqual({ kind: 'garbage' })
  const own = { ...sampleRange(0, 2, 4), resetEpoch: 1 }
  expect(decideStaging(state, staged, journal(own)).kind).toBe('keep')
  // A fold from before the reset knows nothing of it.
  expect(decideStaging(foldAll([started, moved]), staged, journal(own)).kind).toBe('keep')
})

test('what landed after its journal was removed is garbage', () => {
  expect(decideStaging(foldAll([started]), staged, undefined)).toEqual({ kind: 'garbage' })
})
