import { faultKinds } from './plan.ts'
import { type SeedResult, stateNames } from './run-seed.ts'

/** Fewer seeds tell nothing about what is reached seldom. */
const judgedFrom = 1_000
/** Of all seeds, in which each kind of fault must happen and each state must be reached. */
const faultShareMin = 0.2
const stateShareMin = 0.01

/** What many seeds came to: in how many of them each fault happened and each state was reached. */
export class Tally {
  readonly faults = new Map<string, number>(faultKinds.map((kind) => [kind, 0]))
  readonly states = new Map<string, number>(stateNames.map((name) => [name, 0]))
  readonly failed: SeedResult[] = []
  readonly #cpuMs: number[] = []

  get seedCount(): number {
    return this.#cpuMs.length
  }

  /** CPU time of the seed in the middle, milliseconds; NaN where none ran. */
  get medianCpuMs(): number {
    const sorted = this.#cpuMs.toSorted((a, b) => a - b)
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  }

  add(result: SeedResult): void {
    this.#cpuMs.push(result.cpuMs)
    if (result.wrong.length > 0) this.failed.push(result)
    addTo(this.faults, result.faults)
    addTo(this.states, result.states)
  }

  /** Kinds and states that come too seldom; empty while there are too few seeds to judge. */
  shortfalls(): readonly string[] {
    if (this.seedCount < judgedFrom) return []
    return [...this.#below(this.faults, faultShareMin), ...this.#below(this.states, stateShareMin)]
  }

  #below(seeds: ReadonlyMap<string, number>, shareMin: number): readonly string[] {
    const few = [...seeds].filter(([, count]) => count < shareMin * this.seedCount)
    return few.map(([name, count]) => {
      const [share, wanted] = [(100 * count) / this.seedCount, 100 * shareMin]
      return `${name} in ${share.toFixed(1)} % of the seeds, wanted in ${wanted} %`
    })
  }
}

function addTo(seeds: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    seeds.set(name, (seeds.get(name) ?? 0) + (count > 0 ? 1 : 0))
  }
}
