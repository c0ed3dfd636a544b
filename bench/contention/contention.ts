/**
 * `npm run bench -- contention [--quick] [--trial NAME] [--logs N] [--seed N]`: writers that begin
 * together and share one log, in simulated time. The real commit log, committer, commit loop,
 * announcer and outbox run over a lake whose every call takes 25 to 75 ms. `--logs` says over how
 * many logs of an hour, each with the next seed, the trial `commits` goes: ten unless told.
 *
 * Bars, for 64 writers that commit every minute: a commit takes less than 2 s (p99) and loses at
 * most 1.0 races on average. Without chance they must be missed, or the measurement sees nothing.
 */
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitText, machineText, thisMachine } from '../measure/machine.ts'
import {
  type BenchFlags,
  type BenchOutcome,
  Misused,
  type SimulatedCase,
} from '../measure/outcome.ts'
import { type ContentionSummary, summed } from './summary.ts'
import { measureInThreads } from './trial-thread.ts'
import type { ContentionPlan } from './world.ts'

const bars = { p99Seconds: 2, racesPerCommit: 1 }
const callMs = 50
const seed = 20_261_121

interface Trial {
  readonly name: string
  readonly plan: ContentionPlan
  /** So many times, each with a log and a seed of its own. */
  readonly logCount?: number
  /** Undefined: for comparison only. */
  readonly isWithinBars: boolean | undefined
}

const daemons: ContentionPlan = {
  writerCount: 64,
  startMs: Date.UTC(2026, 10, 20),
  hours: 1,
  intervalMs: 60_000,
  times: { putMs: callMs, readMs: callMs, listMs: callMs },
  seed,
  isJittered: true,
  announces: false,
}

function trialsOf(flags: BenchFlags): readonly Trial[] {
  const from = { ...daemons, seed: countOf(flags, 'seed', seed) }
  const few = { ...from, hours: 0.1 }
  const alone: Trial = { name: 'chance', plan: { ...few, isJittered: false }, ...missed }
  if (flags.isQuick) return [{ name: 'commits', plan: few, ...held }, alone]
  const overAnEnd = { ...from, startMs: Date.UTC(2026, 10, 20, 0, 54), hours: 0.3 }
  const all: readonly Trial[] = [
    { name: 'commits', plan: from, logCount: countOf(flags, 'logs', 10), ...held },
    { name: 'announcements', plan: { ...overAnEnd, announces: true }, ...held },
    alone,
    ...[128, 256].map((writerCount) => ({
      name: 'more',
      plan: { ...few, writerCount },
      isWithinBars: undefined,
    })),
  ]
  const wanted = flags.values['trial']
  const some = all.filter(({ name }) => wanted === undefined || name === wanted)
  if (some.length > 0) return some
  const accepted = [...new Set(all.map(({ name }) => name))].join(', ')
  throw new Misused(`--trial "${wanted}" is not known; accepted: ${accepted}`)
}

function countOf({ values }: BenchFlags, flag: string, usual: number): number {
  const text = values[flag] ?? `${usual}`
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text)
  throw new Misused(`--${flag} "${text}" is no whole number above 0`)
}

/** What each trial is, for people. */
const titles: Readonly<Record<string, string>> = {
  commits: 'commits',
  announcements: "with announcements and deliveries, over an hour's end",
  chance: 'without chance',
  more: 'more writers',
}

const held = { isWithinBars: true }
const missed = { isWithinBars: false }

interface Tried extends Trial {
  readonly figures: ContentionSummary
}

export async function benchContention(flags: BenchFlags): Promise<BenchOutcome> {
  const [commit, machine] = [commitText(), machineText(thisMachine())]
  const trials = trialsOf(flags)
  const measured = await measureInThreads(trials.flatMap(logsOf))
  const tried = trials.map((trial): Tried => {
    const own = measured.splice(0, trial.logCount ?? 1)
    return { ...trial, figures: summed(own) }
  })
  for (const each of tried) console.log(lineOf(each))
  const wrong = tried.flatMap(troublesOf)
  if (!flags.isQuick) record(tried, wrong, commit)
  const cases = tried.map(({ name, plan, figures }): SimulatedCase => {
    const { commits, racesPerCommit, commitSeconds } = figures
    return { name, writers: plan.writerCount, commits, racesPerCommit, commitSeconds }
  })
  return { report: { bench: 'contention', commit, machine, cases }, missed: wrong }
}

