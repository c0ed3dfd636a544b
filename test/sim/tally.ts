import { faultKinds } from './plan.ts'
import type { SeedResult } from './run-seed.ts'

/** What many seeds came to: in how many of them each fault happened and each state was reached. */
export class Tally {
  readonly faults = new Map<string, number>(faultKinds.map((kind) => [kind, 0]))
  readonly states = new Map<string, number>()
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
}

function addTo(seeds: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    seeds.set(name, (seeds.get(name) ?? 0) + (count > 0 ? 1 : 0))
  }
}
