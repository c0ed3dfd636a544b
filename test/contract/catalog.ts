/**
 * What every catalog must do, on a fake and on real metastores.
 *
 * Tables of one world lie in one database, each case has a table of its own. Places are folders
 * that stand.
 */
import { expect } from 'vitest'
import type {
  Catalog,
  CatalogColumn,
  CatalogPartition,
  CatalogTable,
} from '../../src/ports/catalog.ts'
import { type Suite, vitestSuite } from './suite.ts'

export interface CatalogWorld {
  readonly catalog: Catalog
  /** Another client of the same catalog. */
  readonly another: () => Catalog
  /** Makes a folder. @returns its absolute URL. */
  readonly place: (path: string) => string
  /** Parameters of a partition as any client reads them. */
  readonly parameters: (table: string, path: string) => Promise<Readonly<Record<string, string>>>
  /** Types of the columns of a partition, by name, as any client reads them. */
  readonly columnsOfPartition: (
    table: string,
    path: string,
  ) => Promise<Readonly<Record<string, string>>>
  /** Adds a partition without any of our parameters, as people do. */
  readonly addForeign: (table: string, path: string, location: string) => Promise<void>
  readonly close: () => Promise<void>
}

const leaf = (name: string, physical: 'int32' | 'int64' | 'byte-array'): CatalogColumn => ({
  column: {
    kind: 'leaf',
    name,
    repetition: 'optional',
    physical,
    logical: physical === 'byte-array' ? 'string' : undefined,
    fieldId: 1,
  },
  comment: `what "${name}" is`,
})

const group = (name: string, children: readonly CatalogColumn[]): CatalogColumn => ({
  column: {
    kind: 'group',
    name,
    repetition: 'optional',
    logical: undefined,
    fieldId: 2,
    children: children.map(({ column }) => column),
  },
  comment: undefined,
})

const columns = [leaf('userId', 'int64'), leaf('country', 'byte-array')]
const path = 'dt=2026-11-20/hour=13'
const other = 'dt=2026-11-20/hour=14'
const signal = new AbortController().signal

const announced = (revision: number) => ({
  revision,
  rows: 40 + revision,
  bytes: 9_000 + revision,
  files: revision,
  manifest: `file:///lake/_lakeward/growth/ready/${revision}.json`,
})

const shownParameters = {
  'lakeward.ready': 'true',
  'lakeward.revision': '1',
  'lakeward.rows': '41',
  'lakeward.manifest': 'file:///lake/_lakeward/growth/ready/1.json',
  numRows: '41',
  totalSize: '9001',
  numFiles: '1',
}

