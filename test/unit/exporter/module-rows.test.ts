import { describe, expect, it } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { readParquetRows } from '../../../src/codec/parquet/read-file.ts'
import { parseMessageSchema } from '../../../src/codec/protobuf/parse-schema.ts'
import { detachEvents } from '../../../src/etl/detached-events.ts'
import { CountTable } from '../../../src/exporter/count-table.ts'
import { appendModuleRows, rowCountOf } from '../../../src/exporter/module-rows.ts'
import { PartitionWriter } from '../../../src/exporter/partition-writer.ts'
import { planTable } from '../../../src/kernel/table-plan.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { ModuleRows } from '../../../src/model/module-rows.ts'
import { identityColumns } from '../../../src/model/row-batch.ts'
import { partitionAt } from '../../../src/protocol/calendar.ts'
import { loadOf } from '../../support/detached-loads.ts'
import { openKernel } from '../../support/kernel-tables.ts'
import { utf8 } from '../../support/raw-events.ts'

const hourMs = 3_600_000
const startMs = Date.UTC(2026, 10, 20, 13)
const scheme = { by: 'hour', timezone: 'UTC' } as const
const proto = 'syntax = "proto3"; message Row { string text = 1; }'
const message = parseMessageSchema(new Map([['row.proto', proto]]), 'row.proto', 'Row')

interface TestEvent {
  readonly topic?: string
  readonly hour: number
  /** Texts of its rows; "\xff" stands for bytes that are not UTF-8. */
  readonly rows: readonly string[]
}

const rowBytes = (text: string): Uint8Array => {
  const body = text === '\xff' ? Uint8Array.of(0xff) : utf8(text)
  return Uint8Array.of(0x0a, body.length, ...body)
}

function moduleRowsOf(events: readonly TestEvent[]): ModuleRows {
  const records = events.map(({ topic = 'events', hour }, at) => ({
    topic,
    partition: at % 2,
    value: utf8('as it came'),
    timestampMs: startMs + hour * hourMs + at,
  }))
  const { load, memory } = loadOf(records)
  const detached = detachEvents(load, memory.u8, 0)
  if (detached === undefined) throw new Error('no events were detached')
  const rows = events.flatMap((event) => event.rows.map(rowBytes))
  let bytes = 0
  let count = 0
  return {
    ...detached,
    stream: 0,
    rows: new Uint8Array(Buffer.concat(rows)),
    rowNext: Int32Array.from(rows, (row) => (bytes += row.length)),
    eventRowNext: Int32Array.from(events, (event) => (count += event.rows.length)),
    letters: new Map(),
  }
}

/** Appends, and reads back what the files of each hour hold. */
async function appended(events: readonly TestEvent[]) {
  const kernel = openKernel()
  const compiled = kernel.compile(
    planTable(message, { identity: identityColumns, names: 'as-declared' }),
  )
  const file = {
    codec: 'zstd',
    level: 1,
    rowGroupBytesMax: 1e6,
    pageIndex: true,
    bloom: undefined,
    keyValues: new Map<string, string>(),
  } as const
  const table = {
    stream: 's',
    table: 's',
    compiled,
    file,
    rollBytes: 1e6,
    grows: false,
    schemaVersion: 1,
  }
  const writers = new Map<string, PartitionWriter>()
  const writerAt = (eventMs: number): PartitionWriter => {
    const partition = partitionAt(unixMs(eventMs), scheme)
    const cell = new CountTable().cell('s', partition)
    const commit = { commitId: commitIdOf(writerId('0'.repeat(32)), 1), fate: 'in-time' as const }
    const writer =
      writers.get(partition.path) ?? new PartitionWriter(table, partition, cell, commit)
    writers.set(partition.path, writer)
    return writer
  }
  const module = moduleRowsOf(events)
  // Something lies before the rows, as it may in a daemon.
  kernel.input.load(utf8('elsewhere'))
  const refused = appendModuleRows(module, kernel.input.load(module.rows), writerAt)
  const hours = new Map<string, readonly string[]>()
  const spans = new Map<string, { min: number; max: number }>()
  for (const [path, writer] of writers) {
    const sealed = writer.seal()
    const files = sealed.map(({ chunks }) => readParquetRows(Buffer.concat(chunks)))
    hours.set(path.slice(-2), (await Promise.all(files)).flat().map(rowText))
    const [first] = sealed
    if (first !== undefined) spans.set(path.slice(-2), first.eventTimeMs)
  }
  return { module, refused, hours, spans }
}

/** "a events/0@100": text, topic, partition, offset. */
const rowText = (row: Readonly<Record<string, unknown>>): string => {
  const text = row['text']
  const plain = text instanceof Uint8Array ? Buffer.from(text).toString() : String(text)
  const topic = row['_topic']
  const name = topic instanceof Uint8Array ? Buffer.from(topic).toString() : String(topic)
  return `${plain} ${name}/${String(row['_partition'])}@${String(row['_offset'])}`
}

describe('rows of a module', () => {
  it('go to the partition of their event, in its order, with its identity', async () => {
    const { hours, module, spans } = await appended([
      { hour: 0, rows: ['a', 'b'] },
      { hour: 1, rows: ['c'] },
      { hour: 0, rows: [] },
      { hour: 0, rows: ['d'] },
      { hour: 0, rows: ['e', 'f'] },
    ])
    expect(Object.fromEntries(hours)).toEqual({
      13: [
        'a events/0@100',
        'b events/0@100',
        'd events/1@103',
        'e events/0@104',
        'f events/0@104',
      ],
      14: ['c events/1@101'],
    })
    expect([0, 1, 2, 3, 4].map((event) => rowCountOf(module, event))).toEqual([2, 1, 0, 1, 2])
    expect(spans.get('13')).toEqual({ min: startMs, max: startMs + 4 })
    expect(spans.get('14')).toEqual({ min: startMs + hourMs + 1, max: startMs + hourMs + 1 })
  })

  it('keep the topic of their event', async () => {
    const { hours } = await appended([
      { hour: 0, rows: ['a'] },
      { hour: 0, topic: 'others', rows: ['b'] },
      { hour: 0, topic: 'others', rows: [] },
      { hour: 0, rows: ['c'] },
    ])
    const wanted = ['a events/0@100', 'b others/1@101', 'c events/1@103']
    expect(hours.get('13')).toEqual(wanted)
  })

  it('are refused by event when the kernel refuses one', async () => {
    const { hours, refused, spans } = await appended([
      { hour: 0, rows: ['a'] },
      { hour: 0, rows: [] },
      { hour: 0, rows: ['\xff'] },
      { hour: 1, rows: ['\xff'] },
    ])
    expect([...refused]).toEqual([
      [2, 'invalid-utf8'],
      [3, 'invalid-utf8'],
    ])
    expect(hours.get('13')).toEqual(['a events/0@100'])
    expect(hours.get('14')).toEqual([])
    expect(spans.get('13')).toEqual({ min: startMs, max: startMs })
  })

  it('of events that all have none leave no file', async () => {
    const { hours, spans } = await appended([{ hour: 0, rows: [] }])
    expect([...hours.values()].flat()).toEqual([])
    expect(spans.size).toBe(0)
  })
})
