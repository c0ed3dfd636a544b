/**
 * Copies of a few bytes each, many to a block: an array of its own takes V8 some four hundred bytes
 * for eight, and hundreds of open files keep a minimum and a maximum for each of their pages.
 *
 * A block lives as long as one of its copies does.
 */
const blockBytes = 16_384
/** A longer one has a block of its own. */
const sharedBytesMax = 1_024

export class SmallCopies {
  #block: Uint8Array = new Uint8Array(0)
  #usedBytes = 0

  /** @returns the same bytes at a place where nobody writes any more. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes
    if (length > sharedBytesMax) return new Uint8Array(bytes)
    if (this.#usedBytes + length > this.#block.length) {
      this.#block = new Uint8Array(blockBytes)
      this.#usedBytes = 0
    }
    const first = this.#usedBytes
    this.#usedBytes += length
    const copy = this.#block.subarray(first, this.#usedBytes)
    copy.set(bytes)
    return copy
  }
}
