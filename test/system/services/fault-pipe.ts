/** One direction of one connection of the fault proxy. */
import type { Socket } from 'node:net'
import type { Harm } from './fault-proxy.ts'

/** More than that is not taken from a sender before it was handed on. */
const heldBytesMax = 262_144
/** A limited bandwidth is given out in pieces of this time. */
const pieceMs = 20

export interface PipeParts {
  readonly from: Socket
  readonly to: Socket
  /** Looked at for each piece: it may change meanwhile. */
  readonly harm: Harm
  /** Resets the connection. */
  readonly cut: () => void
}

interface Chunk {
  readonly bytes: Buffer
  readonly arrivedMs: number
}

export class Pipe {
  readonly #parts: PipeParts
  readonly #chunks: Chunk[] = []
  #heldBytes = 0
  #held = false
  #ended = false
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(parts: PipeParts) {
    this.#parts = parts
    const { from, to } = parts
    from.on('data', (bytes) => this.#onBytes(Buffer.from(bytes)))
    from.on('end', () => {
      this.#ended = true
      this.#next()
    })
    to.on('drain', () => this.#next())
  }

  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#next()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #onBytes(came: Buffer): void {
    const bytes = this.#parts.harm.rewrite(came)
    this.#chunks.push({ bytes, arrivedMs: performance.now() })
    this.#heldBytes += bytes.length
    if (this.#heldBytes > heldBytesMax) this.#parts.from.pause()
    this.#next()
  }

  /** Hands on what is due, and comes back for the rest. */
  #next(): void {
    const { from, to, harm } = this.#parts
    while (!this.#stopped && !this.#held && this.#timer === undefined && !to.writableNeedDrain) {
      const chunk = this.#chunks[0]
      if (chunk === undefined) {
        if (this.#ended) to.end()
        return
      }
      const waitMs = chunk.arrivedMs + harm.latencyMs - performance.now()
      if (waitMs > 0) {
        this.#later(waitMs)
        return
      }
      this.#pass(chunk)
      if (this.#heldBytes <= heldBytesMax && from.isPaused()) from.resume()
    }
  }

  #pass(chunk: Chunk): void {
    const { to, harm, cut } = this.#parts
    const pieceBytes = Math.max(1, Math.floor((harm.bytesPerSecond * pieceMs) / 1_000))
    const sizeBytes = Math.min(chunk.bytes.length, pieceBytes, harm.leftBytes)
    if (harm.leftBytes === 0) {
      Object.assign(harm, { leftBytes: Number.POSITIVE_INFINITY })
      // What was let through leaves before the reset: a reset throws away what waits.
      to.write(Buffer.alloc(0), () => {
        cut()
        harm.onCut()
      })
      this.stop()
      return
    }
    harm.leftBytes -= sizeBytes
    harm.passedBytes += sizeBytes
    to.write(chunk.bytes.subarray(0, sizeBytes))
    this.#heldBytes -= sizeBytes
    const rest = chunk.bytes.subarray(sizeBytes)
    if (rest.length === 0) this.#chunks.shift()
    else this.#chunks[0] = { ...chunk, bytes: rest }
    if (Number.isFinite(harm.bytesPerSecond)) this.#later(pieceMs)
  }

  #later(waitMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#next()
    }, waitMs)
  }
}
