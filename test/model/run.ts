/**
 * The commit protocol, explored to the end of bounded worlds.
 *
 *     node test/model/run.ts                                 small worlds, then each rule off
 *     node test/model/run.ts --bounds large --states 1000000 larger ones, as far as states go
 *     node test/model/run.ts --off unknown                   one rule off, in its scenario
 *     node test/model/run.ts --scenario core --depth 12      one scenario, all rules on
 *
 * The last line of stdout is one JSON object. Exits 0 when nothing is broken with all rules on and
 * each switched-off rule shows what it must, 1 otherwise.
 */
import { parseArgs } from 'node:util'
import { type Exploration, explore, type Limits } from './explore.ts'
import { exploreGrowing, growingScenarios } from './explore-growing.ts'
import type { GrowingBounds } from './growing.ts'
import { judge } from './judge.ts'
import { largeScenarios } from './large-scenarios.ts'
import {
  type GrowthRule,
  growthRuleNames,
  type Rule,
  ruleNames,
  scenarioOfGrowth,
  textOf,
} from './rules.ts'
import { type Bounds, quickScenarios } from './scenarios.ts'

const statesOf: Readonly<Record<string, number>> = { quick: 100_000, large: 3_000_000 }

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

function wholeNumber(flag: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  return refuse(`--${flag} is "${text}", accepted is a whole number from 1 to 999999999`)
}

const ruleOf = (name: string): Rule =>
  ruleNames.find((rule) => rule === name) ??
  refuse(`--off is "${name}", known are ${ruleNames.join(', ')}`)

function parsed() {
  try {
    return parseArgs({
      options: {
        bounds: { type: 'string', default: 'quick' },
        states: { type: 'string' },
        depth: { type: 'string', default: '1000' },
        scenario: { type: 'string' },
        off: { type: 'string', multiple: true, default: [] },
      },
    }).values
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

function flags(): {
  readonly scenarios: readonly Bounds[]
  readonly off: readonly Rule[]
  readonly limits: Limits
  readonly bounds: string
  readonly scenario: string | undefined
} {
  const { bounds, states, depth, scenario, off } = parsed()
  const most = statesOf[bounds] ?? refuse(`--bounds is "${bounds}", known are quick, large`)
  const statesMax = states === undefined ? most : wholeNumber('states', states)
  const limits = { statesMax, depthMax: wholeNumber('depth', depth) }
  const all = bounds === 'large' ? largeScenarios : quickScenarios
  const scenarios = all.filter(({ name }) => scenario === undefined || name === scenario)
  if (scenarios.length === 0) {
    refuse(`--scenario is "${scenario}", known are ${all.map(({ name }) => name).join(', ')}`)
  }
  return { scenarios, off: off.map(ruleOf), limits, bounds, scenario }
}

function say(what: string, exploration: Exploration): void {
  const { scenario, states, depth, folds, outcome, violation, trace } = exploration
  const end = violation ?? (outcome === 'limit' ? 'nothing up to the limit' : 'nothing')
  const figures = `${states} states, ${depth} steps deep, ${folds} folds`
  console.log(`${what.padEnd(16)} ${scenario.padEnd(11)} ${figures}: ${end}`)
  for (const [at, step] of trace.entries()) console.log(`  ${String(at + 1).padStart(4)}  ${step}`)
}

const { scenarios, off, limits, bounds, scenario } = flags()
const results: Record<string, unknown>[] = []
const troubles: string[] = []

/** Explores, tells of it, and keeps what the last line says. */
function run(bounded: Bounds, rulesOff: readonly Rule[]): void {
  const what = rulesOff.length === 0 ? 'all rules' : `-${rulesOff.join(' -')}`
  const exploration = explore(bounded, new Set(rulesOff), limits)
  say(what, exploration)
  const trouble = judge(exploration, rulesOff)
  if (trouble !== undefined) troubles.push(`${what}, ${bounded.name}: ${trouble}`)
  const { states, depth, outcome, violation = null } = exploration
  results.push({ off: rulesOff, scenario: bounded.name, states, depth, outcome, violation })
}

/** The same for files that grow. */
function runGrowing(bounded: GrowingBounds, off: GrowthRule | undefined): void {
  const rulesOff = off === undefined ? [] : [off]
  const what = off === undefined ? 'all rules' : `-${off}`
  const { states, depth, violation, trace } = exploreGrowing(bounded, new Set(rulesOff))
  const outcome = violation === undefined ? 'clean' : 'violated'
  say(what, { scenario: bounded.name, states, depth, folds: 0, outcome, violation, trace })
  const isRight = (violation === undefined) === (off === undefined)
  if (!isRight) troubles.push(`${what}, ${bounded.name}: ${violation ?? 'nothing shows it'}`)
  const broken = violation ?? null
  results.push({ off: rulesOff, scenario: bounded.name, states, depth, outcome, violation: broken })
}

const growingScene = (rule: GrowthRule): GrowingBounds =>
  growingScenarios.find(({ name }) => name === scenarioOfGrowth(rule)) ??
  refuse(`rule "${rule}" names no scenario`)

/** The scenario in which the absence of a rule shows. */
const sceneOf = (rule: Rule): Bounds =>
  quickScenarios.find(({ name }) => name === (scenario ?? textOf(rule).scenario)) ??
  refuse(`rule "${rule}" names no scenario`)

const [first] = off
if (first !== undefined) run(sceneOf(first), off)
else {
  for (const one of scenarios) run(one, [])
  if (bounds === 'quick' && scenario === undefined) {
    for (const rule of ruleNames) run(sceneOf(rule), [rule])
    for (const one of growingScenarios) runGrowing(one, undefined)
    for (const rule of growthRuleNames) runGrowing(growingScene(rule), rule)
  }
}
for (const trouble of troubles) console.log(`FAILED: ${trouble}`)
console.log(JSON.stringify({ suite: 'protocol-model', bounds, ...limits, results, troubles }))
process.exitCode = troubles.length === 0 ? 0 : 1
