import { expect, test } from 'vitest'
import { explore } from './explore.ts'
import { judge } from './judge.ts'
import { ruleNames, textOf } from './rules.ts'
import { quickScenarios } from './scenarios.ts'

const limits = { statesMax: 60_000, depthMax: 100 }

test.each(quickScenarios)('$name: with all rules no promise breaks, to the end', (bounds) => {
  const { outcome, states, trace, violation } = explore(bounds, new Set(), limits)
  expect(violation, trace.join('\n')).toBeUndefined()
  expect(outcome).toBe('clean')
  expect(states).toBeGreaterThan(40)
})

test.each(ruleNames)('without rule "%s" a promise breaks, or it saves work only', (rule) => {
  const { scenario } = textOf(rule)
  const bounds = quickScenarios.filter(({ name }) => name === scenario)
  expect(bounds).toHaveLength(1)
  for (const one of bounds)
    expect(judge(explore(one, new Set([rule]), limits), [rule])).toBeUndefined()
})

test('a counterexample is told step by step, and is the same each time', () => {
  const [core] = quickScenarios.filter(({ name }) => name === 'core')
  const told = () => (core === undefined ? [] : explore(core, new Set(['unknown']), limits).trace)
  expect(told()).toEqual([
    'w1 folds to 1, stages f0 for append of p0 [0, 1)',
    'w1 puts append at 1: no answer, under way',
    'w1 sees 1 absent, takes it for failed, discards',
    'the late put of append lands at 1',
  ])
  expect(told()).toEqual(told())
})
