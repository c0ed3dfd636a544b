import { expect, test } from 'vitest'
import { parseFlags } from '../../chaos/flags.ts'

test('one worker has its partitions by index, several form a group', () => {
  expect(parseFlags([]).assignment).toBe('static')
  expect(parseFlags(['--workers', '4']).assignment).toBe('group')
  expect(parseFlags(['--workers', '4', '--assignment', 'static']).assignment).toBe('static')
})

test.each([
  ['--kills', '0'],
  ['--kills', '1e3'],
  ['--workers', '9'],
  ['--seed', '-1'],
  ['--assignment', 'sticky'],
  ['--broker', 'kafka'],
  ['--lake', 'gcs'],
  ['--file-mode', 'append'],
  ['--file-mode', 'continue'],
  ['--speed', '3'],
  ['--resume'],
])('refuses %s %s', (...args) => {
  expect(() => parseFlags(args.filter((arg) => arg !== undefined))).toThrow(args[0])
})
