/**
 * Cuts a connection's bytes into frames: a 4-byte length, then that many bytes.
 *
 * Invariant: a frame owns its bytes, so that a batch may be rewritten in place. Whoever has
 * answered it gives them back to `ioBuffers`.
 */
import { Fault } from '../../../base/fault.ts'
import { ioBuffers } from '../buffer-pool.ts'

const lengthBytes = 4

export class FrameSplitter {
  readonly #frameBytesMax: number
  readonly #length = Buffer.alloc(lengthBytes)
  #lengthFilled = 0
  #frame: Buffer | undefined
  #filled = 0

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  /**
   * Takes the next bytes of the connection.
   *
   * @returns the frames that they complete, without their lengths.
   * @throws {Fault} BROKER_REQUEST_MALFORMED: a length is negative or too large.
   */
  push(bytes: Buffer): readonly Buffer[] {
    const frames: Buffer[] = []
    for (let at = 0; at < bytes.length; ) {
      if (this.#frame === undefined) {
        at = this.#takeLength(bytes, at)
        if (this.#frame === undefined) break
      }
      const frame: Buffer = this.#frame
      const count = Math.min(frame.length - this.#filled, bytes.length - at)
      bytes.copy(frame, this.#filled, at, at + count)
      this.#filled += count
      at += count
      if (this.#filled < frame.length) break
      frames.push(frame)
      this.#frame = undefined
    }
    return frames
  }

  #takeLength(bytes: Buffer, from: number): number {
    let at = from
    while (this.#lengthFilled < lengthBytes && at < bytes.length) {
      this.#length[this.#lengthFilled++] = bytes[at++] ?? 0
    }
    if (this.#lengthFilled < lengthBytes) return at
    this.#lengthFilled = 0
    const sizeBytes = this.#length.readInt32BE(0)
    if (sizeBytes < 1 || sizeBytes > this.#frameBytesMax) {
      const reason = `a frame of ${sizeBytes} bytes, 1 to ${this.#frameBytesMax} are taken`
      throw new Fault('BROKER_REQUEST_MALFORMED', { reason })
    }
    this.#frame = ioBuffers.take(sizeBytes)
    this.#filled = 0
    return at
  }
}
