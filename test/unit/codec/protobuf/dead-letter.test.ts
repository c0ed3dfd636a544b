import { readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../../src/base/time.ts'
import { deadLetterFields, encodeDeadLetter } from '../../../../src/codec/protobuf/dead-letter.ts'
import {
  encodeKafkaHeaders,
  readKafkaHeaders,
} from '../../../../src/codec/protobuf/kafka-headers.ts'
import type { DeadLetter } from '../../../../src/model/dead-letter.ts'
import { commitIdOf, writerId } from '../../../../src/model/ids.ts'
import { partitionPath } from '../../../../src/model/lake-partition.ts'
import { offset } from '../../../../src/model/offset.ts'
import { clusterId, topicId } from '../../../../src/model/topic-partition.ts'

const source = readFileSync(new URL('../../../../proto/dead_letter.proto', import.meta.url), 'utf8')
const type = protobuf.parse(source, { keepCase: true }).root.lookupType('lakeward.v1.DeadLetter')
const commitId = commitIdOf(writerId('0123456789abcdef0123456789abcdef'), 7)

const letter: DeadLetter = {
  stream: 'app_events',
  source: {
    topic: 'growth.events',
    partition: 3,
    clusterId: clusterId('c'),
    topicId: topicId('t'),
  },
  offset: offset(2n ** 62n + 1n),
  index: 2,
  kafkaTimestampMs: unixMs(1_700_000_000_000),
  eventTimeMs: unixMs(-5),
  key: Buffer.from('k'),
  headers: Buffer.from('040a747261636504ff000a747261636502aa', 'hex'),
  value: Buffer.from([0xff, 0x00]),
  schemaVersion: 4,
  step: 'decode',
  reason: 'decode-truncated',
  error: 'the bytes end in a value',
  fingerprint: 'f00',
  partition: { path: partitionPath('dt=2026-11-20'), startMs: unixMs(0), nextMs: unixMs(1) },
}

const decoded = (bytes: Uint8Array): Record<string, unknown> =>
  type.toObject(type.decode(bytes), { longs: String, bytes: Array })

test('field numbers are those of the proto file', () => {
  const declared = Object.fromEntries(type.fieldsArray.map((field) => [field.name, field.id]))
  expect(deadLetterFields).toEqual(declared)
})

test('a whole letter is read back by protobufjs', () => {
  expect(decoded(encodeDeadLetter(letter, commitId))).toEqual({
    stream: 'app_events',
    topic: 'growth.events',
    partition: 3,
    offset: '4611686018427387905',
    index: 2,
    kafka_timestamp_ms: '1700000000000',
    event_time_ms: '-5',
    key: [107],
    headers: { trace: [0xaa] },
    value: [255, 0],
    schema_version: 4,
    step: 'decode',
    reason: 'decode-truncated',
    error: 'the bytes end in a value',
    fingerprint: 'f00',
    commit_id: commitId,
  })
})

test('what is absent in the letter is absent on the wire', () => {
  const bytes = encodeDeadLetter(
    {
      ...letter,
      eventTimeMs: undefined,
      key: undefined,
      headers: undefined,
      value: undefined,
      schemaVersion: undefined,
    },
    commitId,
  )
  const names = Object.keys(decoded(bytes))
  for (const absent of ['event_time_ms', 'key', 'headers', 'value', 'schema_version']) {
    expect(names).not.toContain(absent)
  }
})

test('an empty key and value are there and empty', () => {
  const empty = { ...letter, key: new Uint8Array(0), value: new Uint8Array(0) }
  expect(decoded(encodeDeadLetter(empty, commitId))).toMatchObject({ key: [], value: [] })
})

test('text that is not Unicode and times that are not numbers never make bytes invalid', () => {
  const odd = { ...letter, error: 'half \ud800 pair', eventTimeMs: unixMs(Number.NaN) }
  const read = decoded(encodeDeadLetter(odd, commitId))
  expect(read['error']).toBe('half \ufffd pair')
  expect(read['event_time_ms']).toBeUndefined()
})

describe('headers as Kafka encodes them', () => {
  const read = (hex: string): unknown =>
    readKafkaHeaders(Buffer.from(hex, 'hex')).map(({ key, value }) => [
      key,
      Buffer.from(value).toString('hex'),
    ])

  test('an absent value is empty', () => {
    expect(read('020a747261636501')).toEqual([['trace', '']])
  })

  test.each([
    ['nothing', '', []],
    ['a negative count', '01', []],
    ['a count that promises more than there is', '060a747261636502aa', [['trace', 'aa']]],
    ['a key longer than what is left', '02ff01', []],
    ['a key of negative length', '0203', []],
    ['a value longer than what is left', '020274fe7f', []],
    ['a length of eleven bytes', '02ffffffffffffffffffff7f', []],
  ])('%s gives what can be read', (_name, hex, expected) => {
    expect(read(hex)).toEqual(expected)
  })

  test('a key that is not UTF-8 is shown with replacement characters', () => {
    expect(read('0202ff00')).toEqual([['\ufffd', '']])
  })
})

test('headers that are written again are read as they were', () => {
  const long = Buffer.alloc(300, 7)
  const headers = [
    { key: 'trace', value: Buffer.from('0af7') },
    { key: '', value: new Uint8Array() },
    { key: 'größe', value: long },
  ]
  const read = readKafkaHeaders(encodeKafkaHeaders(headers))
  expect(read.map(({ key, value }) => [key, Buffer.from(value).toString('hex')])).toEqual([
    ['trace', '30616637'],
    ['', ''],
    ['größe', long.toString('hex')],
  ])
})
