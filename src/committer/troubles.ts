import type { Fault } from '../base/fault.ts'

/** What is wrong at this moment, by the work that it holds up. Several may be held up at once. */
export class Troubles {
  readonly #faults = new Map<object, Fault>()

  /** One of them; undefined when all is well. */
  get any(): Fault | undefined {
    return this.#faults.values().next().value
  }

  /** @param work any object that stands for what is held up. */
  raise(work: object, fault: Fault): void {
    this.#faults.set(work, fault)
  }

  clear(work: object): void {
    this.#faults.delete(work)
  }
}
