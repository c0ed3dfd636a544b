import { expect, test } from 'vitest'
import { judgePart } from '../../../../src/adapters/kafka/judge-part.ts'
import type { FetchedPartition } from '../../../../src/codec/kafka/fetch-answer.ts'
import { nextOffset, offset } from '../../../../src/model/offset.ts'
import { anySource } from '../../../support/read-batches.ts'
import { encodeBatch, encodeMarker } from '../../../support/record-batch.ts'

const judge = (bytes: Buffer, change: Partial<FetchedPartition> = {}, isolation = true) => {
  const part: FetchedPartition = {
    topic: 'events',
    partition: 3,
    errorCode: 0,
    highWatermark: nextOffset(9n),
    abortedTransactions: [],
    preferredReplica: -1,
    diverged: undefined,
    leader: undefined,
    start: 0,
    end: bytes.length,
    ...change,
  }
  const level = isolation ? ('read_committed' as const) : ('read_uncommitted' as const)
  return judgePart({ source: anySource, fetchOffset: offset(1n), bytes, part, isolation: level })
}
const none = Buffer.alloc(0)
const good = encodeBatch({ records: [{ value: 'a' }, { value: 'b' }], leaderEpoch: 6 })
const bad = Buffer.from(encodeBatch({ baseOffset: 2n, records: [{ value: 'c' }] }))
bad.writeUInt8(0, bad.length - 2)

test('an error, a nearer replica, an empty answer and cut bytes are told apart', () => {
  expect(judge(none, { errorCode: 6 })).toEqual({ kind: 'failed', errorCode: 6 })
  expect(judge(none, { preferredReplica: 2 })).toEqual({ kind: 'go-to', nodeId: 2 })
  expect(judge(none)).toEqual({ kind: 'empty' })
  expect(judge(good.subarray(0, 70))).toEqual({ kind: 'cut' })
})

test('batches come with what the reader needs to go on', () => {
  const decision = judge(Buffer.concat([good, bad.subarray(0, 20)]))
  expect(decision).toMatchObject({
    kind: 'batches',
    fault: undefined,
    fetched: { start: 0, end: good.length, nextOffset: 2n, highWatermark: 9n, leaderEpoch: 6 },
  })
})

test('what stands before a corrupt batch is handed on, and the batch is refused', () => {
  expect(judge(Buffer.concat([good, bad]))).toMatchObject({
    kind: 'batches',
    fetched: { end: good.length, nextOffset: 2n },
    fault: { code: 'KAFKA_BATCH_CORRUPT', facts: { offset: 2n } },
  })
  expect(judge(bad)).toMatchObject({ kind: 'refused', fault: { code: 'KAFKA_BATCH_CORRUPT' } })
})

test('logs that went apart are refused with both offsets', () => {
  const diverged = { leaderEpoch: 5, next: nextOffset(0n) }
  expect(judge(none, { diverged })).toMatchObject({
    kind: 'refused',
    fault: { code: 'KAFKA_LOG_DIVERGED', facts: { asked: 1n, leaderEpoch: 5, next: 0n } },
  })
})

test('aborted batches are skipped under read_committed only, markers always', () => {
  const data = encodeBatch({ records: [{ value: 'x' }], producerId: 5n, transactional: true })
  const bytes = Buffer.concat([data, encodeMarker('abort', { baseOffset: 1n, producerId: 5n })])
  const abortedTransactions = [{ producerId: 5n, first: offset(0n) }]
  const skipped = (isolation: boolean) => {
    const decision = judge(bytes, { abortedTransactions }, isolation)
    return decision.kind === 'batches' ? decision.fetched.skippedBatches : undefined
  }
  expect(skipped(true)).toEqual([0, data.length])
  expect(skipped(false)).toEqual([data.length])
})
