/** Record batches as producers send them, and requests made of them, for tests of the broker. */
import { crc32c } from '@node-rs/crc32'
import type { ApiRequest } from '../../../../src/adapters/embedded/apis/table.ts'
import { encodeBatch, type TestBatch } from '../../../support/record-batch.ts'

export interface ProducedBatch extends Omit<TestBatch, 'records'> {
  /** Values of the records; three when not given. */
  readonly values?: readonly string[]
  readonly timestampsMs?: readonly number[]
  readonly producerEpoch?: number
  readonly firstSequence?: number
}

export function batchOf(batch: ProducedBatch = {}): Buffer {
  const values = batch.values ?? ['a', 'b', 'c']
  const records = values.map((value, index) => {
    const timestampMs = batch.timestampsMs?.[index] ?? 1_000
    return { key: `key-${value}`, value, timestampMs }
  })
  const bytes = encodeBatch({ ...batch, records })
  bytes.writeInt16BE(batch.producerEpoch ?? (batch.producerId === undefined ? -1 : 0), 51)
  bytes.writeInt32BE(batch.firstSequence ?? (batch.producerId === undefined ? -1 : 0), 53)
  return sealed(bytes)
}

/** With the checksum that its bytes need. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

export function produceRequest(
  topic: string,
  records: Buffer | null,
  options: { partition?: number; acks?: number; transactionalId?: string | null } = {},
): ApiRequest<'produce'> {
  const { partition = 0, acks = -1, transactionalId = null } = options
  const topics = [{ name: topic, partitions: [{ partition, records }] }]
  return { transactionalId, acks, timeoutMs: 1_000, topics }
}

export interface WantedFetch {
  readonly topic?: string
  readonly topicId?: string
  readonly partition?: number
  readonly fetchOffset?: bigint
  readonly currentLeaderEpoch?: number
  readonly lastFetchedEpoch?: number
  readonly partitionBytesMax?: number
}

const zeroId = '00000000-0000-0000-0000-000000000000'

export function fetchRequest(
  wanted: readonly WantedFetch[],
  options: Partial<Omit<ApiRequest<'fetch'>, 'topics'>> = {},
): ApiRequest<'fetch'> {
  return {
    replicaId: -1,
    waitMsMax: 0,
    bytesMin: 1,
    bytesMax: 50_000_000,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    forgotten: [],
    rackId: '',
    ...options,
    topics: wanted.map((each) => ({
      name: each.topic ?? '',
      topicId: each.topicId ?? zeroId,
      partitions: [
        {
          partition: each.partition ?? 0,
          currentLeaderEpoch: each.currentLeaderEpoch ?? -1,
          fetchOffset: each.fetchOffset ?? 0n,
          lastFetchedEpoch: each.lastFetchedEpoch ?? -1,
          logStartOffset: -1n,
          bytesMax: each.partitionBytesMax ?? 1_048_576,
        },
      ],
    })),
  }
}
