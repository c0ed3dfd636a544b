import { expect, test } from 'vitest'
import { type NodeState, nextActive } from '../../../system/services/hdfs-failover.ts'

test.each<[NodeState, NodeState, string | undefined]>([
  ['standby', 'standby', 'one'],
  ['gone', 'standby', 'two'],
  ['standby', 'gone', 'one'],
  ['active', 'standby', undefined],
  ['standby', 'active', undefined],
  ['silent', 'standby', undefined],
  ['gone', 'gone', undefined],
])('of namenodes that are %s and %s, %s becomes active', (one, two, expected) => {
  expect(
    nextActive(
      new Map([
        ['one', one],
        ['two', two],
      ]),
    ),
  ).toBe(expected)
})
