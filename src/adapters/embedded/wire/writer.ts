/**
 * Collects the bytes of one Kafka message as a list of chunks, so that record batches read from
 * disk go to the socket without a copy.
 *
 * Invariants: `sizeBytes` is the sum of all chunks; chunks handed in are not changed and must not
 * change until they are sent.
 *
 * Source: Kafka protocol guide, "Protocol Primitive Types"; KIP-482.
 */
import type { Layout } from './reader.ts'

const blockBytes = 1024

export class WireWriter {
  readonly #chunks: Buffer[] = []
  #block = Buffer.allocUnsafe(blockBytes)
  #blockFirst = 0
  #position = 0
  #closedBytes = 0

  get sizeBytes(): number {
    return this.#closedBytes + this.#position - this.#blockFirst
  }

  /** All chunks in order. The writer may go on; call again for what came after. */
  chunks(): readonly Buffer[] {
    this.#closeChunk()
    return this.#chunks
  }

  /** Everything as one buffer: for small messages and tests. */
  toBuffer(): Buffer {
    return Buffer.concat(this.chunks())
  }

  int8(value: number): void {
    this.#reserve(1)
    this.#position = this.#block.writeInt8(value, this.#position)
  }

  int16(value: number): void {
    this.#reserve(2)
    this.#position = this.#block.writeInt16BE(value, this.#position)
  }

  int32(value: number): void {
    this.#reserve(4)
    this.#position = this.#block.writeInt32BE(value, this.#position)
  }

  int64(value: bigint): void {
    this.#reserve(8)
    this.#position = this.#block.writeBigInt64BE(value, this.#position)
  }

  unsignedVarint(value: number): void {
    this.#reserve(5)
    let rest = value
    while (rest > 127) {
      this.#block[this.#position++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#block[this.#position++] = rest
  }

  uuid(text: string): void {
    this.#reserve(16)
    this.#block.write(text.replaceAll('-', ''), this.#position, 16, 'hex')
    this.#position += 16
  }

  /** @param sizeBytes -1 writes null. */
  textLength(sizeBytes: number, layout: Layout): void {
    if (layout.flexible) this.unsignedVarint(sizeBytes + 1)
    else this.int16(sizeBytes)
  }

  /** @param count bytes, or entries of an array; -1 writes null. */
  length(count: number, layout: Layout): void {
    if (layout.flexible) this.unsignedVarint(count + 1)
    else this.int32(count)
  }

  text(value: string, sizeBytes: number): void {
    this.#reserve(sizeBytes)
    this.#block.write(value, this.#position, sizeBytes, 'utf8')
    this.#position += sizeBytes
  }

  /** Takes `chunk` as it is, without a copy. */
  raw(chunk: Buffer): void {
    if (chunk.length === 0) return
    this.#closeChunk()
    this.#chunks.push(chunk)
    this.#closedBytes += chunk.length
  }

  #reserve(sizeBytes: number): void {
    if (this.#position + sizeBytes <= this.#block.length) return
    this.#closeChunk()
    this.#block = Buffer.allocUnsafe(Math.max(blockBytes * 4, sizeBytes))
    this.#position = 0
    this.#blockFirst = 0
  }

  #closeChunk(): void {
    if (this.#position === this.#blockFirst) return
    this.#chunks.push(this.#block.subarray(this.#blockFirst, this.#position))
    this.#closedBytes += this.#position - this.#blockFirst
    this.#blockFirst = this.#position
  }
}
