import { assert } from '../base/assert.ts'
import { BatchStaging } from './batch-staging.ts'
import { type CompiledTable, type KernelParts, LinkedTable } from './compiled-table.ts'
import type { InflatingMemory } from './inflating-memory.ts'
import { InputCopies } from './input-copies.ts'
import { InputBlocks, type KernelInput } from './kernel-input.ts'
import { instantiateKernel } from './kernel-module.ts'
import type { RenderMessage } from './message-texts.ts'
import { ScratchArena } from './scratch-arena.ts'
import type { TablePlan } from './table-plan.ts'

export type { CompiledTable } from './compiled-table.ts'
export type { FileColumns } from './file-columns.ts'
export type { KernelInput } from './kernel-input.ts'

export interface KernelOptions {
  /** Drawn anew for each process: values from outside must not be able to collide on purpose. */
  readonly hashSeed: bigint
  /** Cap of linear memory, which never shrinks. At least 16 MiB, at most 4 GiB. */
  readonly memoryMaxBytes: number
  /** Needed by tables that have columns of JSON; see `leafFormOf`. */
  readonly renderMessage?: RenderMessage | undefined
}

/**
 * The machine that turns protobuf bytes into Parquet pages: one WebAssembly instance.
 *
 * It serves any number of tables and open files, one call at a time.
 */
export class Kernel {
  readonly #parts: KernelParts
  readonly #input: InputBlocks

  private constructor(parts: KernelParts) {
    this.#parts = parts
    this.#input = new InputBlocks(parts.memory)
  }

  static open(options: KernelOptions): Kernel {
    const { hashSeed, memoryMaxBytes } = options
    assert(memoryMaxBytes >= 16 * 1_048_576, 'the kernel has at least 16 MiB of memory')
    const memory = instantiateKernel(memoryMaxBytes)
    const seed = BigInt.asUintN(64, hashSeed)
    memory.calls.setSeed(Number(BigInt.asIntN(32, seed)), Number(BigInt.asIntN(32, seed >> 32n)))
    return new Kernel({
      memory,
      staging: new BatchStaging(memory),
      zeroed: new ScratchArena(memory),
      levels: new ScratchArena(memory),
      renderMessage: options.renderMessage,
    })
  }

  get input(): KernelInput & InflatingMemory {
    return this.#input
  }

  /** Room beside the input for payloads that are parsed later. @param sizeBytesMax at most. */
  copies(sizeBytesMax: number): InputCopies {
    return new InputCopies(this.#parts.memory, sizeBytesMax)
  }

  /** Linear memory in use: builders, input, copies, scratch. */
  get takenBytes(): number {
    return this.#parts.memory.takenBytes
  }

  /** Linear memory in use or waiting for reuse. */
  get memoryBytes(): number {
    return this.#parts.memory.sizeBytes
  }

  /** Has so many bytes more wait for builders, as far as the cap allows. */
  growBy(bytes: number): void {
    this.#parts.memory.growBy(bytes)
  }

  /** While memory is short, dictionaries that seem of no use are given up early. */
  set isMemoryShort(isShort: boolean) {
    this.#parts.memory.calls.setMemoryShort(isShort ? 1 : 0)
  }

  compile(plan: TablePlan): CompiledTable {
    const hasText = plan.leaves.some(({ text }) => text !== undefined)
    const { renderMessage } = this.#parts
    assert(!hasText || renderMessage !== undefined, 'columns of JSON have a renderer')
    return new LinkedTable(plan, this.#parts)
  }
}
