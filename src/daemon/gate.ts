/**
 * Lets fetched records in, or holds them while a commit is sealed or positions are set anew.
 *
 * Holding makes the broker's next fetch wait; heartbeats go on, since they never pass here.
 */
export class Gate {
  #holds = 0
  #waiting: (() => void)[] = []

  get open(): boolean {
    return this.#holds === 0
  }

  /** Resolves when the gate is open. */
  passed(): Promise<void> {
    if (this.open) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Runs `work` while nothing comes in. */
  async whileHeld<T>(work: () => Promise<T>): Promise<T> {
    this.#holds += 1
    try {
      return await work()
    } finally {
      this.#holds -= 1
      if (this.open) this.#release()
    }
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
