import { assert } from '../base/assert.ts'
import type { InflatingMemory } from './inflating-memory.ts'
import type { InflateExports } from './kernel-exports.ts'
import type { LinearMemory } from './linear-memory.ts'

/** Where payloads lie while they are parsed. Addresses stay valid until `clear`. */
export interface KernelInput {
  /** Current view of linear memory; refetch after any other call on the kernel. */
  readonly u8: Uint8Array
  /** Since the last `clear`. */
  readonly loadedBytes: number
  /**
   * Room behind what is loaded, for bytes that are made: `load` copies nothing of a view that
   * begins with it. Void after any other call on the kernel.
   *
   * @throws {InvariantError} when the kernel's memory is used up.
   */
  reserve(sizeBytes: number): Uint8Array
  /**
   * Copies bytes behind what is loaded. 64 bytes of padding follow.
   *
   * @returns the address of the first byte.
   * @throws {InvariantError} when the kernel's memory is used up.
   */
  load(bytes: Uint8Array): number
  /** Forgets everything loaded but for what is kept: all other addresses become invalid. */
  clear(): void
  /** Has what is loaded stay over `clear` and `rewind`, until `forgetKept`. */
  keep(): void
  /** What is kept is nobody's: the next `clear` takes it. Its addresses stay valid until then. */
  forgetKept(): void
  /** Memory of what is kept. */
  readonly keptBytes: number
  /** Where the input stands, for `rewind`. Void after `clear`. */
  mark(): InputMark
  /** Forgets what was loaded since a mark; addresses from before it stay valid. */
  rewind(mark: InputMark): void
}

export interface InputMark {
  readonly blockCount: number
  readonly usedBytes: number
  readonly loadedBytes: number
}

const paddingBytes = 64
const blockBytesMin = 1_048_576

interface Block {
  readonly start: number
  readonly sizeBytes: number
}

const nothing: InputMark = { blockCount: 0, usedBytes: 0, loadedBytes: 0 }

/** Blocks are added, never moved, so that addresses hold; the first one is kept over `clear`. */
export class InputBlocks implements KernelInput, InflatingMemory {
  readonly #memory: LinearMemory
  #blocks: Block[] = []
  #used = 0
  /** The end of what is kept. */
  #kept = nothing
  /** As many blocks as were ever kept stay ours: builders would leave no whole one of them. */
  readonly #idle: Block[] = []
  #keptCountMax = 0
  loadedBytes = 0

  constructor(memory: LinearMemory) {
    this.#memory = memory
  }

  get u8(): Uint8Array {
    return this.#memory.u8
  }

  get calls(): InflateExports {
    return this.#memory.calls
  }

  reserve(sizeBytes: number): Uint8Array {
    const address = this.#placeFor(sizeBytes + paddingBytes)
    return this.#memory.u8.subarray(address, address + sizeBytes)
  }

  load(bytes: Uint8Array): number {
    const need = bytes.length + paddingBytes
    const address = this.#placeFor(need)
    const { u8 } = this.#memory
    const isThere = bytes.buffer === u8.buffer && bytes.byteOffset === address
    if (!isThere) u8.set(bytes, address)
    // The next load starts behind the padding, on a boundary of eight for whoever reads words.
    this.#used = Math.ceil((this.#used + need) / 8) * 8
    this.loadedBytes += bytes.length
    return address
  }

  get keptBytes(): number {
    const { blockCount, usedBytes } = this.#kept
    const whole = this.#blocks.slice(0, Math.max(0, blockCount - 1))
    return whole.reduce((sum, { sizeBytes }) => sum + sizeBytes, usedBytes)
  }

  keep(): void {
    this.#kept = this.mark()
    this.#keptCountMax = Math.max(this.#keptCountMax, this.#kept.blockCount)
  }

  forgetKept(): void {
    this.#kept = nothing
  }

  clear(): void {
    if (this.#kept.blockCount > 0) {
      this.rewind(this.#kept)
      this.loadedBytes = 0
      return
    }
    this.#giveBack(this.#blocks.splice(1))
    const [first] = this.#blocks
    if (first !== undefined && first.sizeBytes > 4 * blockBytesMin) {
      this.#memory.release(first.start, first.sizeBytes)
      this.#blocks = []
    }
    this.#used = 0
    this.loadedBytes = 0
  }

  mark(): InputMark {
    const { loadedBytes } = this
    return { blockCount: this.#blocks.length, usedBytes: this.#used, loadedBytes }
  }

  rewind(mark: InputMark): void {
    assert(mark.blockCount <= this.#blocks.length, 'the input was not cleared since the mark')
    const end = isBehind(this.#kept, mark) ? this.#kept : mark
    this.#giveBack(this.#blocks.splice(end.blockCount))
    this.#used = end.usedBytes
    this.loadedBytes = mark.loadedBytes
  }

  /** @returns an address with so many bytes behind it. */
  #placeFor(need: number): number {
    const open = this.#blocks.at(-1)
    const block = open && this.#used + need <= open.sizeBytes ? open : this.#addBlock(need)
    return block.start + this.#used
  }

  #addBlock(need: number): Block {
    const sizeBytes = 2 ** Math.ceil(Math.log2(Math.max(need, blockBytesMin)))
    const idle = sizeBytes === blockBytesMin ? this.#idle.pop() : undefined
    const block = idle ?? this.#newBlock(sizeBytes, need)
    this.#blocks.push(block)
    this.#used = 0
    return block
  }

  #newBlock(sizeBytes: number, need: number): Block {
    const start = this.#memory.allocate(sizeBytes, `loading ${need} bytes of input`)
    return { start, sizeBytes }
  }

  #giveBack(blocks: readonly Block[]): void {
    for (const block of blocks) {
      const isKept = this.#idle.length < this.#keptCountMax && block.sizeBytes === blockBytesMin
      if (isKept) this.#idle.push(block)
      else this.#memory.release(block.start, block.sizeBytes)
    }
  }
}

const isBehind = (one: InputMark, other: InputMark): boolean =>
  one.blockCount > other.blockCount ||
  (one.blockCount === other.blockCount && one.usedBytes > other.usedBytes)
