import { expect, test } from 'vitest'
import { type FileCoverage, untakenIn } from '../../branches/untaken.ts'

const at = (line: number) => ({ start: { line } })
const nowhere = { start: {} }

const coverage: FileCoverage = {
  branchMap: {
    0: { type: 'if', loc: at(7), locations: [at(7), nowhere] },
    1: { type: 'cond-expr', loc: at(3), locations: [at(4), at(5)] },
    2: { type: 'switch', loc: at(9), locations: [at(10)] },
  },
  b: { 0: [3, 0], 1: [0, 2], 2: [1] },
  fnMap: { 0: { name: 'decide', loc: at(2) }, 1: { name: 'later', loc: at(20) } },
  f: { 0: 5, 1: 0 },
}

test('what was not taken is told by its line, also an else that is not written', () => {
  expect(untakenIn(coverage)).toEqual([
    { line: 4, what: 'cond-expr, way 1' },
    { line: 7, what: 'if, way 2' },
    { line: 20, what: 'function later' },
  ])
})

test('what nobody counted was not taken', () => {
  const { branchMap, fnMap } = coverage
  expect(untakenIn({ branchMap, fnMap, b: {}, f: {} })).toHaveLength(5)
})

test('where all was taken nothing is told', () => {
  const all = { b: { 0: [1, 1], 1: [1, 1], 2: [1] }, f: { 0: 1, 1: 1 } }
  expect(untakenIn({ ...coverage, ...all })).toEqual([])
})
