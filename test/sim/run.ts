/**
 * The machine that tries to break lakeward.
 *
 *     npm run sim -- --seeds 10000   many worlds; --first S begins at another seed
 *     npm run sim -- --seed 7        one world again, with all that is wrong in it
 *     npm run sim -- --patch FILE    sources with a bug: exits 1 with the seed that finds it
 *     npm run sim -- --planted       every planted bug must be found
 *
 * The last line of stdout is one JSON object. Exits 0 when no promise was broken, 1 when one was
 * (or a planted bug was not found), 2 when it cannot be told what is wanted.
 */
import { parseArgs } from 'node:util'
import { World } from './daemon-world.ts'
import { search } from './patched.ts'
import { notFoundYet, plantedPatches, searchPlanted } from './planted.ts'
import { runSeed } from './run-seed.ts'
import { Tally } from './tally.ts'

const seedsDefault = 500
const patchSeedsDefault = 2_000
const seedMax = 2 ** 31 - 1
const told = 5

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

function wholeNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= seedMax) return value
  return refuse(`--${flag} is "${text}", accepted is a whole number from 1 to ${seedMax}`)
}

function flags() {
  const text = { type: 'string' } as const
  const options = {
    seeds: text,
    first: text,
    seed: text,
    patch: text,
    planted: { type: 'boolean', default: false },
  } as const
  try {
    const { seeds, first, seed, patch, planted } = parseArgs({ options }).values
    return {
      seedCount: wholeNumber('seeds', seeds),
      first: wholeNumber('first', first) ?? 1,
      seed: wholeNumber('seed', seed),
      patch,
      planted,
    }
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

const percent = (part: number, of: number): string => `${((100 * part) / of).toFixed(1)} %`

function sayShares(title: string, shares: ReadonlyMap<string, number>, of: number): void {
  const texts = [...shares].map(([name, seeds]) => `${name} ${percent(seeds, of)}`)
  console.log(`${title.padEnd(8)}${texts.join(', ')}`)
}

async function runSeeds(first: number, count: number): Promise<boolean> {
  const tally = new Tally()
  for (let seed = first; seed < first + count; seed++) {
    const result = await runSeed(seed, World)
    tally.add(result)
    if (result.wrong.length === 0) continue
    console.log(`FAILED: npm run sim -- --seed ${seed}`)
    for (const wrong of result.wrong.slice(0, count === 1 ? undefined : told)) {
      console.log(`  ${wrong}`)
    }
  }
  const { failed, faults, states, medianCpuMs, seedCount } = tally
  sayShares('faults', faults, seedCount)
  sayShares('states', states, seedCount)
  console.log(
    `${seedCount} seeds, ${failed.length} violations, median ${medianCpuMs.toFixed(0)} ms`,
  )
  const counted = { faults: Object.fromEntries(faults), states: Object.fromEntries(states) }
  console.log(JSON.stringify({ seeds: seedCount, violations: failed.length, ...counted }))
  return failed.length === 0
}

async function runPatch(patch: string, first: number, count: number): Promise<boolean> {
  const outcome = await search({ patch, first, count })
  if (outcome.kind === 'refused') refuse(`${patch} does not apply: ${outcome.because}`)
  const seed = outcome.kind === 'found' ? outcome.seed : undefined
  if (outcome.kind === 'found') {
    console.log(`found by seed ${outcome.seed}: ${patch}`)
    for (const wrong of outcome.wrong.slice(0, told)) console.log(`  ${wrong}`)
  } else console.log(`not found in ${count} seeds: ${patch}`)
  const seeds = seed === undefined ? count : seed - first + 1
  const violations = seed === undefined ? 0 : 1
  console.log(JSON.stringify({ seeds, violations, faults: {}, states: {}, seed }))
  return violations === 0
}

async function runPlanted(count: number): Promise<boolean> {
  let found = 0
  await searchPlanted(count, ({ name, outcome }) => {
    if (outcome.kind === 'found') found += 1
    const text = {
      found: () => `seed ${outcome.kind === 'found' ? outcome.seed : ''}`,
      'not-found': () => `NOT FOUND in ${count} seeds`,
      refused: () => `DOES NOT APPLY: ${outcome.kind === 'refused' ? outcome.because : ''}`,
    }[outcome.kind]()
    const wrong = outcome.kind === 'found' ? (outcome.wrong[0] ?? '') : ''
    console.log(`${name.padEnd(40)} ${text}  ${wrong.split('\n')[0]?.slice(0, 100)}`)
  })
  for (const [name, because] of Object.entries(notFoundYet())) {
    console.log(`${name.padEnd(40)} known not to be found: ${because}`)
  }
  const planted = plantedPatches().length
  console.log(JSON.stringify({ planted, found }))
  return found === planted
}

const { seedCount, first, seed, patch, planted } = flags()
const isSound = planted
  ? await runPlanted(seedCount ?? patchSeedsDefault)
  : patch !== undefined
    ? await runPatch(patch, first, seedCount ?? patchSeedsDefault)
    : await runSeeds(seed ?? first, seed === undefined ? (seedCount ?? seedsDefault) : 1)
process.exitCode = isSound ? 0 : 1
