import type { InputMark, KernelInput } from '../../src/kernel/kernel-input.ts'

/**
 * The kernel's input as plain memory. Every load moves it to a new buffer and scribbles over the
 * old one, so that a view kept across a load reads garbage.
 */
export class LinearMemory implements KernelInput {
  #memory = new Uint8Array(16)
  #next = 16
  #kept = 16
  loadedBytes = 0

  get keptBytes(): number {
    return this.#kept - 16
  }

  keep(): void {
    this.#kept = this.#next
  }

  forgetKept(): void {
    this.#kept = 16
  }

  get u8(): Uint8Array {
    return this.#memory
  }

  /** Elsewhere: whoever writes into it has to load it all the same. */
  reserve(sizeBytes: number): Uint8Array {
    return new Uint8Array(sizeBytes)
  }

  load(bytes: Uint8Array): number {
    const start = this.#next
    this.#next += bytes.length
    this.loadedBytes += bytes.length
    const moved = new Uint8Array(this.#next + 8).fill(0xee)
    moved.set(this.#memory.subarray(0, start))
    moved.set(bytes, start)
    this.#memory.fill(0xdd)
    this.#memory = moved
    return start
  }

  clear(): void {
    this.#memory = this.#memory.slice(0, this.#kept)
    this.#next = this.#kept
    this.loadedBytes = 0
  }

  mark(): InputMark {
    return { blockCount: 0, usedBytes: this.#next, loadedBytes: this.loadedBytes }
  }

  rewind(mark: InputMark): void {
    this.#next = Math.max(mark.usedBytes, this.#kept)
    this.#memory.fill(0xbb, this.#next)
    this.loadedBytes = mark.loadedBytes
  }
}
