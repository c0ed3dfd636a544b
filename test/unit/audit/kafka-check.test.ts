import { expect, test } from 'vitest'
import { checkKafka, type KafkaAnswer } from '../../../src/audit/kafka-check.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { LogEntry } from '../../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import {
  clusterId,
  type SourcePartition,
  sourceKey,
  topicId,
} from '../../../src/model/topic-partition.ts'
import { emptyFold, foldEntry } from '../../../src/protocol/fold.ts'
import { appendEntry, entryBase, sampleSource, startRange } from '../../support/log-samples.ts'

const writer = writerId('9f3ac1d2b0e4a67700112233445566aa')
const entry = appendEntry(commitIdOf(writer, 0), { ranges: [startRange(0, 50)] })
/** Committed up to 50 on one topic-partition. */
const { state } = foldEntry(emptyFold(), 0, entry, '0')
const key = sourceKey(sampleSource(0))

function answer(
  [first, next]: readonly [bigint, bigint],
  sources: readonly SourcePartition[] = [sampleSource(0)],
): Extract<KafkaAnswer, { kind: 'answered' }> {
  return {
    kind: 'answered',
    metadata: { clusterId: clusterId('cluster-1'), sources, missingTopics: [] },
    starts: new Map([[key, offset(first)]]),
    ends: new Map([[key, nextOffset(next)]]),
  }
}

test('a position between the broker’s first and last offset is right, with what it is behind', () => {
  expect(checkKafka(state, answer([50n, 50n])).state).toBe('ok')
  expect(checkKafka(state, answer([0n, 60n]))).toMatchObject({
    state: 'ok',
    detail: '1 position, 10 records behind',
  })
})

test('a lake ahead of its broker is wrong', () => {
  expect(checkKafka(state, answer([0n, 49n])).findings).toEqual([
    '"growth.events/0": committed up to 50, the broker ends at 49',
  ])
})

test('records that are gone before they were read are wrong', () => {
  expect(checkKafka(state, answer([51n, 60n])).findings).toEqual([
    '"growth.events/0": committed up to 50, the broker begins at 51: a gap',
  ])
})

test('a topic that was made anew is wrong', () => {
  const anew = { ...sampleSource(0), topicId: topicId('00000000-0000-0000-0000-000000000001') }
  const { state: verdict, findings } = checkKafka(state, answer([0n, 60n], [anew]))
  expect(verdict).toBe('failed')
  expect(findings[0]).toMatch(/the brokers have no topic id 7f0e8a4e-/)
})

test('a topic that no stream has any more is not looked for, and counted', () => {
  const asked = { ...answer([50n, 50n], []), topics: ['others'] }
  expect(checkKafka(state, asked)).toMatchObject({
    state: 'ok',
    detail: '0 positions, 0 records behind, 1 of topics that no stream has any more',
  })
  const pattern = { ...answer([50n, 50n], []), topics: ['growth\\..*'] }
  expect(checkKafka(state, pattern).state).toBe('failed')
})

test('a topic id that an operator ended is not looked for', () => {
  const anew = { ...sampleSource(0), topicId: topicId('00000000-0000-0000-0000-000000000001') }
  const relied = { lane: 'lake', resetEpoch: 0, cause: 'made anew' }
  const accepted: LogEntry = {
    kind: 'source',
    ...entryBase(commitIdOf(writer, 1)),
    action: 'accept',
    why: 'the topic was made anew',
    moves: [
      { ...relied, source: sampleSource(0), expected: nextOffset(50n), next: undefined },
      { ...relied, source: anew, expected: undefined, next: nextOffset(0n) },
    ],
  }
  const after = foldEntry(state, 1, accepted, '1').state
  const of = (key: ReturnType<typeof sourceKey>) => ({
    starts: new Map([[key, offset(0n)]]),
    ends: new Map([[key, nextOffset(60n)]]),
  })
  const told = { ...answer([0n, 60n], [anew]), ...of(sourceKey(anew)) }
  expect(checkKafka(after, told)).toMatchObject({
    state: 'ok',
    detail: '1 position, 60 records behind',
  })
})

test('what does not answer is not called right', () => {
  expect(checkKafka(state, { kind: 'silent', why: 'nobody there' })).toMatchObject({
    state: 'not-checkable',
    detail: 'nobody there',
  })
  const leaderless: KafkaAnswer = { ...answer([0n, 60n]), ends: new Map() }
  expect(checkKafka(state, leaderless)).toMatchObject({
    state: 'not-checkable',
    detail: 'the leader of "growth.events/0" does not answer',
  })
})
