import type { EtlRows } from '../ports/etl-module.ts'

/** Joins the rows of events that were run in parts. */
export class RowCollector {
  readonly #rows: Uint8Array[] = []
  readonly #rowNext: number[] = []
  readonly #eventRowNext: Int32Array
  #eventCount = 0
  #sizeBytes = 0

  constructor(eventCount: number) {
    this.#eventRowNext = new Int32Array(eventCount)
  }

  /** Adds what the next events came to. */
  add({ rows, rowNext, eventRowNext }: EtlRows): void {
    const rowsBefore = this.#rowNext.length
    for (const next of rowNext) this.#rowNext.push(this.#sizeBytes + next)
    for (const next of eventRowNext) this.#eventRowNext[this.#eventCount++] = rowsBefore + next
    this.#rows.push(rows)
    this.#sizeBytes += rows.length
  }

  /** The next event has no rows. */
  addNothing(): void {
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
