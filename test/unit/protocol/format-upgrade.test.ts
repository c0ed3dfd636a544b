import { expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { writerId } from '../../../src/model/ids.ts'
import { decideRaise, type KnownWriter } from '../../../src/protocol/format-upgrade.ts'

const quietMs = 120_000
const lakeNowMs = unixMs(10_000_000)

/** A writer that put its last entry so long ago. */
const writer = (id: string, agoMs: number, newestFormat: number | undefined): KnownWriter => ({
  writerId: writerId(id.repeat(32)),
  lastEntryAtMs: unixMs(lakeNowMs - agoMs),
  newestFormat,
})

const decide = (newestKnown: number, others: readonly KnownWriter[], inForce = 1) =>
  decideRaise({ inForce, newestKnown, lakeNowMs, quietMs, others })

test('who knows nothing newer raises nothing', () => {
  expect(decide(1, [])).toEqual({ kind: 'newest' })
  expect(decide(2, [writer('a', 0, 3)], 3)).toEqual({ kind: 'newest' })
})

test('the format is raised where nobody at work would be stopped', () => {
  expect(decide(2, [])).toEqual({ kind: 'raise', format: 2 })
  expect(decide(2, [writer('a', 0, 2), writer('b', 5, 7)])).toEqual({ kind: 'raise', format: 2 })
})

test('an older writer holds it back until it has put nothing for two intervals', () => {
  const older = (agoMs: number) => [writer('a', 0, 2), writer('b', agoMs, 1)]
  const wait = { kind: 'wait', writerId: writerId('b'.repeat(32)) }
  expect(decide(2, older(0))).toEqual(wait)
  expect(decide(2, older(quietMs - 1))).toEqual(wait)
  expect(decide(2, older(quietMs))).toEqual({ kind: 'raise', format: 2 })
})

test('a writer of whom nothing is known may be an older one', () => {
  const unknown = writer('c', 1, undefined)
  expect(decide(2, [unknown])).toEqual({ kind: 'wait', writerId: unknown.writerId })
})

test('it is raised as far as everybody at work knows', () => {
  expect(decide(4, [writer('a', 0, 3), writer('b', 0, 9)])).toEqual({ kind: 'raise', format: 3 })
})
