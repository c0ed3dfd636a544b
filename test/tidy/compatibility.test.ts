import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { features } from '../golden/features/all.ts'
import {
  compatibilityPage,
  concerns,
  pagePath,
  type Results,
  resultsPath,
} from '../golden/readers/compatibility-page.ts'
import { knownDifferences } from '../golden/readers/differences.ts'
import { readers } from '../golden/readers/readers.ts'

const results = JSON.parse(readFileSync(resultsPath, 'utf8')) as Results
const names = features.map(({ name }) => name)

/** Every cell of the table that is not equal. */
const differing = Object.entries(results).flatMap(([readerId, { verdicts }]) =>
  Object.entries(verdicts).flatMap(([feature, { kind }]) =>
    kind === 'equal' ? [] : { readerId, feature },
  ),
)

test('docs/compatibility.md is what the recorded results say', () => {
  expect(readFileSync(pagePath, 'utf8')).toBe(compatibilityPage(results))
})

test('features have names of their own', () => {
  expect(names.length).toBeGreaterThan(50)
  expect(new Set(names).size).toBe(names.length)
})

test('every reader is recorded, and with every feature those that tests run', () => {
  expect(Object.keys(results).toSorted()).toEqual(readers.map(({ id }) => id).toSorted())
  for (const { id, service } of readers) {
    const recorded = Object.keys(results[id]?.verdicts ?? {})
    expect(recorded.filter((name) => !names.includes(name))).toEqual([])
    if (service !== undefined) expect(recorded.toSorted()).toEqual(names.toSorted())
  }
})

test('every difference has its reason', () => {
  const without = differing.filter(
    ({ readerId, feature }) => !knownDifferences.some((each) => concerns(each, readerId, feature)),
  )
  expect(without).toEqual([])
})

test('every reason has its difference', () => {
  const stale = knownDifferences.flatMap((known) =>
    known.readers.flatMap((readerId) =>
      known.features
        .filter(
          (feature) => !differing.some((e) => e.readerId === readerId && e.feature === feature),
        )
        .map((feature) => `${readerId}: ${feature}`),
    ),
  )
  expect(stale).toEqual([])
})
