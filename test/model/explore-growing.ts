/** Breadth first through all worlds in which files grow. */
import { type GrowingBounds, type GrowingWorld, growingSteps, worldOf } from './growing.ts'
import { foldLog, Table } from './growing-log.ts'
import { growingWrong } from './growing-oracle.ts'
import type { GrowthRule } from './rules.ts'

export const growingScenarios: readonly GrowingBounds[] = [
  {
    name: 'tails',
    processes: 2,
    rows: 3,
    onTime: 2,
    left: { append: 3, merge: 0, ready: 1, crash: 0, lost: 1, finish: 1, refuse: 1 },
  },
  {
    name: 'waiting-tails',
    processes: 2,
    rows: 3,
    onTime: 3,
    left: { append: 3, merge: 0, ready: 0, crash: 1, lost: 0, finish: 2, refuse: 2 },
    hasty: true,
  },
  {
    name: 'sealed-tails',
    processes: 2,
    rows: 3,
    onTime: 3,
    left: { append: 4, merge: 0, ready: 0, crash: 0, lost: 0, finish: 0, refuse: 0 },
    sealed: true,
  },
  {
    name: 'merged-tails',
    processes: 2,
    rows: 2,
    onTime: 2,
    left: { append: 2, merge: 1, ready: 1, crash: 1, lost: 0, finish: 1, refuse: 1 },
  },
  {
    name: 'late-tails',
    processes: 2,
    rows: 2,
    onTime: 1,
    left: { append: 2, merge: 0, ready: 1, crash: 1, lost: 1, finish: 1, refuse: 0 },
  },
]

export interface GrowingExploration {
  readonly states: number
  /** Steps to the farthest world. */
  readonly depth: number
  readonly violation: string | undefined
  readonly trace: readonly string[]
}

interface Way {
  readonly before: Way | undefined
  readonly say: string
}

/** To the end, or to the first broken promise. */
export function exploreGrowing(
  bounds: GrowingBounds,
  off: ReadonlySet<GrowthRule>,
): GrowingExploration {
  const table = new Table()
  const met = new Set<string>()
  let frontier: { readonly world: GrowingWorld; readonly way: Way | undefined }[] = [
    { world: worldOf(bounds, table), way: undefined },
  ]
  let hit: { readonly violation: string; readonly way: Way } | undefined
  let depth = 0
  for (; frontier.length > 0 && hit === undefined; depth++) {
    const next: typeof frontier = []
    for (const { world, way } of frontier) {
      const emit = (follower: GrowingWorld, say: string, broken?: string): void => {
        const key = JSON.stringify(follower)
        if (hit !== undefined || (met.has(key) && broken === undefined)) return
        met.add(key)
        const reached = { before: way, say }
        const violation = broken ?? growingWrong(follower, foldLog(table, follower.log, off))
        if (violation === undefined) next.push({ world: follower, way: reached })
        else hit = { violation, way: reached }
      }
      growingSteps({ world, table, bounds, off, emit })
    }
    frontier = next
  }
  const { violation, way } = hit ?? {}
  return { states: met.size, depth, violation, trace: traceOf(way) }
}

function traceOf(way: Way | undefined): readonly string[] {
  const steps: string[] = []
  for (let at = way; at !== undefined; at = at.before) steps.unshift(at.say)
  return steps
}
