import { expect, test } from 'vitest'
import { differenceKinds } from '../../conformance/differences.ts'
import { googleDifferenceKinds } from '../../conformance/google-differences.ts'
import { runMutations } from '../../conformance/mutations.ts'
import { refusedSchemas } from '../../conformance/refused.ts'
import { allCases, runCases } from '../../conformance/run-cases.ts'

const mutationCount = 50_000
const differencesMost = 20
/** Of reader and references, in the second half: ten kilobytes an event that stay are more. */
const garbageBytesMost = 250_000_000
const timeoutMs = 240_000

test(
  'every case of the wire format comes out as the specification and the references say',
  async () => {
    expect(new Set(allCases.map(({ name }) => name)).size).toBe(allCases.length)
    const { tried, passed, refused, failures } = await runCases()
    expect(failures).toEqual([])
    expect(tried).toBeGreaterThan(2_000)
    expect(passed + refused).toBe(tried)
    expect(refused).toBe(refusedSchemas.length)
  },
  timeoutMs,
)

test(
  'a mutated event is refused exactly when protobufjs refuses it, else it means the same',
  async () => {
    const results = await runMutations(mutationCount, 20_261_121)
    const { tried, equal, refusedByBoth, differences, kernelBytes, rssBytes } = results
    expect(results.failures).toEqual([])
    expect(results.failed).toBe(0)
    const listed = [...differences.values()].reduce((sum, count) => sum + count, 0)
    expect(equal + refusedByBoth + listed).toBe(tried)
    expect(tried).toBeGreaterThanOrEqual(mutationCount)
    expect(equal).toBeGreaterThan(mutationCount / 5)
    expect(refusedByBoth).toBeGreaterThan(mutationCount / 5)
    expect(Math.min(...results.changes.values())).toBeGreaterThan(mutationCount / 20)
    expect(kernelBytes.end).toBe(kernelBytes.early)
    expect(rssBytes.end - rssBytes.early).toBeLessThan(garbageBytesMost)
  },
  timeoutMs,
)

test('differences are few, each has a name and a reason', () => {
  const kinds = [...differenceKinds, ...googleDifferenceKinds]
  expect(kinds.length).toBeLessThanOrEqual(differencesMost)
  expect(new Set(kinds.map(({ name }) => name)).size).toBe(kinds.length)
  for (const { because } of [...kinds, ...refusedSchemas]) {
    expect(because.split(' ').length).toBeGreaterThan(3)
  }
})
