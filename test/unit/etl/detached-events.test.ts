import { expect, it } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { detachEvents } from '../../../src/etl/detached-events.ts'
import { etlBatch } from '../../../src/etl/etl-batch.ts'
import { settled } from '../../../src/model/event-load.ts'
import { eventTable } from '../../../src/model/event-table.ts'
import { partitionAt } from '../../../src/protocol/calendar.ts'
import { letterOf } from '../../../src/protocol/letter.ts'
import { loadOf } from '../../support/detached-loads.ts'
import { LinearMemory } from '../../support/linear-memory.ts'
import { utf8 } from '../../support/raw-events.ts'
import { tableOf } from '../../support/record-table.ts'

it('events of one stream leave their load and are settled there, the others stay', () => {
  const values = ['a', 'b', 'c', 'd'].map((text) => ({ value: utf8(text) }))
  const { load, memory } = loadOf(values, (event) => (event === 3 ? settled : event % 2))
  const detached = detachEvents(load, memory.u8, 0)
  expect([...load.events.stream]).toEqual([settled, 1, settled, settled])
  expect(detached?.load.events.count).toBe(2)
  expect(detachEvents(load, memory.u8, 0)).toBeUndefined()
})

it('detached events keep payload, record and place when the input is overwritten', () => {
  const memory = new LinearMemory()
  const key = utf8('key')
  const headers = Uint8Array.from([2, 2, 97, 2, 98])
  const records = tableOf(
    [
      { value: utf8('0123456789'), key, headers, timestampMs: 5, partition: 3 },
      { value: undefined },
      { value: utf8('xyz'), topic: 'other', offset: 77n },
    ],
    memory,
  )
  const inflated = memory.load(utf8('inflated'))
  const value = records.valueStart[0] ?? 0
  const events = eventTable(4)
  events.count = 3
  events.record.set([0, 0, 2])
  events.index.set([0, 1, 0])
  events.payloadStart.set([value + 2, inflated, records.valueStart[2] ?? 0])
  events.payloadEnd.set([value + 4, inflated + 8, (records.valueStart[2] ?? 0) + 3])
  events.schemaVersion.set([1, 2, 3])
  const detached = detachEvents({ records, events, fetchedAtMs: 9 }, memory.u8, 0)
  if (detached === undefined) throw new Error('no events were detached')
  memory.u8.fill(0xaa)
  const payloads = [0, 1, 2].map((event) => {
    const { payloadStart, payloadEnd } = detached.load.events
    return Buffer.from(detached.memory.slice(payloadStart[event], payloadEnd[event])).toString()
  })
  expect(payloads).toEqual(['23', 'inflated', 'xyz'])
  const stream = 'views'
  const partition = partitionAt(unixMs(0), { by: 'hour', timezone: 'UTC' })
  const cause = { step: 'etl', reason: 'r', error: 'e' } as const
  const at = { load: detached.load, memory: detached.memory, stream, partition }
  expect(letterOf({ ...at, event: 1 }, cause)).toMatchObject({
    key,
    headers,
    value: utf8('0123456789'),
    kafkaTimestampMs: 5,
    source: { partition: 3 },
    offset: 100n,
    index: 1,
    schemaVersion: 2,
  })
  expect(letterOf({ ...at, event: 2 }, cause)).toMatchObject({
    key: undefined,
    headers: undefined,
    source: { topic: 'other' },
    offset: 77n,
  })
  const batch = etlBatch(detached, 1, 3)
  expect(Buffer.from(batch.payloads).toString()).toBe('inflatedxyz')
  expect([...batch.payloadNext]).toEqual([8, 11])
  expect([...batch.headersNext]).toEqual([5, 5])
  expect([...batch.offset]).toEqual([100n, 77n])
  expect([...batch.index]).toEqual([1, 0])
  expect(batch.sources[batch.source[1] ?? 0]?.topic).toBe('other')
})
