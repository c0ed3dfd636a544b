import type { EtlRows } from '../../ports/etl-module.ts'

/** Rows of a batch as they are made; those of the event in progress can be taken back. */
export class RowOutput {
  #rows = new Uint8Array(65_536)
  #sizeBytes = 0
  readonly #rowNext: number[] = []
  readonly #eventRowNext: Int32Array
  #eventCount = 0
  #keptRows = 0

  constructor(eventCount: number) {
    this.#eventRowNext = new Int32Array(eventCount)
  }

  add(row: Uint8Array): void {
    const next = this.#sizeBytes + row.length
    if (next > this.#rows.length) {
      const grown = new Uint8Array(Math.max(next, 2 * this.#rows.length))
      grown.set(this.#rows.subarray(0, this.#sizeBytes))
      this.#rows = grown
    }
    this.#rows.set(row, this.#sizeBytes)
    this.#sizeBytes = next
    this.#rowNext.push(next)
  }

  /** The event in progress is done, with the rows it has. */
  keepEvent(): void {
    this.#keptRows = this.#rowNext.length
    this.#eventRowNext[this.#eventCount++] = this.#keptRows
  }

  /** The event in progress is done and has no rows. */
  dropEvent(): void {
    this.#rowNext.length = this.#keptRows
    this.#sizeBytes = this.#rowNext.at(-1) ?? 0
    this.keepEvent()
  }

  take(): Omit<EtlRows, 'failures'> {
    return {
      rows: this.#rows.slice(0, this.#sizeBytes),
      rowNext: Int32Array.from(this.#rowNext),
      eventRowNext: this.#eventRowNext,
    }
  }
}
