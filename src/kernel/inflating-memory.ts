/**
 * Where blocks of LZ4 and snappy are inflated: functions of the kernel see linear memory alone, so
 * what is packed is copied behind the room for what comes of it.
 */
import type { InflateExports } from './kernel-exports.ts'
import { instantiateKernel } from './kernel-module.ts'
import type { LinearMemory } from './linear-memory.ts'

export interface InflatingMemory {
  readonly calls: InflateExports
  /** Room for so many bytes of linear memory, void after the next call. */
  reserve(sizeBytes: number): Uint8Array
}

/** What is packed, and room for what it may come to; `u8` begins at the address `first`. */
export interface InflatingRoom {
  readonly calls: InflateExports
  readonly u8: Uint8Array
  readonly first: number
  /** Address of what is packed, which ends with the room: output ends here at the latest. */
  readonly packed: number
}

const usualGrowth = 16
const usualBytesMin = 1_048_576
/** What inflates to more than this does so in memory of its own. */
export const usualBytesMax = (packedBytes: number): number =>
  Math.max(usualBytesMin, usualGrowth * packedBytes)

const roomBytesMax = 2 ** 29
/** The largest room, and the smaller ones that it follows. */
const ownMemoryMaxBytes = 2 ** 31

/**
 * @param parts what is packed, in pieces that are put one behind the other.
 * @param outBytes room for the output.
 * @param memory used when the output is of a usual size; otherwise, and when there is none, the
 *   room is valid until the next call without one.
 * @returns undefined when there is no such memory.
 */
export function roomFor(
  parts: readonly Uint8Array[],
  outBytes: number,
  memory: InflatingMemory | undefined,
): InflatingRoom | undefined {
  const packedBytes = parts.reduce((sum, part) => sum + part.length, 0)
  const sizeBytes = outBytes + packedBytes
  const isUsual = outBytes <= usualBytesMax(packedBytes)
  const own = memory === undefined || !isUsual ? ownMemory(sizeBytes) : memory
  if (own === undefined) return undefined
  const u8 = own.reserve(sizeBytes)
  let at = outBytes
  for (const part of parts) {
    u8.set(part, at)
    at += part.length
  }
  return { calls: own.calls, u8, first: u8.byteOffset, packed: u8.byteOffset + outBytes }
}

let kept: OwnMemory | undefined

/**
 * One for all, which keeps what it ever needed: V8 frees an instance with its memory only when it
 * collects the whole heap, and does not take gigabytes of them for a reason to.
 */
function ownMemory(sizeBytes: number): InflatingMemory | undefined {
  if (sizeBytes > roomBytesMax) return undefined
  kept ??= new OwnMemory()
  return kept
}

class OwnMemory implements InflatingMemory {
  readonly #memory: LinearMemory = instantiateKernel(ownMemoryMaxBytes)
  #block = 0
  #sizeBytes = 0

  get calls(): InflateExports {
    return this.#memory.calls
  }

  reserve(sizeBytes: number): Uint8Array {
    if (this.#sizeBytes < sizeBytes) {
      if (this.#sizeBytes > 0) this.#memory.release(this.#block, this.#sizeBytes)
      this.#sizeBytes = 2 ** Math.ceil(Math.log2(Math.max(sizeBytes, usualBytesMin)))
      this.#block = this.#memory.allocate(this.#sizeBytes, 'inflating')
    }
    return this.#memory.view(this.#block, sizeBytes)
  }
}
