import { expect, test } from 'vitest'
import { outcomeOf } from './patched.ts'

test('a patch that names what is not there is refused, not found', () => {
  const because = 'ReferenceError: untilAnswered is not defined'
  const wrong = [
    `a daemon failed: untilAnswered is not defined\n${because}\n    at #put (a.ts:1:2)`,
  ]
  expect(outcomeOf(7, wrong)).toEqual({ kind: 'refused', because })
  const broken = ['event 2 (broken) is in none', 'not settled: 1 undelivered; daemons: fine']
  expect(outcomeOf(7, broken)).toEqual({ kind: 'found', seed: 7, wrong: broken })
})
