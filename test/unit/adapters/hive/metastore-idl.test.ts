/** The numbers that are written are those of the interface that is committed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newPartition, newTable, readTable } from '../../../../src/adapters/hive/hive-structs.ts'
import { metastoreCalls } from '../../../../src/adapters/hive/metastore-calls.ts'
import {
  readStruct,
  readStructs,
  type ThriftStruct,
} from '../../../../src/adapters/hive/thrift-value.ts'

const root = join(import.meta.dirname, '..', '..', '..', '..')
const idl = readFileSync(join(root, 'proto/hive/hive_metastore.thrift'), 'utf8')
  .split('\n')
  .filter((line) => !line.trim().startsWith('//'))
  .join(' ')

/** By struct: type and name of each field, by number. */
const idlStructs = new Map(
  [...idl.matchAll(/struct (\w+) \{([^}]*)\}/g)].map(([, name, body = '']) => [
    name,
    new Map(
      [...body.matchAll(/(\d+): (?:required |optional )?(\w+(?:<[^>]*>)?) (\w+)/g)].map(
        ([, id, type, field]) => [Number(id), { type, field }],
      ),
    ),
  ]),
)

const idlCalls = new Map(
  [...idl.matchAll(/(\w+)\(([^()]*)\)(?:\s+throws \(([^()]*)\))?/g)].map(
    ([, name, , thrown = '']) => [
      name,
      Object.fromEntries([...thrown.matchAll(/(\d+): (\w+)/g)].map(([, id, type]) => [id, type])),
    ],
  ),
)

const wireTypes: Readonly<Record<string, string>> = {
  string: 'binary',
  i32: 'i32',
  bool: 'bool',
  list: 'list',
  map: 'map',
}

/** Every field of the struct is of the interface, and of its type. */
function compare(fields: ThriftStruct | undefined, name: string): number {
  const declared = idlStructs.get(name)
  for (const [id, value] of fields ?? []) {
    const [base = ''] = (declared?.get(id)?.type ?? '').split('<')
    expect(value.type, `${name} field ${id}`).toBe(wireTypes[base] ?? 'struct')
  }
  return fields?.size ?? 0
}

const table = {
  name: 'events',
  location: 'file:///lake/events',
  columns: [],
  partitionColumns: ['dt'],
  pipeline: 'growth',
  stream: 'events',
}

test('each call is of the interface, with the exceptions it declares', () => {
  const made = Object.entries(metastoreCalls)
  expect(made.length).toBeGreaterThan(8)
  expect(new Map<string | undefined, unknown>(made)).toEqual(idlCalls)
})

test('a table and a partition have the fields of the interface', () => {
  const made = newTable('ods', 'lakeward', table)
  expect(compare(made, 'Table')).toBe(10)
  expect(compare(readStruct(made, 7), 'StorageDescriptor')).toBe(10)
  expect(compare(readStruct(readStruct(made, 7), 7), 'SerDeInfo')).toBe(3)
  expect(compare(readStructs(made, 8)[0], 'FieldSchema')).toBe(2)
  const partition = newPartition(
    { database: 'ods', name: 'events', table: readTable(made) },
    { path: 'dt=2026-11-20', location: 'file:///lake/events/dt=2026-11-20', announced: undefined },
  )
  expect(compare(partition, 'Partition')).toBe(7)
  expect(idlStructs.get('Table')?.get(12)).toEqual({ type: 'string', field: 'tableType' })
})
