import { expect, test } from 'vitest'
import { PersistentMap } from '../../../src/base/persistent-map.ts'
import type { FoldedPartition } from '../../../src/model/fold-state.ts'
import { commitIdOf } from '../../../src/model/ids.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { brokenCondition } from '../../../src/protocol/readiness-conditions.ts'
import type { ReadyConditions } from '../../../src/protocol/readiness-facts.ts'
import { appEvents, countsOf, dataFile, hourOf, writerA } from '../../support/readiness-world.ts'

const hour = hourOf('2026-11-20T13')
const none: ReadyConditions = { rowsMin: undefined, deadLettersMax: undefined, after: [] }

const folded: FoldedPartition = {
  table: appEvents.table,
  partition: hour,
  place: 'open',
  version: commitIdOf(writerA, 1),
  files: [dataFile(hour, 'a', 7), dataFile(hour, 'b', 3)],
  counts: { ...countsOf(10), read: 13, deadLettered: { decode: 2, etl: 1 } },
  revision: 0,
  manifest: undefined,
}

const brokenBy = (
  changes: Partial<ReadyConditions>,
  partition: FoldedPartition | undefined = folded,
  fold = emptyFold(),
) =>
  brokenCondition({ fold }, { ...appEvents, conditions: { ...none, ...changes } }, hour, partition)

test('a stream without conditions waits for nothing', () => {
  expect(brokenCondition({ fold: emptyFold() }, appEvents, hour, folded)).toBeUndefined()
  expect(brokenBy({})).toBeUndefined()
})

test('fewer rows than wanted are told with both numbers', () => {
  expect(brokenBy({ rowsMin: 10 })).toBeUndefined()
  expect(brokenBy({ rowsMin: 11 })).toEqual({
    rule: 'too-few-rows',
    detail: '10 rows, ready.rowsMin is 11',
  })
})

test('an empty partition has no rows, and no dead letters', () => {
  const fold = emptyFold()
  const conditions = { ...none, rowsMin: 1, deadLettersMax: 0 }
  expect(brokenCondition({ fold }, { ...appEvents, conditions }, hour, undefined)).toEqual({
    rule: 'too-few-rows',
    detail: '0 rows, ready.rowsMin is 1',
  })
})

test('more dead letters than allowed are told, whatever their reasons', () => {
  expect(brokenBy({ deadLettersMax: 3 })).toBeUndefined()
  expect(brokenBy({ deadLettersMax: 2 })).toEqual({
    rule: 'dead-letters',
    detail: '3 dead letters, ready.deadLettersMax is 2',
  })
})

test('another stream must have announced as far', () => {
  const foldTo = (text: string) => {
    const announcedNextMs = hourOf(text).nextMs
    const users = { progress: new Map(), partitions: new Map(), announcedNextMs }
    return { ...emptyFold(), streams: PersistentMap.of(new Map([['users', users]])) }
  }
  const after = ['users']
  expect(brokenBy({ after })).toEqual({ rule: 'other-stream', detail: 'users' })
  expect(brokenBy({ after }, folded, foldTo('2026-11-20T12'))).toMatchObject({ detail: 'users' })
  expect(brokenBy({ after }, folded, foldTo('2026-11-20T13'))).toBeUndefined()
})
