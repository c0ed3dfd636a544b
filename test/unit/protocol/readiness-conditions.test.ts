import { describe, expect, test } from 'vitest'
import { PersistentMap } from '../../../src/base/persistent-map.ts'
import { readyStreams } from '../../../src/daemon/stage-streams.ts'
import type { FoldedPartition } from '../../../src/model/fold-state.ts'
import { commitIdOf } from '../../../src/model/ids.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { decideReady } from '../../../src/protocol/readiness.ts'
import { brokenCondition } from '../../../src/protocol/readiness-conditions.ts'
import type { ReadyConditions } from '../../../src/protocol/readiness-facts.ts'
import { numbersConfig } from '../../support/lane-world.ts'
import {
  appEvents,
  countsOf,
  dataFile,
  factsOf,
  hourOf,
  writerA,
} from '../../support/readiness-world.ts'
import { now, rowsOf, thirteen, twoShards } from '../../support/two-shards.ts'

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
  const few = { ...none, deadLettersMax: 0 }
  const stream = { ...appEvents, conditions: few }
  expect(brokenCondition({ fold }, stream, hour, undefined)).toBeUndefined()
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

describe('a complete partition', () => {
  const complete = twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') })
  const decided = (changes: Partial<ReadyConditions>) => {
    const streams = [{ ...appEvents, conditions: { ...none, ...changes } }]
    return decideReady(factsOf(complete, now, { streams }))
  }

  test('is announced when what its stream waits for has come, and told with its rule before', () => {
    expect(decided({ rowsMin: 120 }).kind).toBe('announce')
    const detail = '120 rows, ready.rowsMin is 121'
    expect(decided({ rowsMin: 121 })).toMatchObject({
      kind: 'wait',
      blocks: [{ rule: 'too-few-rows', detail, partition: thirteen }],
    })
    expect(decided({ after: ['users'] })).toMatchObject({ blocks: [{ rule: 'other-stream' }] })
  })

  test('that waits for more than its topics is told first of what its topics lack', () => {
    const late = twoShards({ progress: rowsOf('2026-11-20T14:04:59.999Z') })
    const streams = [{ ...appEvents, conditions: { ...none, rowsMin: 121 } }]
    const { blocks } = decideReady(factsOf(late, now, { streams }))
    expect(blocks.map(({ rule }) => rule)).not.toContain('too-few-rows')
  })
})

test('each condition of a stream is what its configuration says', async () => {
  const ready = 'ready: { rowsMin: 5, deadLettersMax: 0, after: [others] }'
  const config = await numbersConfig([{ name: 'numbers', more: [ready] }, { name: 'others' }])
  expect(readyStreams(config).map(({ conditions }) => conditions)).toEqual([
    { rowsMin: 5, deadLettersMax: 0, after: ['others'] },
    { rowsMin: undefined, deadLettersMax: undefined, after: [] },
  ])
})
