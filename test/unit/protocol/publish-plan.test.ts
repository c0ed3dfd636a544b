import { expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import type { UnpublishedCommit } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { planPublish } from '../../../src/protocol/publish-plan.ts'

const commit = (counter: number, stagedAtMs: number): UnpublishedCommit => ({
  commitId: commitIdOf(writerId('a'.repeat(32)), counter),
  entry: 10 - counter,
  stagedAtMs: unixMs(stagedAtMs),
  files: [],
})

test('what is old enough and in nobody’s hand is published, in the order of the log', () => {
  const commits = [commit(1, 100), commit(2, 200), commit(3, 901), commit(4, 0)]
  const plan = planPublish({
    state: { ...emptyFold(), unpublished: new Map(commits.map((at) => [at.commitId, at])) },
    nowMs: unixMs(1_000),
    olderThanMs: durationMs(100),
    inHand: new Set([commit(4, 0).commitId]),
    stuck: new Set(),
  })
  expect(plan.map(({ entry }) => entry)).toEqual([8, 9])
})

test('what a table refused is due at once, unless somebody is at it', () => {
  const commits = [commit(1, 990), commit(2, 990), commit(3, 990)]
  const [refused, tried] = commits.map(({ commitId }) => commitId)
  const plan = planPublish({
    state: { ...emptyFold(), unpublished: new Map(commits.map((at) => [at.commitId, at])) },
    nowMs: unixMs(1_000),
    olderThanMs: durationMs(100),
    inHand: new Set(tried === undefined ? [] : [tried]),
    stuck: new Set(refused === undefined || tried === undefined ? [] : [refused, tried]),
  })
  expect(plan.map(({ entry }) => entry)).toEqual([9])
})
