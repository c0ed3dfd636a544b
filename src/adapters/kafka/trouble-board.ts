import type { Fault } from '../../base/fault.ts'

/**
 * What is wrong at the moment, by where: brokers, the group, single partitions. The reader hears of
 * the oldest one, once, and of `undefined` when the last is gone.
 */
export class TroubleBoard {
  readonly #open = new Map<string, Fault>()
  readonly #tell: (fault: Fault | undefined) => void
  #told: Fault | undefined

  constructor(tell: (fault: Fault | undefined) => void) {
    this.#tell = tell
  }

  set(where: string, fault: Fault): void {
    const before = this.#open.get(where)
    if (before?.message !== fault.message) this.#open.set(where, fault)
    this.#update()
  }

  clear(where: string): void {
    this.#open.delete(where)
    this.#update()
  }

  #update(): void {
    const [oldest] = this.#open.values()
    if (oldest === this.#told) return
    this.#told = oldest
    this.#tell(oldest)
  }
}
