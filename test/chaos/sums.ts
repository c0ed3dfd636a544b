/** What a chaos run has shown so far: kept in a file between its parts. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { commitPhases } from '../support/commit-phase.ts'
import type { Verdict } from './checker.ts'
import type { BrokerKind } from './flags.ts'
import type { Assignment, FileMode } from './numbered.ts'
import { type Blow, type BlowKind, blocksOn, blowKinds, type LakeKind } from './plan.ts'

/** What must stay the same for parts to be summed. */
export interface RunOf {
  readonly commit: string
  readonly seed: number
  readonly workers: number
  readonly assignment: Assignment
  readonly broker: BrokerKind
  readonly lake: LakeKind
  readonly fileMode: FileMode
}

export interface Sums {
  readonly run: RunOf
  /** Of judged rounds. */
  readonly blows: readonly Blow[]
  readonly rounds: number
  readonly events: number
  readonly announced: number
  readonly discarded: number
  readonly lost: number
  readonly doubled: number
  readonly earlyReady: number
  readonly seconds: number
  /** What else went wrong, whatever the counts say. */
  readonly troubles: readonly string[]
}

export const noSums = (run: RunOf): Sums => ({
  run,
  blows: [],
  rounds: 0,
  events: 0,
  announced: 0,
  discarded: 0,
  lost: 0,
  doubled: 0,
  earlyReady: 0,
  seconds: 0,
  troubles: [],
})

/** A round that came to its verdict. Rows out of place are trouble, and so is every finding. */
export const withRound = (
  sums: Sums,
  blows: readonly Blow[],
  verdict: Verdict & { readonly discarded: number },
): Sums => ({
  ...sums,
  blows: [...sums.blows, ...blows],
  rounds: sums.rounds + 1,
  events: sums.events + verdict.events,
  announced: sums.announced + verdict.announced,
  discarded: sums.discarded + verdict.discarded,
  lost: sums.lost + verdict.lost,
  doubled: sums.doubled + verdict.doubled,
  earlyReady: sums.earlyReady + verdict.earlyReady,
  troubles: [...sums.troubles, ...verdict.findings],
})

/** Kills from which on each phase must have been hit. */
const allPhasesFrom = 30

/** The reasons to exit 1; empty when the promise held. */
export function troublesOf(sums: Sums): readonly string[] {
  const { phases } = hitsOf(sums)
  const missed = blocksOn[sums.run.lake].phases.filter((phase) => phases[phase] === 0)
  const isLong = sums.blows.length >= allPhasesFrom
  const unhit = isLong && missed.length > 0 ? [`never hit: ${missed.join(', ')}`] : []
  return [...sums.troubles, ...unhit]
}

/** Blows by phase (of workers) and by kind. */
export function hitsOf({ blows }: Sums) {
  const onWorkers = blows.filter(({ kind }) => kind === 'kill' || kind === 'pause')
  const phases = Object.fromEntries(
    commitPhases.map((at) => [at, onWorkers.filter(({ phase }) => phase === at).length]),
  )
  const kinds = Object.fromEntries(
    blowKinds.map((at: BlowKind) => [at, blows.filter(({ kind }) => kind === at).length]),
  )
  return { phases, kinds }
}

/** The last line of stdout. */
export function summaryLine(sums: Sums): string {
  const { phases, kinds } = hitsOf(sums)
  const { run, blows, events, announced, discarded, lost, doubled, earlyReady } = sums
  const seconds = Math.round(sums.seconds)
  const counts = { events, lost, doubled, earlyReady, seconds }
  return JSON.stringify({
    kills: blows.length,
    phases,
    ...counts,
    kinds,
    announced,
    discarded,
    run,
  })
}

/** @returns undefined when there is no such file. */
export function readSums(path: string): Sums | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Sums
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

export function writeSums(path: string, sums: Sums): void {
  writeFileSync(`${path}.new`, JSON.stringify(sums, null, 1))
  renameSync(`${path}.new`, path)
}
