/** What the contract cannot provoke: others that are quicker, tables of others, and refusals. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HiveCatalog } from '../../../../src/adapters/hive/hive-catalog.ts'
import {
  readText,
  readTextMap,
  text,
  withFields,
} from '../../../../src/adapters/hive/thrift-value.ts'
import type { CatalogTable } from '../../../../src/ports/catalog.ts'
import { Declared, FakeMetastore } from '../../../support/fake-metastore.ts'
import { hiveCatalogAt } from '../../../support/metastore-world.ts'

const signal = new AbortController().signal
const path = 'dt=2026-11-20'
let metastore: FakeMetastore
let catalog: HiveCatalog

const table: CatalogTable = {
  name: 'events',
  location: 'file:///lake/events',
  columns: [
    {
      column: {
        kind: 'leaf',
        name: 'id',
        repetition: 'optional',
        physical: 'int64',
        logical: undefined,
        fieldId: 1,
      },
      comment: undefined,
    },
  ],
  partitionColumns: ['dt'],
  pipeline: 'growth',
  stream: 'events',
}
const partition = { path, location: `file:///lake/events/${path}`, announced: undefined }

beforeEach(async () => {
  metastore = await FakeMetastore.start()
  metastore.createDatabase('ods')
  catalog = hiveCatalogAt(metastore.port)
})

afterEach(async () => {
  await catalog.close()
  await metastore.close()
})

/** Answers the first call of this name with an exception, after `meanwhile`. */
function refuseOnce(name: string, exception: string, meanwhile: () => void = () => {}): void {
  metastore.onCall = (called) => {
    if (called !== name) return
    metastore.onCall = () => {}
    meanwhile()
    throw new Declared(exception, 'a constraint')
  }
}

describe('of two that make a table at once', () => {
  test.each(['AlreadyExistsException', 'MetaException'])(
    'the one that is told %s takes the other one’s',
    async (exception) => {
      await catalog.ensureTable(table, signal)
      const made = metastore.databases.get('ods')?.get('events')
      metastore.databases.get('ods')?.clear()
      refuseOnce('create_table', exception, () => {
        if (made !== undefined) metastore.databases.get('ods')?.set('events', made)
      })
      expect(await catalog.ensureTable(table, signal)).toEqual({ kind: 'kept' })
    },
  )
})

test('a table that cannot be made is told with the metastore’s words, cut short', async () => {
  metastore.onCall = (called) => {
    if (called === 'create_table') throw new Declared('MetaException', 'no\n  rights '.repeat(99))
  }
  await expect(catalog.ensureTable(table, signal)).rejects.toMatchObject({
    code: 'CATALOG_REFUSED',
    message: expect.stringMatching(/^.{100,500}$/),
  })
})

test('a database that is missing is told by name, before anything is made', async () => {
  metastore.databases.clear()
  const refused = { code: 'CATALOG_DATABASE_MISSING', facts: { database: 'ods' } }
  await expect(catalog.ensureTable(table, signal)).rejects.toMatchObject(refused)
  await expect(catalog.probe(signal)).rejects.toMatchObject(refused)
})

test.each([
  [12, 'MANAGED_TABLE', 'the type'],
  [12, 'VIRTUAL_VIEW', 'the type'],
])('a table of others with field %i as %s is refused for %s', async (field, value, what) => {
  await catalog.ensureTable(table, signal)
  const made = metastore.databases.get('ods')?.get('events')
  if (made !== undefined) made.fields = withFields(made.fields, [[field, text(value)]])
  await expect(catalog.ensureTable(table, signal)).rejects.toMatchObject({
    code: 'CATALOG_TABLE_CONFLICT',
    facts: { what, found: value },
  })
})

test('columns that differ in case only, or are named as a partition, are refused', async () => {
  await catalog.ensureTable(table, signal)
  for (const name of ['ID', 'dt']) {
    const [first] = table.columns
    const more = first && { ...first, column: { ...first.column, name } }
    const both = { ...table, columns: [...table.columns, ...(more ? [more] : [])] }
    await expect(catalog.ensureTable(both, signal)).rejects.toMatchObject({
      code: 'CATALOG_TABLE_CONFLICT',
      facts: { what: 'two columns', found: name.toLowerCase() },
    })
  }
})

test('what the metastore knows of a table and we do not is sent back as it came', async () => {
  await catalog.ensureTable(table, signal)
  const made = metastore.databases.get('ods')?.get('events')
  if (made !== undefined) made.fields = withFields(made.fields, [[77, text('of Hive 5')]])
  const [first] = table.columns
  const more = first && { ...first, column: { ...first.column, name: 'more' } }
  await catalog.ensureTable({ ...table, columns: more ? [more] : [] }, signal)
  expect(readText(metastore.databases.get('ods')?.get('events')?.fields, 77)).toBe('of Hive 5')
})

test('neither what is added with its numbers nor what is altered is counted by listing', async () => {
  await catalog.ensureTable(table, signal)
  const shown = { revision: 1, rows: 1, bytes: 5, files: 1, manifest: 'm' }
  await catalog.register('events', [{ ...partition, announced: shown }], signal)
  const next = { ...shown, revision: 2, bytes: 6 }
  await catalog.register('events', [{ ...partition, announced: next }], signal)
  const parameters = readTextMap(metastore.partition('ods.events', '2026-11-20'), 7)
  expect(parameters).toMatchObject({ totalSize: '6', 'lakeward.revision': '2' })
})

test('a table that is dropped between two calls is told as missing', async () => {
  await catalog.ensureTable(table, signal)
  metastore.onCall = (called) => {
    if (called === 'add_partitions_req') metastore.databases.get('ods')?.clear()
  }
  await expect(catalog.register('events', [partition], signal)).rejects.toMatchObject({
    code: 'CATALOG_TABLE_MISSING',
    facts: { table: 'ods.events' },
  })
})

test('many partitions are registered a hundred at a time', async () => {
  await catalog.ensureTable(table, signal)
  const many = Array.from({ length: 230 }, (_, day) => ({ ...partition, path: `dt=day-${day}` }))
  await catalog.register('events', many, signal)
  expect(metastore.addedAtOnce).toEqual([100, 100, 30])
  const paths = many.map((each) => each.path)
  expect(await catalog.read('events', paths, signal)).toHaveLength(230)
})