export function catalogContract(
  name: string,
  open: () => Promise<CatalogWorld>,
  suite: Suite = vitestSuite,
): void {
  suite.describe(`the catalog contract, ${name}`, () => {
    let world: CatalogWorld
    let caseCount = 0
    let table: CatalogTable
    suite.beforeEach(async () => {
      world = await open()
      const own = `events_${++caseCount}`
      table = {
        name: own,
        location: world.place(own),
        columns,
        partitionColumns: ['dt', 'hour'],
        pipeline: 'growth',
        stream: 'events',
      }
    })
    suite.afterEach(() => world.close())

    const partition = (
      at: string,
      shown: CatalogPartition['announced'],
      folder = at,
    ): CatalogPartition => ({
      path: at,
      location: world.place(`${table.name}/${folder}`),
      announced: shown,
    })
    const seen = async (at: string) => {
      const [found] = await world.catalog.read(table.name, [at], signal)
      return found && { folder: found.location.replace(/^.*\/(events_)/, '$1'), ...found }
    }

    tableCases(suite, { world: () => world, table: () => table, partition })

    suite.test('a partition is added once, and again does nothing', async () => {
      await world.catalog.ensureTable(table, signal)
      await world.catalog.register(table.name, [partition(path, undefined)], signal)
      await world.catalog.register(table.name, [partition(path, undefined)], signal)
      expect(await world.catalog.read(table.name, [path, other], signal)).toHaveLength(1)
      expect(await seen(path)).toMatchObject({ revision: 0, folder: `${table.name}/${path}` })
      const parameters = await world.parameters(table.name, path)
      expect(parameters['lakeward.ready']).toBe(undefined)
    })

    suite.test('an announcement sets its parameters, and no others are counted', async () => {
      await world.catalog.ensureTable(table, signal)
      await world.catalog.register(table.name, [partition(path, undefined)], signal)
      await world.catalog.register(table.name, [partition(path, announced(1))], signal)
      expect(await world.parameters(table.name, path)).toMatchObject(shownParameters)
    })

    suite.test('an announced partition that is absent is added with its parameters', async () => {
      await world.catalog.ensureTable(table, signal)
      await world.catalog.register(table.name, [partition(path, announced(1))], signal)
      expect(await world.parameters(table.name, path)).toMatchObject(shownParameters)
    })

    suite.test('some that are there and some that are not come in one call', async () => {
      await world.catalog.ensureTable(table, signal)
      await world.catalog.register(table.name, [partition(path, undefined)], signal)
      const both = [partition(path, announced(1)), partition(other, announced(2))]
      await world.catalog.register(table.name, both, signal)
      expect(await seen(path)).toMatchObject({ revision: 1 })
      expect(await seen(other)).toMatchObject({ revision: 2 })
    })

    suite.test('an older revision never replaces a newer one', async () => {
      await world.catalog.ensureTable(table, signal)
      await world.catalog.register(table.name, [partition(path, announced(2), 'new')], signal)
      await world.catalog.register(table.name, [partition(path, announced(1))], signal)
      await world.catalog.register(table.name, [partition(path, undefined)], signal)
      expect(await seen(path)).toMatchObject({ revision: 2, folder: `${table.name}/new` })
    })

    suite.test('a newer revision brings its place', async () => {
      await world.catalog.ensureTable(table, signal)
      await world.catalog.register(table.name, [partition(path, announced(1))], signal)
      await world.catalog.register(table.name, [partition(path, announced(2), 'new')], signal)
      expect(await seen(path)).toMatchObject({ revision: 2, folder: `${table.name}/new` })
    })

    suite.test('a partition of others at our place is taken over', async () => {
      await world.catalog.ensureTable(table, signal)
      await world.addForeign(table.name, path, partition(path, undefined).location)
      expect(await seen(path)).toMatchObject({ revision: undefined })
      await world.catalog.register(table.name, [partition(path, announced(1))], signal)
      expect(await world.parameters(table.name, path)).toMatchObject(shownParameters)
    })

    suite.test('a partition of others elsewhere is left, and told; the rest goes on', async () => {
      await world.catalog.ensureTable(table, signal)
      await world.addForeign(table.name, path, world.place(`${table.name}/theirs`))
      const both = [partition(path, announced(1)), partition(other, announced(1))]
      await expect(world.catalog.register(table.name, both, signal)).rejects.toMatchObject({
        code: 'CATALOG_PARTITION_ELSEWHERE',
      })
      expect(await seen(path)).toMatchObject({ folder: `${table.name}/theirs` })
      expect(await seen(other)).toMatchObject({ revision: 1 })
    })

    suite.test('partitions of a table that is not there are refused by name', async () => {
      const registered = world.catalog.register(table.name, [partition(path, undefined)], signal)
      await expect(registered).rejects.toMatchObject({ code: 'CATALOG_TABLE_MISSING' })
      expect(await world.catalog.read(table.name, [path], signal)).toEqual([])
    })

    suite.test('a place is switched from where it is, and only from there', async () => {
      await world.catalog.ensureTable(table, signal)
      const { catalog } = world
      const [from, to] = [partition(path, undefined).location, world.place(`${table.name}/new`)]
      const change = { path, from, to }
      expect(await catalog.switchLocation(table.name, change, signal)).toEqual({ kind: 'absent' })
      await catalog.register(table.name, [partition(path, announced(1))], signal)
      const wrong = { path, from: world.place(`${table.name}/third`), to }
      const refused = await catalog.switchLocation(table.name, wrong, signal)
      expect(refused).toMatchObject({ kind: 'elsewhere' })
      expect(await catalog.switchLocation(table.name, change, signal)).toEqual({ kind: 'switched' })
      expect(await catalog.switchLocation(table.name, change, signal)).toEqual({ kind: 'already' })
      expect(await seen(path)).toMatchObject({ revision: 1, folder: `${table.name}/new` })
      expect(await world.parameters(table.name, path)).toMatchObject(shownParameters)
    })

    suite.test('several clients that register the same at once all come to their end', async () => {
      await world.catalog.ensureTable(table, signal)
      const clients = [world.another(), world.another(), world.another()]
      const ours = [partition(path, announced(1)), partition(other, announced(1))]
      await Promise.all(clients.map((client) => client.register(table.name, ours, signal)))
      expect(await world.catalog.read(table.name, [path, other], signal)).toHaveLength(2)
      await Promise.all(clients.map((client) => client.close()))
    })

    suite.test('it is asked who it is, and goes on after it was closed', async () => {
      expect(await world.catalog.probe(signal)).toContain('has the database')
      await world.catalog.close()
      expect(await world.catalog.probe(signal)).toContain('has the database')
    })
  })
}

