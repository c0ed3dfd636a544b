import { describe, expect, test } from 'vitest'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { ForgetEntry, VoidEntry } from '../../../src/model/repair-entry.ts'
import { emptyFold, foldEntry } from '../../../src/protocol/fold.ts'
import { decideStaging } from '../../../src/protocol/garbage.ts'
import { brokenReliance } from '../../../src/protocol/reliance.ts'
import { standInOf } from '../../../src/protocol/step-over.ts'
import {
  appendEntry,
  entryBase,
  foldAll,
  sampleFile,
  sampleHour,
  sampleRange,
  startRange,
  stream,
} from '../../support/log-samples.ts'

const writer = writerId('a'.repeat(32))
const operator = writerId('d'.repeat(32))
const sha256 = 'e'.repeat(64)

const started = appendEntry(commitIdOf(writer, 0), { ranges: [startRange(0, 5)] })
const appended = appendEntry(commitIdOf(writer, 1), {
  ranges: [sampleRange(0, 5, 9)],
  places: [{ stream, partition: sampleHour(13) }],
  body: { files: [sampleFile(commitIdOf(writer, 1), 13)] },
})
const notice = (entry: number): VoidEntry => ({
  kind: 'void',
  ...entryBase(commitIdOf(operator, 0)),
  entry,
  sha256,
  why: 'the disk lost it',
})
const forget = (counter: number): ForgetEntry => ({
  kind: 'forget',
  ...entryBase(commitIdOf(operator, 0)),
  why: 'its topic is gone',
  commits: [commitIdOf(writer, counter)],
  files: [],
})

describe('an entry that nobody can read', () => {
  test('is void, and told as one, where its stand-in is', () => {
    const state = foldAll([started, standInOf(1, sha256)])
    expect(state).toMatchObject({ next: 2, steppedOver: [1], voidCount: 1 })
    expect(state.voids[0]).toMatchObject({ entry: 1 })
    expect(state.voids[0]?.because).toContain(sha256)
  })

  test('changes no position: what it covered is read again', () => {
    const state = foldAll([started, standInOf(1, sha256)])
    expect(brokenReliance(state, appended)).toBeUndefined()
    expect([...state.unpublished]).toEqual([])
  })

  test('has a stand-in of the same bytes, whoever makes it', () => {
    expect(standInOf(7, sha256)).toEqual(standInOf(7, sha256))
    expect(standInOf(7, sha256).commitId).not.toBe(standInOf(8, sha256).commitId)
  })

  test('has a notice that holds over a log that steps over it, and over no other', () => {
    const before = foldAll([started, standInOf(1, sha256)])
    expect(brokenReliance(before, notice(1))).toBeUndefined()
    const { state } = foldEntry(before, 2, notice(1), '')
    expect(state.voidCount).toBe(1)
    expect(state.steppedOver).toEqual([1])
    const read = foldAll([started, appended])
    expect(brokenReliance(read, notice(1))?.because).toContain('entry 1 is not one that nobody')
    expect(brokenReliance(read, notice(9))?.reason).toBe('malformed')
  })
})

describe('a commit that an operator gave up', () => {
  test('is void should it ever be put', () => {
    const state = foldAll([started, forget(1)])
    const { verdict } = foldEntry(state, 2, appended, '')
    expect(verdict).toMatchObject({ kind: 'void', reason: 'forgotten' })
    const other = appendEntry(commitIdOf(writer, 2), { ranges: [sampleRange(0, 5, 9)] })
    expect(brokenReliance(state, other)).toBeUndefined()
  })

  test('is garbage in staging, which it was not before', () => {
    const journal = {
      pipeline: 'growth',
      commitId: commitIdOf(writer, 1),
      ranges: appended.ranges,
    }
    const kind = (over: readonly Parameters<typeof foldAll>[0][number][]): string =>
      decideStaging(foldAll(over), journal.commitId, journal).kind
    expect(kind([started])).toBe('keep')
    expect(kind([started, forget(1)])).toBe('garbage')
  })

  test('is not one that was decided: that forgetting is void', () => {
    const state = foldAll([started, appended])
    const broken = brokenReliance(state, forget(1))
    expect(broken?.because).toContain('was decided by entry 1')
    const { state: after } = foldEntry(state, 2, forget(1), '')
    expect(after.forgotten).toEqual(emptyFold().forgotten)
    expect(after.unpublished.has(commitIdOf(writer, 1))).toBe(true)
  })
})
