/** A daemon with its lake on real HDFS; it, the datanode and the namenode are killed under it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { copyOut, hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { addressOf, NumbersWorld } from '../support/numbers-world.ts'
import type { LakewardProcess } from '../support/processes.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'

async function healthOf(daemon: LakewardProcess): Promise<{ reasons: readonly string[] }> {
  const answer = await fetch(`${await addressOf(daemon)}/readyz`)
  return (await answer.json()) as { reasons: readonly string[] }
}

describe.skipIf(!wantsHdfs())('a daemon with its lake on HDFS', () => {
  let hdfs: RealHdfs
  beforeAll(async () => {
    hdfs = await RealHdfs.start()
  })
  afterAll(() => hdfs?.close())

  test('holds each event exactly once after kills of daemon, datanode and namenode', {
    timeout: 600_000,
  }, async () => {
    const below = hdfs.newFolder()
    const lake = `{ url: "hdfs://${hdfs.address}${below}" }`
    const world = await NumbersWorld.open({ partitionCount: 4, lake })
    await world.ask('check', '--connect')
    const numbers = world.produce({ stepMs: 9_000, perTick: 2 })

    for (let kill = 0; kill < 2; kill++) {
      const daemon = world.startDaemon()
      await daemon.line('"event":"committed"')
      await daemon.kill()
    }
    const last = world.startDaemon()
    await last.line('"event":"committed"')
    await hdfs.kill('datanode')
    await eventually('its trouble is told', 120_000, async () => {
      const { reasons } = await healthOf(last)
      return reasons.some((reason) => reason.includes('could not')) ? true : undefined
    })
    await hdfs.kill('namenode')
    await hdfs.startAgain()
    await eventually('it is well again', 120_000, async () =>
      (await healthOf(last)).reasons.length === 0 ? true : undefined,
    )
    await numbers.stop()
    await world.untilCommitted(numbers.count)
    expect(await last.stop()).toBe(0)

    const stands = openTestHdfsLake(hdfsSettings([hdfs.address], below))
    const copied = await copyOut(stands, ['numbers'], world.folder)
    expect(copied.filter((path) => path.endsWith('.parquet')).length).toBeGreaterThan(2)
    const [found] = await duck(
      `SELECT count(*) AS rows, count(DISTINCT n) AS numbers, max(n) AS highest
       FROM ${tableGlob(world.folder, 'numbers')}`,
    )
    const count = BigInt(numbers.count)
    expect(found).toEqual({ rows: count, numbers: count, highest: count - 1n })
    await world.ask('verify', '--deep')
    await world.ask('gc')
  })
})
