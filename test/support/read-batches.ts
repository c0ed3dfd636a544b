/** Reads a partition's bytes into plain records, by the same steps as the source stage. */
import { inflateRecords } from '../../src/codec/kafka/inflate-records.ts'
import { type BatchFacts, walkBatches } from '../../src/codec/kafka/record-batch.ts'
import { walkRecords } from '../../src/codec/kafka/walk-records.ts'
import { nowhere, recordTable } from '../../src/model/event-table.ts'
import { offset } from '../../src/model/offset.ts'
import { clusterId, type SourcePartition, topicId } from '../../src/model/topic-partition.ts'

export interface PlainRecord {
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: string | null
  readonly value: string | null
}

export const anySource: SourcePartition = {
  topic: 'events',
  partition: 3,
  clusterId: clusterId('cluster'),
  topicId: topicId('00000000-0000-0000-0000-000000000001'),
}

/** @throws {Fault} what the walk over batches or records finds. */
export function readPlain(bytes: Uint8Array, fetchOffset = 0n, source = anySource): PlainRecord[] {
  const part = { source, bytes, start: 0, end: bytes.length }
  const { batches, fault } = walkBatches(part)
  if (fault !== undefined) throw fault
  return batches.flatMap((batch) =>
    plainRecords(inflateRecords(part, batch), batch, { fetchOffset, source }),
  )
}

/** The records of one inflated batch. */
export function plainRecords(
  memory: Uint8Array,
  batch: BatchFacts,
  from: { readonly fetchOffset: bigint; readonly source: SourcePartition },
): PlainRecord[] {
  const table = recordTable(Math.max(batch.recordCount, 0))
  table.sources.push(from.source)
  const at = { start: 0, end: memory.length, source: 0, fetchOffset: offset(from.fetchOffset) }
  const added = walkRecords({ memory, batch, ...at }, table)
  const text = (start = nowhere, end = 0): string | null =>
    start === nowhere ? null : Buffer.from(memory.subarray(start, end)).toString('latin1')
  return Array.from({ length: added }, (_, row) => ({
    offset: table.offset[row] ?? -1n,
    timestampMs: table.timestampMs[row] ?? -1,
    key: text(table.keyStart[row], table.keyEnd[row]),
    value: text(table.valueStart[row], table.valueEnd[row]),
  }))
}
