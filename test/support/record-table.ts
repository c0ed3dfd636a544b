import { nowhere, type RecordTable, recordTable } from '../../src/model/event-table.ts'
import { clusterId, type SourcePartition, topicId } from '../../src/model/topic-partition.ts'

export interface TestRecord {
  readonly topic?: string
  readonly partition?: number
  readonly offset?: bigint
  readonly timestampMs?: number
  readonly key?: Uint8Array
  readonly value?: Uint8Array | undefined
  readonly headers?: Uint8Array
}

const testSource = (topic: string, partition = 0): SourcePartition => ({
  topic,
  partition,
  clusterId: clusterId('test'),
  topicId: topicId(`id-of-${topic}`),
})

/** Loads records as the source does. Offsets count up from 100 where none are given. */
export function tableOf(
  records: readonly TestRecord[],
  memory: { load(bytes: Uint8Array): number },
): RecordTable {
  const table = recordTable(records.length)
  const sources = new Map<string, number>()
  const load = (bytes: Uint8Array | undefined): [number, number] => {
    if (bytes === undefined) return [nowhere, nowhere]
    const start = memory.load(bytes)
    return [start, start + bytes.length]
  }
  for (const [row, record] of records.entries()) {
    const source = testSource(record.topic ?? 'events', record.partition)
    const name = `${source.topic}/${source.partition}`
    const index = sources.get(name) ?? table.sources.push(source) - 1
    sources.set(name, index)
    table.source[row] = index
    table.offset[row] = record.offset ?? BigInt(100 + row)
    table.timestampMs[row] = record.timestampMs ?? 0
    ;[table.keyStart[row], table.keyEnd[row]] = load(record.key)
    ;[table.valueStart[row], table.valueEnd[row]] = load(record.value)
    ;[table.headersStart[row], table.headersEnd[row]] = load(record.headers)
  }
  table.count = records.length
  return table
}
