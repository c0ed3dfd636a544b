import type { Random } from '../../src/ports/random.ts'

/** Chance from a seed (SplitMix32): the same seed gives the same run. */
export class SimRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  fraction(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state ^ (this.#state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }

  /** A whole number in [0, next). */
  below(next: number): number {
    return Math.floor(this.fraction() * next)
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.below(256))
  }
}
