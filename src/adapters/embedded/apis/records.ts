/**
 * Messages that move and find records: Produce, Fetch, ListOffsets, OffsetForLeaderEpoch.
 *
 * Source: Kafka protocol guide; KIP-98, KIP-320 (leader epochs), KIP-516 (topic ids in Fetch 13).
 */
import type { WireReader } from '../wire/reader.ts'
import {
  constant,
  field,
  int8,
  int16,
  int32,
  int64,
  list,
  nullableBytes,
  nullableList,
  nullableText,
  struct,
  tagged,
  text,
  throttleMs,
  uuid,
  type WireType,
} from '../wire/types.ts'
import { api } from './api.ts'

export const produce = api({
  key: 0,
  oldest: 3,
  // librdkafka (2.0.2 for one) sends gzip, snappy and lz4 batches uncompressed, without a word, to
  // a broker that does not list version 0: KAFKA-18659.
  listedOldest: 0,
  newest: 9,
  flexibleFrom: 9,
  request: struct({
    transactionalId: field(nullableText),
    acks: field(int16),
    timeoutMs: field(int32),
    topics: field(
      list(
        struct({
          name: field(text),
          partitions: field(
            list(struct({ partition: field(int32), records: field(nullableBytes) })),
          ),
        }),
      ),
    ),
  }),
  response: struct({
    topics: field(
      list(
        struct({
          name: field(text),
          partitions: field(
            list(
              struct({
                partition: field(int32),
                errorCode: field(int16),
                firstOffset: field(int64),
                logAppendTimeMs: constant(int64, -1n),
                logStartOffset: field(int64, { first: 5, absent: -1n }),
                recordErrors: constant(list(int32), [], { first: 8 }),
                errorMessage: field(nullableText, { first: 8 }),
              }),
            ),
          ),
        }),
      ),
    ),
    throttle: throttleMs(),
  }),
})

/** Record batches of a fetch: chunks as read from disk, together one run of bytes. */
const recordChunks: WireType<readonly Buffer[]> = {
  absent: [],
  read(from: WireReader, layout) {
    const sizeBytes = from.length(layout)
    return sizeBytes <= 0 ? [] : [from.bytes(sizeBytes)]
  },
  write(to, chunks, layout) {
    to.length(
      chunks.reduce((sum, chunk) => sum + chunk.length, 0),
      layout,
    )
    for (const chunk of chunks) to.raw(chunk)
  },
}

const epochAndOffset = struct({
  leaderEpoch: field(int32, { absent: -1 }),
  nextOffset: field(int64, { absent: -1n }),
})
const currentLeader = struct({ leaderId: field(int32), leaderEpoch: field(int32) })
const endpoint = struct({
  nodeId: field(int32),
  host: field(text),
  port: field(int32),
  rack: field(nullableText),
})

export const fetch = api({
  key: 1,
  oldest: 4,
  newest: 17,
  flexibleFrom: 12,
  request: struct({
    clusterId: tagged(0, nullableText, 12),
    replicaId: field(int32, { newest: 14, absent: -1 }),
    waitMsMax: field(int32),
    bytesMin: field(int32),
    bytesMax: field(int32),
    isolationLevel: field(int8),
    sessionId: field(int32, { first: 7 }),
    sessionEpoch: field(int32, { first: 7, absent: -1 }),
    topics: field(
      list(
        struct({
          name: field(text, { newest: 12 }),
          topicId: field(uuid, { first: 13 }),
          partitions: field(
            list(
              struct({
                partition: field(int32),
                currentLeaderEpoch: field(int32, { first: 9, absent: -1 }),
                fetchOffset: field(int64),
                lastFetchedEpoch: field(int32, { first: 12, absent: -1 }),
                logStartOffset: field(int64, { first: 5, absent: -1n }),
                bytesMax: field(int32),
              }),
            ),
          ),
        }),
      ),
    ),
    forgotten: field(
      list(
        struct({
          name: field(text, { newest: 12 }),
          topicId: field(uuid, { first: 13 }),
          partitions: field(list(int32)),
        }),
      ),
      { first: 7 },
    ),
    rackId: field(text, { first: 11 }),
  }),
  response: struct({
    throttle: throttleMs(),
    errorCode: field(int16, { first: 7 }),
    sessionId: field(int32, { first: 7 }),
    topics: field(
      list(
        struct({
          name: field(text, { newest: 12 }),
          topicId: field(uuid, { first: 13 }),
          partitions: field(
            list(
              struct({
                partition: field(int32),
                errorCode: field(int16),
                highWatermark: field(int64),
                lastStableOffset: field(int64),
                logStartOffset: field(int64, { first: 5, absent: -1n }),
                divergingEpoch: tagged(0, epochAndOffset, 12),
                currentLeader: tagged(1, currentLeader, 12),
                aborted: field(
                  nullableList(struct({ producerId: field(int64), firstOffset: field(int64) })),
                ),
                preferredReadReplica: constant(int32, -1, { first: 11 }),
                records: field(recordChunks),
              }),
            ),
          ),
        }),
      ),
    ),
    nodeEndpoints: tagged(0, list(endpoint), 16),
  }),
})

export const listOffsets = api({
  key: 2,
  oldest: 1,
  newest: 7,
  flexibleFrom: 6,
  request: struct({
    replicaId: field(int32),
    isolationLevel: field(int8, { first: 2 }),
    topics: field(
      list(
        struct({
          name: field(text),
          partitions: field(
            list(
              struct({
                partition: field(int32),
                currentLeaderEpoch: field(int32, { first: 4, absent: -1 }),
                timestampMs: field(int64),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
  response: struct({
    throttle: throttleMs(2),
    topics: field(
      list(
        struct({
          name: field(text),
          partitions: field(
            list(
              struct({
                partition: field(int32),
                errorCode: field(int16),
                timestampMs: field(int64),
                offset: field(int64),
                leaderEpoch: field(int32, { first: 4, absent: -1 }),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
})

export const offsetForLeaderEpoch = api({
  key: 23,
  oldest: 2,
  newest: 4,
  flexibleFrom: 4,
  request: struct({
    replicaId: field(int32, { first: 3, absent: -1 }),
    topics: field(
      list(
        struct({
          name: field(text),
          partitions: field(
            list(
              struct({
                partition: field(int32),
                currentLeaderEpoch: field(int32),
                leaderEpoch: field(int32),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
  response: struct({
    throttle: throttleMs(),
    topics: field(
      list(
        struct({
          name: field(text),
          partitions: field(
            list(
              struct({
                errorCode: field(int16),
                partition: field(int32),
                leaderEpoch: field(int32),
                nextOffset: field(int64),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
})
