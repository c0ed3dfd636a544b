/** What a failing seed needs: with fewer steps, then without each of its faults. */
import type { FaultKind, PlanCut } from './plan.ts'
import { runSeed, type SeedResult, type WorldClass } from './run-seed.ts'

/** Of one world; a shrunk failure is for a person to read, and need not be the smallest. */
const runsMax = 60

export interface Shrunk {
  readonly cut: PlanCut
  readonly result: SeedResult
}

/** @param failed the seed as it is drawn. @returns the smallest cut found that fails as well. */
export async function shrink(failed: SeedResult, MakeWorld: WorldClass): Promise<Shrunk> {
  const { seed } = failed
  const { plan } = new MakeWorld(seed)
  let runs = 0
  let shrunk: Shrunk = { cut: { without: new Set(), stepsMax: plan.stepCount }, result: failed }
  const keepIfWrong = async (cut: PlanCut): Promise<boolean> => {
    if (++runs > runsMax) return false
    const result = await runSeed(seed, MakeWorld, cut)
    if (result.wrong.length > 0) shrunk = { cut, result }
    return result.wrong.length > 0
  }
  for (let stepsMax = 1; stepsMax < plan.stepCount; stepsMax++) {
    if (await keepIfWrong({ without: new Set(), stepsMax })) break
  }
  const without = (kinds: readonly FaultKind[]): PlanCut => ({
    ...shrunk.cut,
    without: new Set([...shrunk.cut.without, ...kinds]),
  })
  for (const kinds of halves([...plan.faults])) {
    if (kinds.every((kind) => shrunk.cut.without.has(kind))) continue
    await keepIfWrong(without(kinds))
  }
  return shrunk
}

/** Halves, quarters, …, each alone. */
function halves<T>(all: readonly T[]): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = []
  for (let size = Math.ceil(all.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let at = 0; at < all.length; at += size) parts.push(all.slice(at, at + size))
  return parts
}

/** The command that runs such a world again. */
export function replayOf(seed: number, { without, stepsMax }: PlanCut): string {
  const steps = Number.isFinite(stepsMax) ? ` --steps ${stepsMax}` : ''
  const kinds = without.size === 0 ? '' : ` --without ${[...without].join(',')}`
  return `npm run sim -- --seed ${seed}${steps}${kinds}`
}
