import type { LinearMemory } from './linear-memory.ts'

/** Reads of whole vectors pass the end of a payload. */
const paddingBytes = 64
const blockBytes = 1_048_576

/**
 * Copies of what lies in linear memory, beside the kernel's input: for payloads that are parsed
 * when the input holds others. Addresses stay valid until `clear`.
 */
export class InputCopies {
  readonly #memory: LinearMemory
  readonly #blockCountMax: number
  readonly #blocks: number[] = []
  /** Blocks with something in them; the others wait to be used again. */
  #usedBlocks = 0
  #used = 0

  /** @param sizeBytesMax what is held at most; less than a block is a block. */
  constructor(memory: LinearMemory, sizeBytesMax: number) {
    this.#memory = memory
    this.#blockCountMax = Math.max(1, Math.floor(sizeBytesMax / blockBytes))
  }

  /** Memory of what was copied since the last `clear`. */
  get heldBytes(): number {
    return this.#usedBlocks * blockBytes
  }

  /**
   * Copies the bytes at `[start, next)` of linear memory.
   *
   * @returns where the copy begins, or undefined when there is no room for it.
   */
  copy(start: number, next: number): number | undefined {
    const sizeBytes = next - start
    if (sizeBytes + paddingBytes > blockBytes) return undefined
    if (this.#usedBlocks === 0 || this.#used + sizeBytes + paddingBytes > blockBytes) {
      if (!this.#beginBlock()) return undefined
    }
    const at = (this.#blocks[this.#usedBlocks - 1] ?? 0) + this.#used
    this.#memory.u8.copyWithin(at, start, next)
    this.#used += sizeBytes
    return at
  }

  /** Forgets all copies; the memory is kept for the next ones. */
  clear(): void {
    this.#usedBlocks = 0
    this.#used = 0
  }

  #beginBlock(): boolean {
    if (this.#usedBlocks === this.#blockCountMax) return false
    if (this.#usedBlocks === this.#blocks.length) {
      const block = this.#memory.tryAllocate(blockBytes)
      if (block === undefined) return false
      this.#blocks.push(block)
    }
    this.#usedBlocks += 1
    this.#used = 0
    return true
  }
}
