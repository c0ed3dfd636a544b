import type { EtlRows } from '../ports/etl-module.ts'

/** Joins the rows of events that were run one by one. */
export class RowCollector {
  readonly #rows: Uint8Array[] = []
  readonly #rowNext: number[] = []
  readonly #eventRowNext: Int32Array
  #eventCount = 0
  #sizeBytes = 0

  constructor(eventCount: number) {
    this.#eventRowNext = new Int32Array(eventCount)
  }

  /** Adds the rows of the next event; undefined when it has none. */
  add(result: EtlRows | undefined): void {
    if (result !== undefined) {
      for (const next of result.rowNext) this.#rowNext.push(this.#sizeBytes + next)
      this.#rows.push(result.rows)
      this.#sizeBytes += result.rows.length
    }
    this.#eventRowNext[this.#eventCount++] = this.#rowNext.length
  }

  take(): Omit<EtlRows, 'failures'> {
    return {
      rows: new Uint8Array(Buffer.concat(this.#rows)),
      rowNext: Int32Array.from(this.#rowNext),
      eventRowNext: this.#eventRowNext,
    }
  }
}
