import type { ColumnLeaf } from '../../model/table-schema.ts'
import type { ChunkBounds } from './statistics.ts'
import { type CompareValues, valueOrder } from './value-order.ts'

/** What the kernel knows of a page's values. */
export interface PageValues {
  /** Values and nulls. */
  readonly valueCount: number
  readonly nullCount: number
  /** Plain encoding; strings without their length. Absent when unknown. */
  readonly min: Uint8Array | undefined
  readonly max: Uint8Array | undefined
}

/**
 * Bounds of a chunk from those of its pages.
 *
 * One page with values and without a bound leaves the chunk without it: nothing is known of those
 * values. Only of floating point it is known that they are NaN, which no bound speaks of.
 */
export class ChunkBoundsOfPages {
  readonly #compare: CompareValues
  readonly #hasNan: boolean
  #minLost = false
  #maxLost = false
  #nullCount = 0
  #min: Uint8Array | undefined
  #max: Uint8Array | undefined

  constructor(leaf: ColumnLeaf) {
    this.#compare = valueOrder(leaf)
    this.#hasNan = leaf.physical === 'float' || leaf.physical === 'double'
  }

  add(page: PageValues): void {
    const { min, max, nullCount } = page
    this.#nullCount += nullCount
    if (nullCount === page.valueCount) return
    if (min === undefined) this.#minLost ||= !this.#hasNan
    else if (this.#min === undefined || this.#compare(min, this.#min) < 0) this.#min = min
    if (max === undefined) this.#maxLost ||= !this.#hasNan
    else if (this.#max === undefined || this.#compare(max, this.#max) > 0) this.#max = max
  }

  get bounds(): ChunkBounds {
    return {
      nullCount: this.#nullCount,
      min: this.#minLost ? undefined : this.#min,
      max: this.#maxLost ? undefined : this.#max,
    }
  }
}
