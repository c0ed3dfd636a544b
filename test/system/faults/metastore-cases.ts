/** Every fault of a Hive Metastore that a daemon is put through on a real one. */
import type { CatalogTable } from '../../../src/ports/catalog.ts'
import { eventually } from '../../support/eventually.ts'
import { dropPartition, dropTable } from '../../support/metastore-operator.ts'
import type { FaultRow } from './fault-case.ts'
import {
  faultTable,
  type HoursMeant,
  type MetastoreFaultWorld,
  otherTable,
} from './metastore-world.ts'

export interface MetastoreFaultCase extends FaultRow {
  /** Before the daemon starts; the database stands already, unless it is what is missing. */
  readonly before?: (world: MetastoreFaultWorld) => Promise<void>
  readonly withoutDatabase?: true
  /** While all is well, an hour being in the lake and in the metastore. */
  readonly provoke?: (world: MetastoreFaultWorld) => Promise<void>
  /** What the metastore must come to show while the fault lasts; absent: it shows nothing. */
  readonly shownMeanwhile?: HoursMeant
  /** After the user was told. */
  readonly heal: (world: MetastoreFaultWorld) => Promise<void>
}

const signal = new AbortController().signal

/** The table as somebody else made it, with numbers as text. */
const tableOfText = (world: MetastoreFaultWorld): CatalogTable => ({
  name: faultTable,
  location: world.url(faultTable),
  columns: [
    {
      column: {
        kind: 'leaf',
        name: 'n',
        repetition: 'optional',
        physical: 'byte-array',
        logical: 'string',
        fieldId: 1,
      },
      comment: undefined,
    },
  ],
  partitionColumns: ['dt', 'hour'],
  pipeline: 'of-another',
  stream: 'of-another',
})

/** A call is under way: more was sent than before. */
async function untilAsked(world: MetastoreFaultWorld, sentBytes: number): Promise<void> {
  await eventually('a call is under way', 60_000, () =>
    world.proxy.passedBytes('up') > sentBytes ? true : undefined,
  )
}

/** The one that somebody has registered elsewhere before it has rows. */
const takenHour = 1

export const metastoreCases: readonly MetastoreFaultCase[] = [
  {
    name: 'The metastore is killed in the middle of a call, and started again',
    code: 'CATALOG_UNAVAILABLE',
    told: 'could not ask catalog "thrift://…" for "…": …',
    ends: 'when it is back; what was under way is done again, and is there once',
    provoke: async (world) => {
      await world.metastore.pause()
      const sentBytes = world.proxy.passedBytes('up')
      await world.produceHour()
      await untilAsked(world, sentBytes)
      await world.metastore.kill()
    },
    heal: (world) => world.metastore.startAgain(),
  },
  {
    name: 'The metastore takes calls and answers none',
    code: 'CATALOG_UNAVAILABLE',
    told: 'could not ask catalog "thrift://…" for "…": no answer in time',
    ends: 'when it answers again',
    provoke: async (world) => {
      await world.metastore.pause()
      await world.produceHour()
    },
    heal: async (world) => world.metastore.resume(),
  },
  {
    name: 'The metastore is down when the daemon starts',
    code: 'CATALOG_UNAVAILABLE',
    told: 'could not ask catalog "thrift://…" for "…": …',
    ends: 'when it is up; all that was written meanwhile is shown',
    before: (world) => world.metastore.kill(),
    heal: (world) => world.metastore.startAgain(),
  },
  {
    name: 'The table is there with another schema',
    code: 'CATALOG_TABLE_CONFLICT',
    told: 'table "….numbers" has column "n" as "string", the stream needs "bigint"',
    ends: 'when it is dropped, without its data, or changed; tables of other streams go on meanwhile',
    before: (world) =>
      world.asAnother(async ({ catalog }) => {
        await catalog.ensureTable(tableOfText(world), signal)
      }),
    shownMeanwhile: (table) => table === otherTable,
    heal: ({ metastore, database }) => dropTable(metastore.port, database, faultTable),
  },
  {
    name: 'The table is replaced by one with another schema while the daemon runs',
    code: 'CATALOG_TABLE_CONFLICT',
    told: 'table "….numbers" has column "n" as "string", the stream needs "bigint"',
    ends: 'when that one is dropped in turn, without its data; no partition came to it meanwhile',
    provoke: async (world) => {
      await dropTable(world.metastore.port, world.database, faultTable)
      await world.asAnother(({ catalog }) => catalog.ensureTable(tableOfText(world), signal))
      await world.produceHour()
    },
    shownMeanwhile: (table) => table === otherTable,
    heal: async (world) => {
      const isIn = ({ table }: { table: string }): boolean => table === faultTable
      if ((await world.found()).some(isIn)) throw new Error('a partition came to it')
      await dropTable(world.metastore.port, world.database, faultTable)
    },
  },
  {
    name: 'A partition is there at another place',
    code: 'CATALOG_PARTITION_ELSEWHERE',
    told:
      'partition "dt=…/hour=…" of "….numbers" is at "…/by-hand", not at "…", and was not ' +
      'registered by lakeward',
    ends:
      'when it is dropped, without its data; other partitions are shown meanwhile, announcements ' +
      'of later ones of its stream wait for it',
    provoke: async (world) => {
      const next = world.partition(takenHour)
      await world.asAnother(({ addForeign, place }) =>
        addForeign(faultTable, next, place('by-hand')),
      )
      await world.produceHour()
    },
    shownMeanwhile: (table, hour) => table === otherTable || hour !== takenHour,
    heal: (world) =>
      dropPartition(world.metastore.port, {
        database: world.database,
        table: faultTable,
        path: world.partition(takenHour),
      }),
  },
  {
    name: 'The database is missing',
    code: 'CATALOG_DATABASE_MISSING',
    told: 'catalog "thrift://…" has no database "…"',
    ends: 'when it is made',
    withoutDatabase: true,
    heal: (world) => world.metastore.createDatabase(world.database),
  },
  {
    name: 'The table is dropped while the daemon runs',
    meanwhile: 'made again with the next partition that is to be shown',
    ends:
      'by itself; hours that were delivered before come with their next revision, or by ' +
      '`lakeward ready resend`',
    provoke: async (world) => {
      await world.produceHour()
      await world.untilDelivered(faultTable, 0)
      await dropTable(world.metastore.port, world.database, faultTable)
    },
    heal: async (world) => {
      await world.produceHour()
      const announcedBefore: HoursMeant = (table, hour) => table === faultTable && hour === 0
      await world.shows((table, hour) => !announcedBefore(table, hour))
      const isBack = ({ table, path }: { table: string; path: string }): boolean =>
        table === faultTable && path === world.partition(0)
      if ((await world.found()).some(isBack)) throw new Error('it was not gone')
      await world.resend(faultTable, 0)
    },
  },
]