interface TableCases {
  readonly world: () => CatalogWorld
  readonly table: () => CatalogTable
  readonly partition: (at: string, shown: CatalogPartition['announced']) => CatalogPartition
}

function tableCases(suite: Suite, { world, table, partition }: TableCases): void {
  suite.test('a table is made once, and taken as it is after that', async () => {
    expect(await world().catalog.ensureTable(table(), signal)).toEqual({ kind: 'created' })
    expect(await world().catalog.ensureTable(table(), signal)).toEqual({ kind: 'kept' })
  })

  suite.test('clients that make a table at once agree on it', async () => {
    const clients = [world().another(), world().another()]
    const made = await Promise.all(clients.map((each) => each.ensureTable(table(), signal)))
    expect(made.map(({ kind }) => kind).toSorted()).toEqual(['created', 'kept'])
    await Promise.all(clients.map((client) => client.close()))
  })

  suite.test('columns are added, to the partitions too, and none is taken away', async () => {
    await world().catalog.ensureTable(table(), signal)
    await world().catalog.register(table().name, [partition(path, undefined)], signal)
    const more = { ...table(), columns: [leaf('country', 'byte-array'), leaf('age', 'int32')] }
    const grown = await world().catalog.ensureTable(more, signal)
    expect(grown).toEqual({ kind: 'grown', added: ['age'] })
    const all = { userid: 'bigint', country: 'string', age: 'int' }
    expect(await world().columnsOfPartition(table().name, path)).toEqual(all)
    expect(await world().catalog.ensureTable(table(), signal)).toEqual({ kind: 'kept' })
  })

  suite.test('a struct grows by fields behind those it has', async () => {
    const [first, second] = [leaf('sku', 'byte-array'), leaf('count', 'int32')]
    const before = { ...table(), columns: [group('item', [first])] }
    const after = { ...table(), columns: [group('item', [second, first])] }
    await world().catalog.ensureTable(before, signal)
    const grown = await world().catalog.ensureTable(after, signal)
    expect(grown).toEqual({ kind: 'grown', added: ['item.count'] })
    await world().catalog.register(table().name, [partition(path, undefined)], signal)
    const shown = await world().columnsOfPartition(table().name, path)
    expect(shown).toEqual({ item: 'struct<sku:string,count:int>' })
  })

  suite.test('a column never changes its type, wider or narrower', async () => {
    await world().catalog.ensureTable(table(), signal)
    for (const type of ['int32', 'byte-array'] as const) {
      const changed = { ...table(), columns: [leaf('userId', type), leaf('more', 'int32')] }
      await expect(world().catalog.ensureTable(changed, signal)).rejects.toMatchObject({
        code: 'CATALOG_TABLE_CONFLICT',
        facts: { what: 'column "userid" as', found: 'bigint' },
      })
    }
    await world().catalog.register(table().name, [partition(path, undefined)], signal)
    const shown = await world().columnsOfPartition(table().name, path)
    expect(Object.keys(shown)).toEqual(['userid', 'country'])
  })

  suite.test('a table of another place, or with other partitions, is refused by name', async () => {
    await world().catalog.ensureTable(table(), signal)
    const away = { ...table(), location: world().place(`${table().name}_away`) }
    await expect(world().catalog.ensureTable(away, signal)).rejects.toMatchObject({
      code: 'CATALOG_TABLE_CONFLICT',
      facts: { what: 'the location' },
    })
    const daily = { ...table(), partitionColumns: ['dt'] }
    await expect(world().catalog.ensureTable(daily, signal)).rejects.toMatchObject({
      code: 'CATALOG_TABLE_CONFLICT',
      facts: { what: 'the partition columns', found: 'dt string, hour string' },
    })
  })
}
