/** Suites fail for what they are about, and for nothing else: a wrong adapter for each case. */
import { expect, test } from 'vitest'
import type { SimStore } from '../sim/lake.ts'
import { lakeContract } from './lake.ts'
import { lyingLakes } from './lying-lakes.ts'
import { casesOf, failuresOf } from './suite.ts'

/** The lake contract over lakes that lie in one way. */
const casesOver = (lying: (typeof lyingLakes)[string]) =>
  casesOf((suite) => {
    const open = async () => {
      const store: SimStore = new Map()
      return { lake: lying(store), another: () => lying(store), close: async () => {} }
    }
    lakeContract('lying', open, suite)
  })

test('there is a wrong lake for each case of the lake contract', () => {
  const [lying] = Object.values(lyingLakes)
  if (lying === undefined) throw new Error('there are wrong lakes')
  const names = casesOver(lying).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys(lyingLakes)).toEqual(names)
})

test.each(Object.entries(lyingLakes))(
  'a lake wrong in one thing fails only: %s',
  async (name, lying) => {
    expect(await failuresOf(casesOver(lying))).toEqual([name])
  },
)
