/** Every fault of a Hive Metastore that a daemon is put through on a real one. */
import { eventually } from '../../support/eventually.ts'
import type { FaultRow } from './fault-case.ts'
import type { MetastoreFaultWorld } from './metastore-world.ts'

export interface MetastoreFaultCase extends FaultRow {
  /** Before the daemon starts; the database stands already. */
  readonly before?: (world: MetastoreFaultWorld) => Promise<void>
  /** While all is well, an hour being in the lake and in the metastore. */
  readonly provoke?: (world: MetastoreFaultWorld) => Promise<void>
  /** After the user was told. */
  readonly heal: (world: MetastoreFaultWorld) => Promise<void>
}

/** A call is under way: more was sent than before. */
async function untilAsked(world: MetastoreFaultWorld, sentBytes: number): Promise<void> {
  await eventually('a call is under way', 60_000, () =>
    world.proxy.passedBytes('up') > sentBytes ? true : undefined,
  )
}

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
]
