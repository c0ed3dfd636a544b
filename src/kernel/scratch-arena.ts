import type { LinearMemory } from './linear-memory.ts'

/**
 * Memory that all compiled tables use in turn, one batch at a time.
 *
 * It grows to the largest table's need; then its address changes, and `generation` tells each table
 * that its program must be linked anew.
 */
export class ScratchArena {
  readonly #memory: LinearMemory
  start = 0
  sizeBytes = 0
  generation = 0

  constructor(memory: LinearMemory) {
    this.#memory = memory
  }

  /** Makes it at least that large, all zero. @returns false when the memory's cap forbids it. */
  ensure(bytes: number): boolean {
    if (bytes <= this.sizeBytes) return true
    const sizeBytes = Math.max(2 ** Math.ceil(Math.log2(bytes)), 65_536)
    const start = this.#memory.tryAllocate(sizeBytes)
    if (start === undefined) return false
    if (this.sizeBytes > 0) this.#memory.release(this.start, this.sizeBytes)
    this.#memory.u8.fill(0, start, start + sizeBytes)
    this.start = start
    this.sizeBytes = sizeBytes
    this.generation += 1
    return true
  }
}
