/**
 * The faults of HDFS of `docs/faults.md`, on a real one behind doors, under a running daemon. Four
 * minutes: where `LAKEWARD_REQUIRE=hdfs-faults` asks for them.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { isTold } from './faults/fault-case.ts'
import { hdfsCases } from './faults/hdfs-cases.ts'
import { HdfsFaultWorld } from './faults/hdfs-world.ts'

describe.skipIf(!wantsHdfs('hdfs', 'hdfs-faults'))('faults of HDFS', () => {
  let hdfs: RealHdfs
  beforeAll(async () => {
    hdfs = await RealHdfs.start()
  }, 240_000)
  afterAll(() => hdfs?.close())

  test.each(hdfsCases)(
    '$name: the lake is the ledger',
    {
      timeout: 400_000,
    },
    async (fault) => {
      await using folder = await temporaryFolder()
      const mode = fault.mode ?? 'new'
      const world = new HdfsFaultWorld({ hdfs, folder: folder.path, mode })
      try {
        await world.start({ both: fault.both === true })
        await world.produce(100)
        await world.holds()
        await fault.provoke(world)
        const { told, logged } = fault
        if (told !== undefined) {
          await eventually(`"${told}" is told`, 120_000, async () => {
            const reasons = await world.told()
            if (reasons.some((reason) => isTold(reason, `…${told}`))) return true
            throw new Error(`told was ${JSON.stringify(reasons)}`)
          })
        }
        if (logged !== undefined) expect(world.logged(logged)).toBe(true)
        await fault.heal(world)
        await world.produce(100)
        await world.holds()
        expect(await world.stop()).toBe(0)
      } finally {
        await world.close()
      }
    },
  )
})
