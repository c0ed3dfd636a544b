/**
 * Large buffers that are used again: a fresh megabyte per request costs more in garbage collection
 * than everything else a fetch does.
 *
 * Invariants: a buffer is lent to one user at a time; what was not lent, or was given back already,
 * is ignored; a buffer that is never given back is collected like any other.
 */
const smallestBytes = 16_384
const largestBytes = 16_777_216

export class BufferPool {
  readonly #keptBytesMax: number
  readonly #free = new Map<number, ArrayBuffer[]>()
  readonly #lent = new WeakSet<ArrayBufferLike>()
  #keptBytes = 0

  /** @param keptBytesMax free memory that is kept for later, at most. */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax
  }

  /** @returns a buffer of exactly `sizeBytes`, with whatever stood in it. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes < smallestBytes || sizeBytes > largestBytes) return Buffer.allocUnsafe(sizeBytes)
    const classBytes = 2 ** Math.ceil(Math.log2(sizeBytes))
    const free = this.#free.get(classBytes)?.pop()
    if (free !== undefined) this.#keptBytes -= classBytes
    const memory = free ?? new ArrayBuffer(classBytes)
    this.#lent.add(memory)
    return Buffer.from(memory, 0, sizeBytes)
  }

  /** Takes back the memory behind `chunk`, a part of what `take` returned, for others to use. */
  giveBack(chunk: Buffer): void {
    const memory = chunk.buffer
    if (!(memory instanceof ArrayBuffer) || !this.#lent.delete(memory)) return
    if (this.#keptBytes + memory.byteLength > this.#keptBytesMax) return
    this.#keptBytes += memory.byteLength
    const free = this.#free.get(memory.byteLength) ?? []
    this.#free.set(memory.byteLength, free)
    free.push(memory)
  }
}

/** Shared by all connections and logs of the process: memory is the process's. */
export const ioBuffers = new BufferPool(64 * 1024 * 1024)
