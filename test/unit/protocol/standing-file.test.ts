import { expect, test } from 'vitest'
import { judgeStanding } from '../../../src/protocol/standing-file.ts'

test('what stands with its length is published, with another it is told, nothing is as was said', () => {
  expect(judgeStanding({ sizeBytes: 7 }, 7, { kind: 'missing' })).toEqual({
    kind: 'already-published',
  })
  const mismatch = { kind: 'mismatch', foundBytes: 6 }
  expect(judgeStanding({ sizeBytes: 6 }, 7, { kind: 'missing' })).toEqual(mismatch)
  expect(judgeStanding(undefined, 7, { kind: 'missing' })).toEqual({ kind: 'missing' })
})
