import { expect, test } from 'vitest'
import { exploreGrowing, growingScenarios } from './explore-growing.ts'
import { growthRuleNames, scenarioOfGrowth } from './rules.ts'

test.each(growingScenarios)('$name: with all rules no promise breaks, to the end', (bounds) => {
  const { states, trace, violation } = exploreGrowing(bounds, new Set())
  expect(violation, trace.join('\n')).toBeUndefined()
  expect(states).toBeGreaterThan(1_000)
})

test.each(growthRuleNames)('files that grow without rule "%s" break a promise', (rule) => {
  const bounds = growingScenarios.filter(({ name }) => name === scenarioOfGrowth(rule))
  expect(bounds).toHaveLength(1)
  for (const one of bounds) {
    expect(exploreGrowing(one, new Set([rule])).violation).toMatch(/^[A-Z]+: /)
  }
})
