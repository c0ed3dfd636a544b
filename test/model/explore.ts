/** Breadth first through all worlds, so that the first counterexample is a shortest one. */
import { present } from '../../src/base/assert.ts'
import { violationOf } from './oracle.ts'
import type { RulesOff } from './rules.ts'
import { type Bounds, worldOf } from './scenarios.ts'
import { successors } from './steps.ts'
import { Tables } from './tables.ts'
import { canonical, fingerprintOf, type World } from './world.ts'

export interface Limits {
  readonly statesMax: number
  readonly depthMax: number
}

export interface Exploration {
  readonly scenario: string
  readonly states: number
  /** Steps from the first world to the farthest one seen. */
  readonly depth: number
  readonly folds: number
  readonly outcome: 'clean' | 'violated' | 'limit'
  /** The broken promise, and the steps that lead to it. */
  readonly violation: string | undefined
  readonly trace: readonly string[]
}

/** Fingerprints that were met: open addressing, eight bytes each. */
class Fingerprints {
  #words = new Uint32Array(1 << 16)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @returns false when it was there already. */
  add([low, high]: readonly [number, number]): boolean {
    if (this.#size * 3 >= this.#words.length) this.#grow()
    return this.#insert(low, high === 0 ? 1 : high)
  }

  #insert(low: number, high: number): boolean {
    const words = this.#words
    const mask = words.length / 2 - 1
    for (let slot = (low ^ high) & mask; ; slot = (slot + 1) & mask) {
      if (words[slot * 2 + 1] === 0) {
        words[slot * 2] = low
        words[slot * 2 + 1] = high
        this.#size++
        return true
      }
      if (words[slot * 2] === low && words[slot * 2 + 1] === high) return false
    }
  }

  #grow(): void {
    const before = this.#words
    this.#words = new Uint32Array(before.length * 2)
    this.#size = 0
    for (let at = 0; at < before.length; at += 2) {
      const [low = 0, high = 0] = before.subarray(at, at + 2)
      if (high !== 0) this.#insert(low, high)
    }
  }
}

/** Where each state came from, to tell the way to one of them. */
class Ways {
  #from = new Uint32Array(1 << 14)
  #choice = new Uint16Array(1 << 14)
  #count = 0

  add(from: number, choice: number): number {
    if (this.#count === this.#from.length) {
      const [from2, choice2] = [this.#from, this.#choice]
      this.#from = new Uint32Array(from2.length * 2)
      this.#choice = new Uint16Array(choice2.length * 2)
      this.#from.set(from2)
      this.#choice.set(choice2)
    }
    this.#from[this.#count] = from
    this.#choice[this.#count] = choice
    return this.#count++
  }

  choicesTo(state: number): readonly number[] {
    const choices: number[] = []
    for (let at = state; at !== 0; at = present(this.#from[at], 'each state has a way')) {
      choices.push(present(this.#choice[at], 'each state has a way'))
    }
    return choices.reverse()
  }
}

interface Found {
  readonly world: World
  readonly state: number
}

/** Explores one scenario with some rules off, to its end, its first violation or a limit. */
export function explore(bounds: Bounds, off: RulesOff, limits: Limits): Exploration {
  const tables = new Tables(off)
  const explored = { tables, bounds }
  const met = new Fingerprints()
  const ways = new Ways()
  const order = off.has('ids') ? (world: World): World => world : canonical
  const first = order(worldOf(bounds, tables))
  met.add(fingerprintOf(first))
  let frontier: Found[] = [{ world: first, state: ways.add(0, 0) }]
  let depth = 0
  let hit: { readonly state: number; readonly violation: string } | undefined
  const full = (): boolean => met.size >= limits.statesMax || depth >= limits.depthMax
  while (frontier.length > 0 && hit === undefined && !full()) {
    const next: Found[] = []
    for (const { world, state } of frontier) {
      if (hit !== undefined || met.size >= limits.statesMax) break
      let choice = 0
      successors(world, explored, (follower, _say, broken) => {
        const chosen = choice++
        if (hit !== undefined) return
        const ordered = order(follower)
        if (!met.add(fingerprintOf(ordered)) && broken === undefined) return
        const reached = ways.add(state, chosen)
        const violation = broken ?? violationOf(ordered, tables, bounds)
        if (violation === undefined) next.push({ world: ordered, state: reached })
        else hit = { state: reached, violation }
      })
    }
    frontier = next
    if (next.length > 0 || hit !== undefined) depth++
  }
  const outcome = hit !== undefined ? 'violated' : frontier.length > 0 ? 'limit' : 'clean'
  const trace = hit === undefined ? [] : traceOf(ways.choicesTo(hit.state), first, explored, order)
  return {
    scenario: bounds.name,
    states: met.size,
    depth,
    folds: tables.foldCount,
    outcome,
    violation: hit?.violation,
    trace,
  }
}

function traceOf(
  choices: readonly number[],
  first: World,
  explored: { readonly tables: Tables; readonly bounds: Bounds },
  order: (world: World) => World,
): readonly string[] {
  const trace: string[] = []
  let world = first
  for (const wanted of choices) {
    let choice = 0
    const from = world
    successors(from, explored, (follower, say) => {
      if (choice++ !== wanted) return
      world = order(follower)
      trace.push(say())
    })
  }
  return trace
}
