import { assert } from '../base/assert.ts'
import type { LinearMemory } from './linear-memory.ts'

/** Where payloads lie while they are parsed. Addresses stay valid until `clear`. */
export interface KernelInput {
  /** Current view of linear memory; refetch after any other call on the kernel. */
  readonly u8: Uint8Array
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
  /** Forgets everything loaded: all addresses become invalid. */
  clear(): void
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

/** Blocks are added, never moved, so that addresses hold; the first one is kept over `clear`. */
export class InputBlocks implements KernelInput {
  readonly #memory: LinearMemory
  #blocks: Block[] = []
  #used = 0
  loadedBytes = 0

  constructor(memory: LinearMemory) {
    this.#memory = memory
  }

  get u8(): Uint8Array {
    return this.#memory.u8
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

  clear(): void {
    for (const { start, sizeBytes } of this.#blocks.splice(1)) {
      this.#memory.release(start, sizeBytes)
    }
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
    for (const { start, sizeBytes } of this.#blocks.splice(mark.blockCount)) {
      this.#memory.release(start, sizeBytes)
    }
    this.#used = mark.usedBytes
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
    const start = this.#memory.allocate(sizeBytes, `loading ${need} bytes of input`)
    const block = { start, sizeBytes }
    this.#blocks.push(block)
    this.#used = 0
    return block
  }
}
