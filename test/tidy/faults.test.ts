import { expect, test } from 'vitest'
import { faults } from '../../src/base/fault.ts'
import { filesBelow } from './source-tree.ts'

/** Faults that no test provokes, each with the reason. This table may only shrink. */
const notProvoked: Readonly<Record<string, string>> = {}

const codes = Object.keys(faults)
const tests = filesBelow('test').filter(({ path }) => !path.startsWith('test/tidy/'))
const thrown = filesBelow('src').filter(({ path }) => !path.startsWith('src/base/'))

/** Whether a file has the code as a word of its own. */
const names = (files: typeof tests, code: string): boolean => {
  const word = new RegExp(`\\b${code}\\b`)
  return files.some(({ text }) => word.test(text))
}

test('tidy reads the tests and the table of faults', () => {
  expect(tests.length).toBeGreaterThan(100)
  expect(codes.length).toBeGreaterThan(30)
})

test('every fault is provoked by a test that names it, but for the exceptions', () => {
  const exempt = new Set(Object.keys(notProvoked))
  expect(codes.filter((code) => !names(tests, code) && !exempt.has(code))).toEqual([])
})

test('an exception is a fault that still is not provoked', () => {
  const provoked = Object.keys(notProvoked).filter((code) => names(tests, code))
  const gone = Object.keys(notProvoked).filter((code) => !codes.includes(code))
  expect([...provoked, ...gone]).toEqual([])
})

test('every fault of the table is thrown somewhere', () => {
  expect(codes.filter((code) => !names(thrown, code))).toEqual([])
})

test('the search tells what is there from what is not', () => {
  expect(names(thrown, 'CONFIG_CONFLICT')).toBe(true)
  expect(names(thrown, 'CONFIG_CONFLIC')).toBe(false)
})
