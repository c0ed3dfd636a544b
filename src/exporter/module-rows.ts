import { present } from '../base/assert.ts'
import type { ModuleRows } from '../model/module-rows.ts'
import type { RefusalReason, RowBatch } from '../model/row-batch.ts'
import type { PartitionWriter } from './partition-writer.ts'

/** How many rows a module made of an event. */
export const rowCountOf = ({ eventRowNext }: ModuleRows, event: number): number =>
  (eventRowNext[event] ?? 0) - rowFirstOf(eventRowNext, event)

const rowFirstOf = (eventRowNext: Int32Array, event: number): number =>
  event === 0 ? 0 : (eventRowNext[event - 1] ?? 0)

/**
 * Appends the rows of events to the writers of their partitions, neighbours of one partition in
 * one batch.
 *
 * @param base address at which `module.rows` lie in the kernel's input.
 * @returns events with a row that the kernel refused, and why.
 */
export function appendModuleRows(
  module: ModuleRows,
  base: number,
  writerAt: (eventMs: number) => PartitionWriter,
): ReadonlyMap<number, RefusalReason> {
  const { events } = module.load
  const refused = new Map<number, RefusalReason>()
  const writerOf = (event: number): PartitionWriter =>
    writerAt(events.eventTimeMs[event] ?? Number.NaN)
  for (let first = 0; first < events.count; ) {
    const writer = writerOf(first)
    let next = first + 1
    while (next < events.count && writerOf(next) === writer && sameTopic(module, first, next)) {
      next += 1
    }
    const { batch, eventOf } = batchOf(module, base, { first, next })
    if (batch.count > 0) {
      const refusals = writer.append(batch, eventOf, module.load)
      for (const { row, reason } of refusals) refused.set(eventOf[row] ?? -1, reason)
    }
    first = next
  }
  return refused
}

const topicOf = ({ load }: ModuleRows, event: number): string | undefined =>
  load.records.sources[load.records.source[load.events.record[event] ?? -1] ?? -1]?.topic

const sameTopic = (module: ModuleRows, one: number, other: number): boolean =>
  topicOf(module, one) === topicOf(module, other)

/** The rows of events `[first, next)` as the kernel takes them. */
function batchOf(
  module: ModuleRows,
  base: number,
  { first, next }: { first: number; next: number },
): { batch: RowBatch; eventOf: Int32Array } {
  const { rowNext, eventRowNext, load } = module
  const { records, events } = load
  const firstRow = rowFirstOf(eventRowNext, first)
  const count = (eventRowNext[next - 1] ?? 0) - firstRow
  const eventOf = new Int32Array(count)
  const batch = {
    count,
    starts: new Int32Array(count),
    ends: new Int32Array(count),
    topic: topicOf(module, first) ?? '',
    partitions: new Int32Array(count),
    offsets: new BigInt64Array(count),
    indexes: new Int32Array(count),
    ingestMs: load.fetchedAtMs,
  }
  for (let row = 0, event = first; row < count; row++) {
    while (firstRow + row >= (eventRowNext[event] ?? 0)) event += 1
    const record = present(events.record[event], 'a row has an event')
    const at = firstRow + row
    eventOf[row] = event
    batch.starts[row] = base + (at === 0 ? 0 : (rowNext[at - 1] ?? 0))
    batch.ends[row] = base + (rowNext[at] ?? 0)
    batch.partitions[row] = records.sources[records.source[record] ?? -1]?.partition ?? -1
    batch.offsets[row] = records.offset[record] ?? 0n
    batch.indexes[row] = events.index[event] ?? 0
  }
  return { batch, eventOf }
}
