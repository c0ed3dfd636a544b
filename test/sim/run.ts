/**
 * The machine that tries to break lakeward.
 *
 *     npm run sim -- --seeds 10000   many worlds; --first S begins at another seed
 *     npm run sim -- --seed 7        one world again, with all that is wrong in it; --steps N and
 *                                    --without KIND,… leave out what a failure does not need
 *     npm run sim -- --patch FILE    sources with a bug: exits 1 with the seed that finds it
 *     npm run sim -- --planted       every planted bug must be found
 *
 * The last line of stdout is one JSON object. Exits 0 when no promise was broken; 1 when one was,
 * when a planted bug was not found, or when too few of many seeds met a fault or a state; 2 when it
 * cannot be told what is wanted.
 */
import { parseArgs } from 'node:util'
import { World } from './daemon-world.ts'
import { withCopy } from './patched.ts'
import { faultKinds, type PlanCut, uncut } from './plan.ts'
import { plantedPatches, searchPlanted } from './planted.ts'
import { runSeed } from './run-seed.ts'
import { replayOf, shrink } from './shrink.ts'
import { Tally } from './tally.ts'

const seedsDefault = 500
const patchSeedsDefault = 2_000
const seedMax = 2 ** 31 - 1
const told = 5
/** Failing seeds that are shrunk, the first ones. */
const shrunkMax = 3

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

function names(text: string | undefined): ReadonlySet<string> {
  const found = new Set(text?.split(',') ?? [])
  const known: ReadonlySet<string> = new Set(faultKinds)
  for (const name of found) if (!known.has(name)) refuse(`--without names no fault "${name}"`)
  return found
}

function flags() {
  const text = { type: 'string' } as const
  const options = {
    seeds: text,
    first: text,
    seed: text,
    steps: text,
    without: text,
    patch: text,
    planted: { type: 'boolean', default: false },
  } as const
  try {
    const { seeds, first, seed, steps, without, patch, planted } = parseArgs({ options }).values
    const stepsMax = wholeNumber('steps', steps) ?? Number.POSITIVE_INFINITY
    return {
      seedCount: wholeNumber('seeds', seeds),
      first: wholeNumber('first', first) ?? 1,
      seed: wholeNumber('seed', seed),
      cut: { stepsMax, without: new Set(faultKinds.filter((kind) => names(without).has(kind))) },
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

async function runOne(seed: number, cut: PlanCut): Promise<boolean> {
  const result = await runSeed(seed, World, cut)
  for (const wrong of result.wrong) console.log(wrong)
  const { faults, states } = result
  console.log(
    JSON.stringify({ seeds: 1, violations: Math.sign(result.wrong.length), faults, states }),
  )
  return result.wrong.length === 0
}

async function runSeeds(first: number, count: number): Promise<boolean> {
  const tally = new Tally()
  // Stacks are for who looks at one seed: thousands of calls fail in each.
  Error.stackTraceLimit = 0
  for (let seed = first; seed < first + count; seed++) {
    const result = await runSeed(seed, World)
    tally.add(result)
    if (result.wrong.length === 0) continue
    console.log(`FAILED: ${replayOf(seed, uncut)}`)
    for (const wrong of result.wrong.slice(0, told)) console.log(`  ${wrong}`)
    if (tally.failed.length > shrunkMax) continue
    const { cut } = await shrink(result, World)
    console.log(`  shrunk: ${replayOf(seed, cut)}`)
  }
  const { failed, faults, states, medianCpuMs, seedCount } = tally
  sayShares('faults', faults, seedCount)
  sayShares('states', states, seedCount)
  console.log(
    `${seedCount} seeds, ${failed.length} violations, median ${medianCpuMs.toFixed(0)} ms`,
  )
  const shortfalls = tally.shortfalls()
  for (const text of shortfalls) console.log(`TOO SELDOM: ${text}`)
  const counted = { faults: Object.fromEntries(faults), states: Object.fromEntries(states) }
  console.log(JSON.stringify({ seeds: seedCount, violations: failed.length, ...counted }))
  return failed.length === 0 && shortfalls.length === 0
}

async function runPatch(patch: string, first: number, count: number): Promise<boolean> {
  const outcome = await withCopy((search) => search({ patch, first, count }))
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
  await searchPlanted(plantedPatches(), count, ({ name, outcome }) => {
    if (outcome.kind === 'found') found += 1
    const text = {
      found: () => `seed ${outcome.kind === 'found' ? outcome.seed : ''}`,
      'not-found': () => `NOT FOUND in ${count} seeds`,
      refused: () => `DOES NOT APPLY: ${outcome.kind === 'refused' ? outcome.because : ''}`,
    }[outcome.kind]()
    const wrong = outcome.kind === 'found' ? (outcome.wrong[0] ?? '') : ''
    console.log(`${name.padEnd(40)} ${text}  ${wrong.split('\n')[0]?.slice(0, 100)}`)
  })
  const planted = plantedPatches().length
  console.log(JSON.stringify({ planted, found }))
  return found === planted
}

const { seedCount, first, seed, cut, patch, planted } = flags()
const isSound = planted
  ? await runPlanted(seedCount ?? patchSeedsDefault)
  : patch !== undefined
    ? await runPatch(patch, first, seedCount ?? patchSeedsDefault)
    : seed !== undefined
      ? await runOne(seed, cut)
      : await runSeeds(first, seedCount ?? seedsDefault)
process.exitCode = isSound ? 0 : 1
