/** The faults of a Hive Metastore of `docs/faults.md`, on a real one, under a running daemon. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { hasMetastore, RealMetastore } from '../support/real-metastore.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { isTold } from './faults/fault-case.ts'
import { metastoreCases } from './faults/metastore-cases.ts'
import { MetastoreFaultWorld } from './faults/metastore-world.ts'

const boundMs = 120_000

describe.skipIf(!hasMetastore('hive'))('faults of a Hive Metastore', () => {
  let metastore: RealMetastore
  beforeAll(async () => {
    metastore = await RealMetastore.start('hive')
  }, 240_000)
  afterAll(() => metastore?.close())
  // Whatever a case that failed has left.
  afterEach(async () => {
    metastore.resume()
    await metastore.startAgain()
  })

  test.each(metastoreCases.map((fault, index) => ({ ...fault, database: `ods_${index}` })))(
    '$name: nothing waits in the lake, and all is shown in the end',
    { timeout: 400_000 },
    async (fault) => {
      await using folder = await temporaryFolder()
      const { database } = fault
      if (fault.withoutDatabase !== true) await metastore.createDatabase(database)
      await using world = await MetastoreFaultWorld.open(metastore, {
        folder: folder.path,
        database,
      })
      await fault.before?.(world)
      await world.start()
      await world.produceHour()
      await world.holds()
      const { provoke, code, told } = fault
      if (provoke !== undefined) {
        await world.shows()
        expect(world.told()).toEqual([])
        await provoke(world)
      }
      if (told !== undefined) {
        await eventually(`"${told}" is told`, boundMs, () => {
          const ofCode = world.told().filter((each) => each.code === code)
          if (ofCode.some(({ message }) => isTold(message, told))) return true
          throw new Error(`told was ${JSON.stringify(world.told())}`)
        })
        // Written and committed all the while: the metastore holds up no row.
        await world.produceHour()
        await world.holds()
        if (fault.shownMeanwhile !== undefined) await world.shows(fault.shownMeanwhile)
      }
      await fault.heal(world)
      await world.produceHour()
      await world.holds()
      await world.shows()
      if (told === undefined) expect(world.told()).toEqual([])
      expect(await world.stop()).toBe(0)
    },
  )
})
