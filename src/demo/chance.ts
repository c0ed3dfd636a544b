import { present } from '../base/assert.ts'

/**
 * Repeatable chance for generated data: the same seed gives the same events.
 *
 * The generator is mulberry32: 32 bits of state, good enough to look like an app, not for secrets.
 */
export class Chance {
  #state: number

  /** @param seed any integer. */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Uniform in [0, 1). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  /** Uniform integer in [first, next). */
  integer(first: number, next: number): number {
    return first + Math.floor(this.fraction() * (next - first))
  }

  /** True with this probability. */
  happens(probability: number): boolean {
    return this.fraction() < probability
  }

  /** One of `choices`, which are not none. */
  pick<T>(choices: readonly T[]): T {
    return present(choices[this.integer(0, choices.length)], 'there is something to pick')
  }

  /** `digits` hex digits. */
  hex(digits: number): string {
    let text = ''
    while (text.length < digits) text += this.integer(0, 65_536).toString(16).padStart(4, '0')
    return text.slice(0, digits)
  }
}
