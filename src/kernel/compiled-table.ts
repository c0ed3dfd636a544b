import { assert, present } from '../base/assert.ts'
import type { IdentityColumn } from '../model/row-batch.ts'
import type { UnknownFields } from '../model/unknown-field.ts'
import type { BatchStaging } from './batch-staging.ts'
import { ColumnHabits } from './column-habits.ts'
import { type FileColumns, KernelFile } from './file-columns.ts'
import type { LinearMemory } from './linear-memory.ts'
import type { RenderMessage } from './message-texts.ts'
import type { FileEncodings } from './page-encodings.ts'
import type { ScratchArena } from './scratch-arena.ts'
import { layOutScratch, type ScratchLayout } from './scratch-layout.ts'
import type { TablePlan } from './table-plan.ts'
import { linkProgram } from './table-program.ts'
import { UnknownFieldCounts } from './unknown-fields.ts'

/** A plan that the kernel can run. */
export interface CompiledTable {
  readonly plan: TablePlan
  /** @param encodings of the file's pages; all there are when not given. */
  openFile(encodings?: FileEncodings): FileColumns
  /** Fields that the schema does not know, of the rows that were taken since the last call. */
  takeUnknownFields(): UnknownFields
  /** @throws {InvariantError} while a file of the table is open. */
  release(): void
}

/** What all tables of a kernel share. */
export interface KernelParts {
  readonly memory: LinearMemory
  readonly staging: BatchStaging
  readonly zeroed: ScratchArena
  readonly levels: ScratchArena
  /** Writes messages that become text. */
  readonly renderMessage: RenderMessage | undefined
}

/** Slots of a call stay within the processor's second cache. */
const slotsPerCall = 65_536
const rowsMin = 64
const rowsMax = 512
const elementsPerRow = 8
/** Beyond this a table's scratch only grows for a row that needs it. */
const comfortBytes = 8 * 1_048_576

/** A column whose slots are filled with what is known of a row beside its payload. */
interface IdentityLeaf {
  readonly leaf: number
  readonly identity: IdentityColumn
}

/** A table's program, linked to where the scratch arenas lie and how large its row sets are. */
export class LinkedTable implements CompiledTable {
  readonly plan: TablePlan
  readonly parts: KernelParts
  readonly identityLeaves: readonly IdentityLeaf[]
  readonly habits: ColumnHabits
  readonly #unknown: UnknownFieldCounts
  #capacities: number[]
  #layout: ScratchLayout
  #program = 0
  #linkedTo = { zeroed: -1, levels: -1 }
  #openFiles = 0

  constructor(plan: TablePlan, parts: KernelParts) {
    this.plan = plan
    this.parts = parts
    this.identityLeaves = plan.leaves.flatMap(({ identity }, leaf) =>
      identity === undefined ? [] : [{ leaf, identity }],
    )
    this.habits = new ColumnHabits(plan.leaves.length)
    this.#unknown = new UnknownFieldCounts(plan.messages)
    const fitting = Math.floor(slotsPerCall / plan.slots.length)
    const rows = Math.min(Math.max(fitting, rowsMin), rowsMax)
    this.#capacities = plan.rowSets.map((_, index) => (index === 0 ? rows : rows * elementsPerRow))
    this.#layout = layOutScratch(plan, this.#capacities)
    const fits = this.#ensureArenas()
    assert(fits, 'kernel memory has room for the scratch of a new table')
  }

  /** Rows that one call takes at most. */
  get rowsPerCall(): number {
    return present(this.#capacities[0], 'the root is a row set')
  }

  openFile(encodings: FileEncodings = 'auto'): FileColumns {
    this.#openFiles += 1
    return new KernelFile(this, encodings, () => {
      this.#openFiles -= 1
    })
  }

  takeUnknownFields(): UnknownFields {
    return this.#unknown.take()
  }

  /** Takes over what the last parse met. Nearly always nothing: then it costs one call. */
  countUnknown(): void {
    const { memory } = this.parts
    if (memory.calls.unknownCount() !== 0) this.#unknown.collect(memory)
  }

  release(): void {
    assert(this.#openFiles === 0, 'a table is released after its files')
    this.#unlink()
  }

  /** Address of the program, linked anew when the arenas have moved or grown. */
  linked(): number {
    const { memory, zeroed, levels } = this.parts
    const to = this.#linkedTo
    const isWhere = to.zeroed === zeroed.generation && to.levels === levels.generation
    if (this.#program !== 0 && isWhere) return this.#program
    this.#unlink()
    this.#program = memory.guard('linking a table', () =>
      linkProgram({
        memory,
        plan: this.plan,
        layout: this.#layout,
        arenas: { zeroed: zeroed.start, levels: levels.start },
        capacities: this.#capacities,
      }),
    )
    this.#linkedTo = { zeroed: zeroed.generation, levels: levels.generation }
    return this.#program
  }

  /** Address of a leaf's slots. */
  slotsOf(leaf: number): number {
    const { slots } = present(this.plan.leaves[leaf], 'leaf of the plan')
    return this.parts.zeroed.start + present(this.#layout.slots[slots], 'every leaf has slots')
  }

  /**
   * Doubles a row set's room.
   *
   * @param needed true when a single row does not fit; otherwise it is for comfort only.
   * @returns false when the row would need too large a share of the memory: it is impossible.
   */
  grow(rowSet: number, needed: boolean): boolean {
    const capacities = [...this.#capacities]
    capacities[rowSet] = present(capacities[rowSet], 'row set of the plan') * 2
    const layout = layOutScratch(this.plan, capacities)
    const bytes = layout.zeroedBytes + layout.levelBytes
    if (!needed && bytes > comfortBytes) return false
    if (bytes > this.parts.memory.memoryMaxBytes / 4) return false
    const before = { capacities: this.#capacities, layout: this.#layout }
    this.#capacities = capacities
    this.#layout = layout
    if (this.#ensureArenas()) {
      this.#unlink()
      return true
    }
    this.#capacities = before.capacities
    this.#layout = before.layout
    return false
  }

  #ensureArenas(): boolean {
    const { zeroed, levels } = this.parts
    return zeroed.ensure(this.#layout.zeroedBytes) && levels.ensure(this.#layout.levelBytes)
  }

  #unlink(): void {
    if (this.#program !== 0) this.parts.memory.calls.releaseProgram(this.#program)
    this.#program = 0
  }
}
