/**
 * The simulation finds planted bugs: of each kind of promise one that it finds soon. The whole list
 * is searched for by `npm run sim -- --planted`, or here with LAKEWARD_PLANTED=all.
 */
import { expect, test } from 'vitest'
import { nameOf, plantedPatches, searchPlanted } from '../sim/planted.ts'

const soonFound = [
  'append-ignores-next',
  'count-based-readiness',
  'evidence-dated-after-the-answer',
  'lost-answer-taken-for-success',
  'publish-before-the-decision',
  'quarantine-folds-before-it-lists',
  'slow-deliverer',
  'staging-of-the-living-removed',
] as const
const isAll = process.env['LAKEWARD_PLANTED'] === 'all'
const seedsMax = isAll ? 2_000 : 200

test('the simulation finds bugs that are planted into the sources', {
  timeout: isAll ? 3_600_000 : 600_000,
}, async () => {
  const names: readonly string[] = isAll ? plantedPatches().map(nameOf) : soonFound
  const patches = plantedPatches().filter((path) => names.includes(nameOf(path)))
  expect(patches).toHaveLength(names.length)
  const missed: string[] = []
  await searchPlanted(patches, seedsMax, ({ name, outcome }) => {
    if (outcome.kind !== 'found') missed.push(`${name}: ${outcome.kind}`)
  })
  expect(missed).toEqual([])
})
