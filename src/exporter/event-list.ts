const lengthAtFirst = 16

/** Events of one load, by their index in its table. Grows by doubling, to the table's capacity. */
export class EventList {
  #events = new Int32Array(lengthAtFirst)
  count = 0

  add(event: number): void {
    if (this.count === this.#events.length) {
      const larger = new Int32Array(this.#events.length * 2)
      larger.set(this.#events)
      this.#events = larger
    }
    this.#events[this.count++] = event
  }

  /** What was added since the last call; valid until the next `add`. */
  take(): Int32Array {
    const taken = this.#events.subarray(0, this.count)
    this.count = 0
    return taken
  }
}
