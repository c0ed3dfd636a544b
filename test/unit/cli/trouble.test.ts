import { expect, test } from 'vitest'
import { InvariantError } from '../../../src/base/assert.ts'
import { Fault } from '../../../src/base/fault.ts'
import { paintOf } from '../../../src/cli/output.ts'
import { troubleLines, troubleOf } from '../../../src/cli/trouble.ts'

test('what a later try may mend outside is exit 3', () => {
  const fault = new Fault('KAFKA_UNREACHABLE', { brokers: ['a:1'], reason: 'refused' })
  expect(troubleOf(fault)).toMatchObject({ exit: 3, code: 'KAFKA_UNREACHABLE' })
})

test('what is broken outside for good is exit 1', () => {
  const fault = new Fault('LOG_ENTRY_UNREADABLE', { path: 'log/1.json', reason: 'torn' })
  expect(troubleOf(fault).exit).toBe(1)
})

test('what the user gave is exit 2', () => {
  const fault = new Fault('CONFIG_UNREADABLE', { file: 'a', reason: 'b' })
  expect(troubleOf(fault).exit).toBe(2)
})

test('a bug of ours is exit 1, with its stack and the wish to hear of it', () => {
  const trouble = troubleOf(new InvariantError('counts add up'))
  expect(trouble).toMatchObject({ exit: 1, code: 'INTERNAL' })
  expect(trouble.message).toBe('InvariantError: counts add up')
  expect(trouble.details[0]).toMatch(/^ +at /)
  expect(trouble.hint).toMatch(/report/)
})

test('something thrown that is no error is shown as it is', () => {
  expect(troubleOf('torn')).toMatchObject({ exit: 1, message: 'torn', details: [] })
})

test('a fault is shown as message, cause and hint', () => {
  const fault = new Fault(
    'KAFKA_UNREACHABLE',
    { brokers: ['a:1'], reason: 'refused' },
    { cause: new Error('ECONNREFUSED') },
  )
  expect(troubleLines(troubleOf(fault), paintOf(false))).toEqual([
    `error: ${fault.message}`,
    '  caused by ECONNREFUSED',
    `hint: ${fault.hint}`,
  ])
})
