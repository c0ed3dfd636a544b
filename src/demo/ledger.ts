/**
 * What the generator produced, written down before and independent of the daemon: per stream and
 * hour of event time. Whoever compares, compares each cell.
 */
import type { LakePartition, PartitionPath } from '../model/lake-partition.ts'

/** What the generator means an event to become. */
export type Meant = 'valid' | 'filtered' | 'broken' | 'late'

export interface LedgerCell {
  readonly stream: string
  /** "dt=2026-11-20/hour=13" */
  readonly hour: PartitionPath
  readonly produced: number
  readonly valid: number
  readonly filtered: number
  readonly broken: number
  readonly late: number
}

type OpenCell = { -readonly [Key in keyof LedgerCell]: LedgerCell[Key] }

/** Counts while events are produced. */
export class Ledger {
  readonly #cells = new Map<string, OpenCell>()

  /** Takes up the cells of an earlier run on the same lake. */
  constructor(earlier: readonly LedgerCell[] = []) {
    for (const cell of earlier) this.#cells.set(keyOf(cell.stream, cell.hour), { ...cell })
  }

  count(stream: string, { path }: LakePartition, meant: Meant): void {
    const key = keyOf(stream, path)
    const zero = { produced: 0, valid: 0, filtered: 0, broken: 0, late: 0 }
    const cell = this.#cells.get(key) ?? { stream, hour: path, ...zero }
    cell.produced += 1
    cell[meant] += 1
    this.#cells.set(key, cell)
  }

  get producedCount(): number {
    return [...this.#cells.values()].reduce((sum, cell) => sum + cell.produced, 0)
  }

  /** Sorted by stream and hour. */
  cells(): readonly LedgerCell[] {
    const cells = [...this.#cells.values()].map((cell) => ({ ...cell }))
    return cells.sort((a, b) => (keyOf(a.stream, a.hour) < keyOf(b.stream, b.hour) ? -1 : 1))
  }
}

const keyOf = (stream: string, hour: PartitionPath): string => `${stream} ${hour}`
