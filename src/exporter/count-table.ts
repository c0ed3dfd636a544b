import { present } from '../base/assert.ts'
import type { CountCell } from '../model/counts.ts'
import type { LakePartition } from '../model/lake-partition.ts'

/** Counts of one stream and partition while a commit accumulates. */
export interface OpenCell {
  readonly stream: string
  readonly partition: LakePartition
  read: number
  written: number
  late: number
  /** Of `written`, those that came after the announcement. */
  lateAppended: number
  readonly filtered: Map<string, number>
  readonly deadLettered: Map<string, number>
}

/** The counts of the commit that accumulates. Each outcome is counted where it happens. */
export class CountTable {
  #cells = new Map<string, Map<string, OpenCell>>()
  #cellCount = 0

  /** Number of cells; the caller seals early when a hostile producer makes many. */
  get cellCount(): number {
    return this.#cellCount
  }

  cell(stream: string, partition: LakePartition): OpenCell {
    let ofStream = this.#cells.get(stream)
    if (ofStream === undefined) {
      ofStream = new Map()
      this.#cells.set(stream, ofStream)
    }
    const found = ofStream.get(partition.path)
    if (found !== undefined) return found
    const cell = emptyCell(stream, partition)
    ofStream.set(partition.path, cell)
    this.#cellCount += 1
    return cell
  }

  /** Hands over all counts and starts again from nothing. */
  seal(): readonly CountCell[] {
    const cells = [...this.#cells.values()].flatMap((ofStream) => [...ofStream.values()])
    this.#cells = new Map()
    this.#cellCount = 0
    return cells.filter((cell) => cell.read > 0).map(closedCell)
  }
}

/** Adds one event to the count of its reason. */
export function countReason(counts: Map<string, number>, reason: string): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1)
}

function emptyCell(stream: string, partition: LakePartition): OpenCell {
  const counts = { read: 0, written: 0, late: 0, lateAppended: 0 }
  return { stream, partition, ...counts, filtered: new Map(), deadLettered: new Map() }
}

function closedCell(cell: OpenCell): CountCell {
  const { stream, partition, read, written, late, lateAppended } = cell
  const byReason = (counts: ReadonlyMap<string, number>): Record<string, number> => {
    const reasons = [...counts.keys()].sort()
    return Object.fromEntries(reasons.map((at) => [at, present(counts.get(at), 'counted reason')]))
  }
  const filtered = byReason(cell.filtered)
  const deadLettered = byReason(cell.deadLettered)
  return {
    stream,
    partition,
    counts: { read, written, filtered, late, deadLettered, lateAppended },
  }
}
