/** Bytes that come in pieces, in one piece: each is copied twice at most, however many they are. */
export class GatheredBytes {
  #room: Buffer = Buffer.alloc(0)
  #first = 0
  #next = 0

  /** Valid until the next call of any other method. */
  get bytes(): Buffer {
    return this.#room.subarray(this.#first, this.#next)
  }

  get sizeBytes(): number {
    return this.#next - this.#first
  }

  add(chunk: Buffer): void {
    const sizeBytes = this.sizeBytes + chunk.length
    if (this.#next + chunk.length > this.#room.length) {
      const room = Buffer.allocUnsafe(Math.max(sizeBytes, 2 * this.sizeBytes))
      this.bytes.copy(room)
      this.#room = room
      this.#first = 0
    }
    chunk.copy(this.#room, sizeBytes - chunk.length + this.#first)
    this.#next = this.#first + sizeBytes
  }

  /** @returns the first of them, which are taken away; not used again by others. */
  take(sizeBytes: number): Buffer {
    const taken = this.bytes.subarray(0, sizeBytes)
    this.#first += sizeBytes
    // What was large once is not held on to.
    if (this.sizeBytes > 0) return taken
    this.#room = Buffer.alloc(0)
    this.#first = 0
    this.#next = 0
    return taken
  }
}
