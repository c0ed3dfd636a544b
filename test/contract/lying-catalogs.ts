/** For each case of the catalog contract a catalog that is wrong in that alone, by its name. */
import { isFault } from '../../src/base/fault.ts'
import type { Catalog, CatalogPartition, ShownPartition } from '../../src/ports/catalog.ts'
import type { CatalogWorld } from './catalog.ts'

/** What a lie says for a catalog; it may ask the true one. */
type Lies = (truth: Catalog) => Partial<Catalog>

/** Asked what to register by one that is wrong about one partition. */
type WrongRegister = (
  shown: ShownPartition | undefined,
  partition: CatalogPartition,
  truth: Catalog,
) => Promise<'left' | CatalogPartition>

export const lyingCatalogs: Readonly<Record<string, (world: CatalogWorld) => CatalogWorld>> = {
  'a table is made once, and taken as it is after that': lies((truth) => {
    let asked = 0
    return {
      ensureTable: async (table, signal) => {
        const told = await truth.ensureTable(table, signal)
        return ++asked === 2 && told.kind === 'kept' ? { kind: 'created' } : told
      },
    }
  }),
  'clients that make a table at once agree on it': othersLie((truth) => ({
    ensureTable: async (table, signal) => {
      await truth.ensureTable(table, signal)
      return { kind: 'created' }
    },
  })),
  'columns are added, to the partitions too, and none is taken away': forgetsToGrow('age', 'age'),
  'a struct grows by fields behind those it has': forgetsToGrow('item', 'item.count'),
  'a column never changes its type, wider or narrower': takesConflict('column'),
  'a table of another place, or with other partitions, is refused by name': takesConflict('the '),
  'a partition is added once, and again does nothing': lies((truth) => ({
    read: async (table, paths, signal) => {
      const found = await truth.read(table, paths, signal)
      return paths.length === 2 && found.length === 1 ? [...found, ...found] : found
    },
  })),
  'an announcement sets its parameters, and no others are counted': wrongAbout(
    async (shown, partition) => (shown?.revision === 0 ? 'left' : partition),
  ),
  'an announced partition that is absent is added with its parameters': miscounts(),
  'some that are there and some that are not come in one call': lies((truth) => ({
    register: async (table, partitions, signal) => {
      const paths = partitions.map(({ path }) => path)
      const [shown, ...more] = await truth.read(table, paths, signal)
      const isMixed = partitions.length === 2 && shown?.revision === 0 && more.length === 0
      await truth.register(table, isMixed ? partitions.slice(0, 1) : partitions, signal)
    },
  })),
  'an older revision never replaces a newer one': goesBack(),
  'a newer revision brings its place': wrongAbout(async (shown, partition) => {
    const isNewer = (shown?.revision ?? 0) > 0 && shown !== undefined
    return isNewer ? { ...partition, location: shown.location } : partition
  }),
  'a partition of others at our place is taken over': wrongAbout(async (shown, partition) => {
    const isForeign = shown !== undefined && shown.revision === undefined
    return isForeign ? 'left' : partition
  }),
  'a partition of others elsewhere is left, and told; the rest goes on': swallows(
    'CATALOG_PARTITION_ELSEWHERE',
  ),
  'partitions of a table that is not there are refused by name': swallows('CATALOG_TABLE_MISSING'),
  'a place is switched from where it is, and only from there': lies((truth) => ({
    switchLocation: async (table, change, signal) => {
      const told = await truth.switchLocation(table, change, signal)
      return told.kind === 'elsewhere' ? { kind: 'switched' } : told
    },
  })),
  'several clients that register the same at once all come to their end': othersLie(() => ({
    register: async () => {},
  })),
  'it is asked who it is, and goes on after it was closed': lies((truth) => {
    let closed = false
    return {
      close: () => {
        closed = true
        return truth.close()
      },
      probe: (signal) => (closed ? Promise.reject(new Error('closed')) : truth.probe(signal)),
    }
  }),
}

