import { InvariantError } from '../base/assert.ts'
import type { KernelExports } from './kernel-exports.ts'

const pageBytes = 65_536
/** Must agree with REGION_CLASS in kernel/memory.ts. */
const regionBytes = 1_048_576

/**
 * The kernel's functions, and views of its memory that are fresh after every growth.
 *
 * Growth detaches the buffer before, whose views have no length then: asking the memory itself for
 * its buffer would cost more than what is done with it.
 */
export class LinearMemory {
  readonly calls: KernelExports
  readonly memoryMaxBytes: number
  #u8: Uint8Array
  #u32: Uint32Array

  constructor(calls: KernelExports, memoryMaxBytes: number) {
    this.calls = calls
    this.memoryMaxBytes = memoryMaxBytes
    calls.setMemoryCap(Math.min(Math.floor(memoryMaxBytes / pageBytes), 65_536))
    this.#u8 = new Uint8Array(calls.memory.buffer)
    this.#u32 = new Uint32Array(calls.memory.buffer)
  }

  get u8(): Uint8Array {
    if (this.#u8.length === 0) this.#refresh()
    return this.#u8
  }

  get u32(): Uint32Array {
    if (this.#u32.length === 0) this.#refresh()
    return this.#u32
  }

  /** Memory of blocks that somebody has. */
  get takenBytes(): number {
    return this.calls.bytesTaken() >>> 0
  }

  /** The same at its highest: memory never shrinks. */
  get sizeBytes(): number {
    return this.calls.bytesEverTaken() >>> 0
  }

  /** @returns the address, or undefined when the cap is reached. */
  tryAllocate(bytes: number): number | undefined {
    if (bytes > 2 ** 30) return undefined
    const block = this.calls.tryAllocate(bytes) >>> 0
    return block === 0 ? undefined : block
  }

  /** @throws {InvariantError} when the cap is reached. */
  allocate(bytes: number, purpose: string): number {
    const block = this.tryAllocate(bytes)
    if (block === undefined) throw this.#capError(purpose)
    return block
  }

  release(block: number, bytes: number): void {
    this.calls.release(block, bytes)
  }

  /**
   * Grows what was ever taken by so many bytes, as far as the cap allows: whole regions, which are
   * free. They are written to: the system hands memory out when it is written to first.
   */
  growBy(bytes: number): void {
    const wantedBytes = this.sizeBytes + bytes
    const regions: number[] = []
    while (this.sizeBytes < wantedBytes) {
      const before = this.sizeBytes
      const region = this.tryAllocate(regionBytes)
      if (region === undefined) break
      if (this.sizeBytes > before) this.u8.fill(0, region, region + regionBytes)
      regions.push(region)
    }
    for (const region of regions) this.release(region, regionBytes)
  }

  /** A view of bytes, valid until the next call on the kernel. */
  view(start: number, sizeBytes: number): Uint8Array {
    return this.u8.subarray(start >>> 0, (start >>> 0) + sizeBytes)
  }

  /**
   * Runs a call that may need memory.
   *
   * @throws {InvariantError} when it met the cap: builders are left half-written, so the process
   *   must not go on. Whoever opens files keeps below the cap by flushing.
   */
  guard<T>(purpose: string, call: () => T): T {
    try {
      return call()
    } catch (error) {
      if (this.calls.capHit() !== 0) throw this.#capError(purpose)
      throw error
    }
  }

  #capError(purpose: string): InvariantError {
    return new InvariantError(
      `kernel memory of ${this.memoryMaxBytes} bytes is used up while ${purpose}`,
    )
  }

  #refresh(): void {
    this.#u8 = new Uint8Array(this.calls.memory.buffer)
    this.#u32 = new Uint32Array(this.calls.memory.buffer)
  }
}
