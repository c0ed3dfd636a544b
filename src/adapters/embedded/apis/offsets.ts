/**
 * Messages about committed offsets: OffsetCommit, OffsetFetch.
 *
 * Source: Kafka protocol guide; KIP-447 (require stable), KIP-709 (several groups), KIP-848.
 */
import {
  bool,
  constant,
  field,
  int16,
  int32,
  int64,
  list,
  nullableList,
  nullableText,
  struct,
  text,
  throttleMs,
} from '../wire/types.ts'
import { api } from './api.ts'

const committedTopic = struct({
  name: field(text),
  partitions: field(
    list(
      struct({
        partition: field(int32),
        nextOffset: field(int64),
        leaderEpoch: field(int32, { first: 6, absent: -1 }),
        metadata: field(nullableText),
      }),
    ),
  ),
})

export const topicErrors = struct({
  name: field(text),
  partitions: field(list(struct({ partition: field(int32), errorCode: field(int16) }))),
})

export const offsetCommit = api({
  key: 8,
  oldest: 2,
  newest: 9,
  flexibleFrom: 8,
  request: struct({
    groupId: field(text),
    /** Generation of a classic group, member epoch of a KIP-848 one (from version 9 on). */
    generationId: field(int32),
    memberId: field(text),
    instanceId: field(nullableText, { first: 7 }),
    retentionMs: constant(int64, -1n, { first: 2, newest: 4 }),
    topics: field(list(committedTopic)),
  }),
  response: struct({ throttle: throttleMs(3), topics: field(list(topicErrors)) }),
})

const wantedTopic = struct({ name: field(text), partitions: field(list(int32)) })
const foundTopic = struct({
  name: field(text),
  partitions: field(
    list(
      struct({
        partition: field(int32),
        nextOffset: field(int64),
        leaderEpoch: field(int32, { first: 5, absent: -1 }),
        metadata: field(nullableText),
        errorCode: field(int16),
      }),
    ),
  ),
})

export const offsetFetch = api({
  key: 9,
  oldest: 1,
  newest: 9,
  flexibleFrom: 6,
  request: struct({
    groupId: field(text, { newest: 7 }),
    topics: field(nullableList(wantedTopic), { newest: 7 }),
    groups: field(
      list(
        struct({
          groupId: field(text),
          memberId: field(nullableText, { first: 9 }),
          memberEpoch: field(int32, { first: 9, absent: -1 }),
          topics: field(nullableList(wantedTopic)),
        }),
      ),
      { first: 8 },
    ),
    requireStable: field(bool, { first: 7 }),
  }),
  response: struct({
    throttle: throttleMs(3),
    topics: field(list(foundTopic), { newest: 7 }),
    errorCode: field(int16, { first: 2, newest: 7 }),
    groups: field(
      list(
        struct({ groupId: field(text), topics: field(list(foundTopic)), errorCode: field(int16) }),
      ),
      { first: 8 },
    ),
  }),
})
