/**
 * Messages of idempotent and transactional producers.
 *
 * Source: Kafka protocol guide; KIP-98, KIP-360 (InitProducerId with a known id), KIP-447.
 */
import {
  bool,
  field,
  int16,
  int32,
  int64,
  list,
  nullableText,
  struct,
  text,
  throttleMs,
} from '../wire/types.ts'
import { api } from './api.ts'
import { topicErrors } from './offsets.ts'

export const initProducerId = api({
  key: 22,
  oldest: 0,
  newest: 4,
  flexibleFrom: 2,
  request: struct({
    transactionalId: field(nullableText),
    transactionTimeoutMs: field(int32),
    producerId: field(int64, { first: 3, absent: -1n }),
    producerEpoch: field(int16, { first: 3, absent: -1 }),
  }),
  response: struct({
    throttle: throttleMs(),
    errorCode: field(int16),
    producerId: field(int64),
    producerEpoch: field(int16),
  }),
})

export const addPartitionsToTxn = api({
  key: 24,
  oldest: 0,
  newest: 3,
  flexibleFrom: 3,
  request: struct({
    transactionalId: field(text),
    producerId: field(int64),
    producerEpoch: field(int16),
    topics: field(list(struct({ name: field(text), partitions: field(list(int32)) }))),
  }),
  response: struct({ throttle: throttleMs(), topics: field(list(topicErrors)) }),
})

export const addOffsetsToTxn = api({
  key: 25,
  oldest: 0,
  newest: 3,
  flexibleFrom: 3,
  request: struct({
    transactionalId: field(text),
    producerId: field(int64),
    producerEpoch: field(int16),
    groupId: field(text),
  }),
  response: struct({ throttle: throttleMs(), errorCode: field(int16) }),
})

export const endTxn = api({
  key: 26,
  oldest: 0,
  newest: 3,
  flexibleFrom: 3,
  request: struct({
    transactionalId: field(text),
    producerId: field(int64),
    producerEpoch: field(int16),
    committed: field(bool),
  }),
  response: struct({ throttle: throttleMs(), errorCode: field(int16) }),
})

export const txnOffsetCommit = api({
  key: 28,
  oldest: 0,
  newest: 3,
  flexibleFrom: 3,
  request: struct({
    transactionalId: field(text),
    groupId: field(text),
    producerId: field(int64),
    producerEpoch: field(int16),
    generationId: field(int32, { first: 3, absent: -1 }),
    memberId: field(text, { first: 3 }),
    instanceId: field(nullableText, { first: 3 }),
    topics: field(
      list(
        struct({
          name: field(text),
          partitions: field(
            list(
              struct({
                partition: field(int32),
                nextOffset: field(int64),
                leaderEpoch: field(int32, { first: 2, absent: -1 }),
                metadata: field(nullableText),
              }),
            ),
          ),
        }),
      ),
    ),
  }),
  response: struct({ throttle: throttleMs(), topics: field(list(topicErrors)) }),
})