const logsOf = ({ plan, logCount = 1 }: Trial): readonly ContentionPlan[] =>
  Array.from({ length: logCount }, (_, index) => ({ ...plan, seed: plan.seed + index }))

function troublesOf({ name, plan, logCount = 1, figures, isWithinBars }: Tried): readonly string[] {
  const { racesPerCommit, commitSeconds, discarded, commits } = figures
  const isIn = commitSeconds.p99 < bars.p99Seconds && racesPerCommit <= bars.racesPerCommit
  const least = Math.floor(logCount * plan.writerCount * (plan.hours * 60 - 1))
  return [
    ...(isWithinBars === true && !isIn ? [`${name}: not within the bars`] : []),
    ...(isWithinBars === false && isIn ? [`${name}: within the bars, so nothing was seen`] : []),
    ...(discarded > 0
      ? [`${name}: ${discarded} commits discarded, of ranges nobody else has`]
      : []),
    ...(isWithinBars === true && commits < least
      ? [`${name}: ${commits} commits of ${least}`]
      : []),
  ]
}

const seconds = (value: number): string => `${value.toFixed(2)} s`

function lineOf({ name, plan, logCount = 1, figures }: Tried): string {
  const { commits, announcements, entries, racesPerCommit, commitSeconds, lakeCalls } = figures
  const { median, p99, max } = commitSeconds
  const logs = `${logCount} × ${plan.hours} h`
  const took = [seconds(median), `**${seconds(p99)}**`, seconds(max)]
  const perCommit = (lakeCalls / commits).toFixed(0)
  const counts = [plan.writerCount, logs, commits, entries, announcements]
  const races = racesPerCommit.toFixed(2)
  return `| ${[titles[name], ...counts, races, ...took, perCommit].join(' | ')} |`
}

const resultsPath = join(import.meta.dirname, '..', 'results', 'contention.md')
const title = `# bench contention

Appended by \`npm run bench -- contention\`: writers that begin at the same moment, each committing
every minute to one log, in simulated time. Bars for 64 writers: p99 below 2 s, at most 1.0 races
lost for each commit.
`
const columns = [
  'what',
  'writers',
  'logs',
  'commits',
  'entries',
  'announcements',
  'races lost a commit',
  'median',
  'p99',
  'longest',
  'calls a commit',
]

function record(tried: readonly Tried[], wrong: readonly string[], commit: string): void {
  if (!existsSync(resultsPath)) writeFileSync(resultsPath, title)
  const date = new Date().toISOString().slice(0, 16).replace('T', ' ')
  const table = [
    `| ${columns.join(' | ')} |`,
    `|${columns.map((_, index) => (index === 0 ? '---' : '---:')).join('|')}|`,
    ...tried.map(lineOf),
  ]
  appendFileSync(
    resultsPath,
    `
## ${date} UTC · commit ${commit}
Simulated time: the machine has no part in the figures. Each call to the lake takes 25 to 75 ms,
${callMs} ms on average, its effect half way; seeds from ${tried[0]?.plan.seed}.
All writers of a log begin at once. A commit is from the fold before its seal to its published
files.

${table.join('\n')}

Observation: ${wrong.length === 0 ? observation(tried) : wrong.join('; ')}.
`,
  )
}

function observation(tried: readonly Tried[]): string {
  const holds = tried.some(({ isWithinBars }) => isWithinBars === true) ? ['all bars hold'] : []
  const misses = tried.some(({ isWithinBars }) => isWithinBars === false)
    ? ['without chance they are missed']
    : []
  const both = [...holds, ...misses]
  return both.length === 0 ? 'for comparison only' : both.join('; ')
}
