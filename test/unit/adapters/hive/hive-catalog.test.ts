/** What the contract cannot provoke: others that are quicker, tables of others, and refusals. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HiveCatalog } from '../../../../src/adapters/hive/hive-catalog.ts'
import {
  i32,
  readStruct,
  readStructs,
  readText,
  readTextMap,
  struct,
  structOf,
  structs,
  type ThriftStruct,
  type ThriftValue,
  text,
  textMap,
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
  for (const name of ['ID', 'dt']) {
    const [first] = table.columns
    const more = first && { ...first, column: { ...first.column, name } }
    const both = { ...table, columns: [...table.columns, ...(more ? [more] : [])] }
    await expect(catalog.ensureTable(both, signal)).rejects.toMatchObject({
      code: 'CATALOG_TABLE_CONFLICT',
      facts: { what: 'two columns', found: name.toLowerCase() },
    })
  }
  expect(metastore.calls).toEqual([])
})

test('so are fields of a message within a list of messages', async () => {
  const [id] = table.columns.map(({ column }) => column)
  if (id === undefined) throw new Error('the table has a column')
  const group = { kind: 'group', repetition: 'optional', logical: undefined, fieldId: 2 } as const
  const element = { ...group, name: 'element', children: [id, { ...id, name: 'ID' }] }
  const list = { ...group, name: 'list', children: [element] }
  const column = { ...group, name: 'Items', logical: 'list', children: [list] } as const
  const wanted = { ...table, columns: [{ column, comment: undefined }] }
  await expect(catalog.ensureTable(wanted, signal)).rejects.toMatchObject({
    code: 'CATALOG_TABLE_CONFLICT',
    facts: { what: 'two fields of "element"', found: 'id' },
  })
  expect(metastore.databases.get('ods')?.size).toBe(0)
})

describe('a table of others', () => {
  const changed = async (change: (fields: ThriftStruct) => ThriftStruct): Promise<void> => {
    await catalog.ensureTable(table, signal)
    const made = metastore.databases.get('ods')?.get('events')
    if (made !== undefined) made.fields = change(made.fields)
  }
  const withSd = (fields: ThriftStruct, id: number, value: ThriftValue): ThriftStruct =>
    withFields(fields, [[7, struct(withFields(readStruct(fields, 7) ?? new Map(), [[id, value]]))]])
  const refused = (what: string, found: string) =>
    expect(catalog.ensureTable(table, signal)).rejects.toMatchObject({
      code: 'CATALOG_TABLE_CONFLICT',
      facts: { what, found },
    })

  test.each(['int', 'date', 'varchar(10)'])(
    'whose partitions are by %s is refused',
    async (type) => {
      const key = structOf([
        [1, text('dt')],
        [2, text(type)],
      ])
      await changed((fields) => withFields(fields, [[8, structs([key])]]))
      await refused('the partition columns', `dt ${type}`)
    },
  )

  test('with buckets is refused: engines would leave our files out', async () => {
    await changed((fields) => withSd(fields, 6, i32(4)))
    await refused('the buckets', '4')
  })

  test.each([
    ['the input format', withInput],
    ['the serde', withSerde],
  ])('with %s of text is refused', async (what, change) => {
    await changed(change)
    await refused(what, 'text')
  })

  test('with columns in another order, of other case, and more of them, is taken', async () => {
    const columns = ['more', 'ID'].map((name) =>
      structOf([
        [1, text(name)],
        [2, text(name === 'ID' ? 'BIGINT' : 'date')],
      ]),
    )
    await changed((fields) => withSd(fields, 1, structs(columns)))
    expect(await catalog.ensureTable(table, signal)).toEqual({ kind: 'kept' })
  })

  function withInput(fields: ThriftStruct): ThriftStruct {
    return withSd(fields, 3, text('text'))
  }
  function withSerde(fields: ThriftStruct): ThriftStruct {
    return withSd(fields, 7, struct(structOf([[2, text('text')]])))
  }
})

test('a comment is cut where the metastore has no room, and not through a character', async () => {
  const [first] = table.columns
  const comment = `${'a'.repeat(255)}😀`
  const told = { ...table, columns: first ? [{ ...first, comment }] : [] }
  await catalog.ensureTable(told, signal)
  const made = readStruct(metastore.databases.get('ods')?.get('events')?.fields, 7)
  expect(readText(readStructs(made, 1)[0], 3)).toBe('a'.repeat(255))
})

test('what a partition is told once more replaces what somebody made of it', async () => {
  await catalog.ensureTable(table, signal)
  const shown = { revision: 1, rows: 1, bytes: 5, files: 1, manifest: 'm' }
  const announced = { ...partition, announced: shown }
  await catalog.register('events', [announced], signal)
  const to = 'file:///lake/theirs'
  await catalog.switchLocation('events', { path, from: partition.location, to }, signal)
  await catalog.register('events', [announced], signal)
  const [found] = await catalog.read('events', [path], signal)
  expect(found).toMatchObject({ revision: 1, location: expect.stringMatching(/dt=2026-11-20$/) })
})

test.each(['', '-1', '1.5', 'x', '1e3'])('a revision "%s" is none of ours', async (written) => {
  await catalog.ensureTable(table, signal)
  await catalog.register('events', [partition], signal)
  const made = metastore.databases.get('ods')?.get('events')
  const before = metastore.partition('ods.events', '2026-11-20') ?? structOf([])
  const changed = withFields(before, [[7, textMap({ 'lakeward.revision': written })]])
  made?.partitions.set('2026-11-20', changed)
  expect(await catalog.read('events', [path], signal)).toMatchObject([{ revision: undefined }])
  const change = { path, from: partition.location, to: 'file:///lake/merged' }
  const kind = 'elsewhere'
  expect(await catalog.switchLocation('events', change, signal)).toMatchObject({ kind })
})

test('what was computed of the columns goes with the rows that it was computed of', async () => {
  await catalog.ensureTable(table, signal)
  const shown = { revision: 1, rows: 1, bytes: 5, files: 1, manifest: 'm' }
  await catalog.register('events', [{ ...partition, announced: shown }], signal)
  const parameters = () => readTextMap(metastore.partition('ods.events', '2026-11-20'), 7)
  const computed = { COLUMN_STATS_ACCURATE: '{"COLUMN_STATS":{"id":"true"}}' }
  const before = metastore.partition('ods.events', '2026-11-20') ?? structOf([])
  metastore.databases
    .get('ods')
    ?.get('events')
    ?.partitions.set(
      '2026-11-20',
      withFields(before, [[7, textMap({ ...parameters(), ...computed })]]),
    )
  await catalog.register('events', [{ ...partition, announced: shown }], signal)
  const to = 'file:///lake/merged'
  await catalog.switchLocation('events', { path, from: partition.location, to }, signal)
  expect(parameters()).toMatchObject(computed)
  const next = { ...partition, location: to, announced: { ...shown, revision: 2, rows: 2 } }
  await catalog.register('events', [next], signal)
  expect(parameters()).toMatchObject({ numRows: '2', 'lakeward.revision': '2' })
  expect(Object.keys(parameters())).not.toContain('COLUMN_STATS_ACCURATE')
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

describe('a table in whose place another one was put', () => {
  const [id] = table.columns
  const columnNamed = (name: string) => (id ? [{ ...id, column: { ...id.column, name } }] : [])
  const putAnother = async (columns: CatalogTable['columns']): Promise<void> => {
    metastore.databases.get('ods')?.clear()
    const others = hiveCatalogAt(metastore.port)
    await others.ensureTable({ ...table, columns }, signal)
    await others.close()
  }
  const made = () => metastore.databases.get('ods')?.get('events')

  test('gets no partition where it does not fit, and is told', async () => {
    await catalog.ensureTable(table, signal)
    await catalog.register('events', [partition], signal)
    const other = id && { ...id, column: { ...id.column, physical: 'int32' as const } }
    await putAnother(other ? [other] : [])
    await expect(catalog.register('events', [partition], signal)).rejects.toMatchObject({
      code: 'CATALOG_TABLE_CONFLICT',
      facts: { table: 'ods.events', what: 'column "id" as', found: 'int', wanted: 'bigint' },
    })
    expect(made()?.partitions.size).toBe(0)
    metastore.databases.get('ods')?.clear()
    await expect(catalog.register('events', [partition], signal)).rejects.toMatchObject({
      code: 'CATALOG_TABLE_MISSING',
    })
  })

  test('gets the columns that it lacks before it gets a partition', async () => {
    await catalog.ensureTable(table, signal)
    await putAnother(columnNamed('other'))
    await catalog.register('events', [partition], signal)
    const columns = readStructs(readStruct(metastore.partition('ods.events', path.slice(3)), 6), 1)
    expect(columns.map((column) => readText(column, 1))).toEqual(['other', 'id'])
  })
})

test.each(['NoSuchObjectException', 'InvalidObjectException'])(
  'a table of which a metastore says %s has no partitions',
  async (exception) => {
    metastore.ofMissingTable = exception
    expect(await catalog.read('events', [path], signal)).toEqual([])
    const change = { path, from: partition.location, to: 'file:///lake/merged' }
    expect(await catalog.switchLocation('events', change, signal)).toEqual({ kind: 'absent' })
  },
)

test('many partitions are registered a hundred at a time', async () => {
  await catalog.ensureTable(table, signal)
  const many = Array.from({ length: 230 }, (_, day) => ({ ...partition, path: `dt=day-${day}` }))
  await catalog.register('events', many, signal)
  expect(metastore.addedAtOnce).toEqual([100, 100, 30])
  const paths = many.map((each) => each.path)
  expect(await catalog.read('events', paths, signal)).toHaveLength(230)
})
