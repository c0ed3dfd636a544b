import { expect, test } from 'vitest'
import { areSameSources, type SourcePartition } from '../../../src/model/topic-partition.ts'
import { sourceAt } from '../../support/lane-world.ts'

const [one, other] = [sourceAt(0), sourceAt(1)]
const changed = (change: object): SourcePartition => Object.assign({ ...one }, change)

test('lists are of the same shards by identity, name, number and order', () => {
  expect(areSameSources([one, other], [{ ...one }, { ...other }])).toBe(true)
  expect(areSameSources([], [])).toBe(true)
  const others = [
    [one],
    [other, one],
    [one, other, sourceAt(2)],
    [changed({ topic: 'another name' }), other],
    [changed({ topicId: 'made anew' }), other],
    [changed({ clusterId: 'another cluster' }), other],
    [],
  ]
  for (const list of others) expect(areSameSources([one, other], list)).toBe(false)
})