/** Whatever the lies have not, the truth answers itself. */
const over = (truth: Catalog, wrong: Partial<Catalog>): Catalog => ({
  lingersMs: truth.lingersMs,
  ensureTable: (...asked) => truth.ensureTable(...asked),
  register: (...asked) => truth.register(...asked),
  read: (...asked) => truth.read(...asked),
  switchLocation: (...asked) => truth.switchLocation(...asked),
  probe: (...asked) => truth.probe(...asked),
  close: () => truth.close(),
  ...wrong,
})

function lies(wrong: Lies): (world: CatalogWorld) => CatalogWorld {
  return (world) => ({ ...world, catalog: over(world.catalog, wrong(world.catalog)) })
}

/** Only clients that come besides are wrong. */
function othersLie(wrong: Lies): (world: CatalogWorld) => CatalogWorld {
  const another = (world: CatalogWorld) => (): Catalog => {
    const truth = world.another()
    return over(truth, wrong(truth))
  }
  return (world) => ({ ...world, another: another(world) })
}

/** Says that it added a column, and did not, where the table is there without it. */
function forgetsToGrow(column: string, added: string): (world: CatalogWorld) => CatalogWorld {
  return lies((truth) => {
    let asked = 0
    return {
      ensureTable: async (table, signal) => {
        const isAbout = table.columns.some((each) => each.column.name === column)
        asked += 1
        if (asked === 2 && isAbout) return { kind: 'grown', added: [added] }
        return truth.ensureTable(table, signal)
      },
    }
  })
}

function takesConflict(what: string): (world: CatalogWorld) => CatalogWorld {
  return lies((truth) => ({
    ensureTable: async (table, signal) => {
      try {
        return await truth.ensureTable(table, signal)
      } catch (error) {
        const isIt = isFault(error, 'CATALOG_TABLE_CONFLICT') && error.facts.what.startsWith(what)
        if (!isIt) throw error
        return { kind: 'kept' }
      }
    },
  }))
}

function swallows(
  code: 'CATALOG_PARTITION_ELSEWHERE' | 'CATALOG_TABLE_MISSING',
): (world: CatalogWorld) => CatalogWorld {
  return lies((truth) => ({
    register: async (...asked) => {
      try {
        await truth.register(...asked)
      } catch (error) {
        if (!isFault(error, code)) throw error
      }
    },
  }))
}

/** Wrong about calls of one announced partition; others are as they should be. */
function wrongAbout(wrong: WrongRegister): (world: CatalogWorld) => CatalogWorld {
  return lies((truth) => ({
    register: async (table, partitions, signal) => {
      const [first, ...more] = partitions
      if (first === undefined || more.length > 0 || first.announced === undefined) {
        return truth.register(table, partitions, signal)
      }
      const [shown] = await truth.read(table, [first.path], signal)
      const isOlder = (shown?.revision ?? 0) > first.announced.revision
      const told = isOlder ? first : await wrong(shown, first, truth)
      if (told !== 'left') await truth.register(table, [told], signal)
    },
  }))
}

/** Counts wrongly what it adds, unless it was asked for a switch before. */
function miscounts(): (world: CatalogWorld) => CatalogWorld {
  return (world) => {
    let hasSwitched = false
    const { catalog: truth } = world
    const wrong = wrongAbout(async (shown, partition) => {
      if (shown !== undefined || hasSwitched || partition.announced === undefined) return partition
      return { ...partition, announced: { ...partition.announced, rows: 7 } }
    })(world)
    const switchLocation: Catalog['switchLocation'] = (...asked) => {
      hasSwitched = true
      return truth.switchLocation(...asked)
    }
    return { ...world, catalog: over(wrong.catalog, { switchLocation }) }
  }
}

/** Brings back the place of an older revision. */
function goesBack(): (world: CatalogWorld) => CatalogWorld {
  return lies((truth) => ({
    register: async (table, partitions, signal) => {
      await truth.register(table, partitions, signal)
      for (const { path, location: to, announced } of partitions) {
        const [shown] = await truth.read(table, [path], signal)
        if (shown === undefined || (shown.revision ?? 0) <= (announced?.revision ?? 0)) continue
        await truth.switchLocation(table, { path, from: shown.location, to }, signal)
      }
    },
  }))
}
