/** Payloads through a kernel and back: what tests of the kernel share. */
import { present } from '../../src/base/assert.ts'
import { messageJson } from '../../src/codec/protobuf/message-json.ts'
import { type ColumnMapping, defaultMapping } from '../../src/kernel/column-mapping.ts'
import { type FileColumns, Kernel } from '../../src/kernel/kernel.ts'
import { planTable, type TablePlan } from '../../src/kernel/table-plan.ts'
import type { MessageSchema } from '../../src/model/event-schema.ts'
import type { RowBatch, RowRefusal } from '../../src/model/row-batch.ts'
import { assembleRows, ChunkReader, type ReadChunk, type RowValue } from './parquet-pages.ts'

export const openKernelSeed = 0x1234_5678_9abc_def0n

export function openKernel(memoryMaxBytes = 256 * 1_048_576): Kernel {
  return Kernel.open({
    hashSeed: openKernelSeed,
    memoryMaxBytes,
    renderMessage: messageJson(),
  })
}

export function planOf(message: MessageSchema, mapping: Partial<ColumnMapping> = {}): TablePlan {
  const whole = { ...defaultMapping, ...mapping }
  return planTable(message, { identity: [], names: 'as-declared', mapping: whole })
}

/** Loads payloads one behind the other and describes them as a batch. */
export function loadBatch(kernel: Kernel, payloads: readonly Uint8Array[]): RowBatch {
  const count = payloads.length
  const starts = new Int32Array(count)
  const ends = new Int32Array(count)
  const bytes = Buffer.concat(payloads)
  let at = kernel.input.load(bytes)
  for (const [row, payload] of payloads.entries()) {
    starts[row] = at
    at += payload.length
    ends[row] = at
  }
  return {
    count,
    starts,
    ends,
    topic: 'events',
    partitions: Int32Array.from({ length: count }, (_, row) => row % 3),
    offsets: BigInt64Array.from({ length: count }, (_, row) => BigInt(row) + 2n ** 40n),
    indexes: Int32Array.from({ length: count }, (_, row) => row % 5),
    ingestMs: 1_790_000_000_123,
  }
}

export function appendPayloads(
  kernel: Kernel,
  file: FileColumns,
  payloads: readonly Uint8Array[],
): readonly RowRefusal[] {
  const batch = loadBatch(kernel, payloads)
  const refusals = file.append(batch)
  kernel.input.clear()
  return refusals
}

/** A row group being read while it is written, so that pages can be taken at any time. */
export class GroupReader {
  readonly plan: TablePlan
  readonly #file: FileColumns
  #readers: ChunkReader[]

  constructor(plan: TablePlan, file: FileColumns) {
    this.plan = plan
    this.#file = file
    this.#readers = this.#open()
  }

  #open(): ChunkReader[] {
    return this.plan.schema.leaves.map((leaf, column) => new ChunkReader(this.#file, column, leaf))
  }

  takeFullPages(): void {
    for (const column of this.#file.fullPages()) {
      present(this.#readers[column], 'a reader per column').takePage()
    }
  }

  takePages(): void {
    for (const reader of this.#readers) reader.takePage()
  }

  /** Closes the row group. */
  chunks(): ReadChunk[] {
    const chunks = this.#readers.map((reader) => reader.close())
    this.#file.nextRowGroup()
    this.#readers = this.#open()
    return chunks
  }

  rows(): RowValue[] {
    return assembleRows(this.plan.schema, this.chunks())
  }
}

export interface RoundTrip {
  readonly refusals: readonly RowRefusal[]
  readonly rows: readonly RowValue[]
  readonly chunks: readonly ReadChunk[]
}

/** One file with one row group of all payloads. */
export function roundTrip(
  message: MessageSchema,
  payloads: readonly Uint8Array[],
  mapping: Partial<ColumnMapping> = {},
): RoundTrip {
  const kernel = openKernel()
  const plan = planOf(message, mapping)
  const file = kernel.compile(plan).openFile()
  const reader = new GroupReader(plan, file)
  const refusals = appendPayloads(kernel, file, payloads)
  const chunks = reader.chunks()
  return { refusals, rows: assembleRows(plan.schema, chunks), chunks }
}
