/** Arrays of row batches that are used again: the kernel copies a batch before it returns. */
export class BatchScratch {
  #capacity = 0
  #arrays = arraysOf(0)

  /** @returns arrays of at least `count` rows with anything in them, valid until the next call. */
  take(count: number): BatchArrays {
    if (count > this.#capacity) {
      this.#capacity = Math.max(count, 2 * this.#capacity)
      this.#arrays = arraysOf(this.#capacity)
    }
    return this.#arrays
  }
}

export interface BatchArrays {
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly partitions: Int32Array
  readonly offsets: BigInt64Array
  readonly indexes: Int32Array
  readonly fetchedAtMs: Float64Array
}

const arraysOf = (count: number): BatchArrays => ({
  starts: new Int32Array(count),
  ends: new Int32Array(count),
  partitions: new Int32Array(count),
  offsets: new BigInt64Array(count),
  indexes: new Int32Array(count),
  fetchedAtMs: new Float64Array(count),
})
