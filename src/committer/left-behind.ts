import { type MonotonicMs, monotonicMs } from '../base/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Lake } from '../ports/lake.ts'
import { removeStaged, type StagedRemains } from './staging.ts'

const firstPauseMs = 60_000
const pauseMsMax = 3_600_000

interface Left {
  readonly remains: readonly StagedRemains[]
  /** In a row, from 1. */
  readonly refusals: number
  readonly retryAtMs: MonotonicMs
}

/**
 * What swaps may have staged in tables that refused them, and that these would not have taken away
 * either, as one without rights does. Each attempt would leave a journal.
 */
export class LeftBehind {
  readonly #lake: Lake
  readonly #clock: Clock
  /** By table. */
  readonly #left = new Map<string, Left>()

  constructor(lake: Lake, clock: Clock) {
    this.#lake = lake
    this.#clock = clock
  }

  note(table: string, remains: StagedRemains): void {
    const known = this.#left.get(table)
    const refusals = (known?.refusals ?? 0) + 1
    const pauseMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(refusals - 1, 16))
    const retryAtMs = monotonicMs(this.#clock.monotonicMs() + pauseMs)
    this.#left.set(table, { remains: [...(known?.remains ?? []), remains], refusals, retryAtMs })
  }

  /**
   * Whether another swap into the table may be tried: what was left is gone, which it takes rights
   * for. Where it may be that one right of several is missing for good, time tells.
   */
  async takesAgain(table: string): Promise<boolean> {
    const known = this.#left.get(table)
    if (known === undefined) return true
    const remains = [...known.remains]
    for (const first of known.remains) {
      if (!(await removeStaged(this.#lake, first))) break
      remains.shift()
    }
    if (remains.length === 0) this.#left.delete(table)
    else this.#left.set(table, { ...known, remains })
    return remains.length === 0 || this.#clock.monotonicMs() >= known.retryAtMs
  }
}
