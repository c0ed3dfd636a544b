/** The faults of an S3 store in `docs/faults.md`, on a real server, under a running daemon. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { isTold } from './faults/fault-case.ts'
import { s3Cases } from './faults/s3-cases.ts'
import { S3World } from './faults/s3-world.ts'
import { s3Credentials } from './services/s3-server.ts'

describe.skipIf(!hasS3('s3'))('faults of S3', () => {
  let server: RealS3 | undefined
  beforeAll(async () => {
    server = await RealS3.start('s3')
    vi.stubEnv('LAKE_ACCESS_KEY', s3Credentials.accessKeyId)
    vi.stubEnv('LAKE_SECRET_KEY', s3Credentials.secretAccessKey)
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await server?.close()
  })

  test.each(s3Cases)('$name: told, retried, and the lake is the ledger', async (fault) => {
    if (server === undefined) throw new Error('the server was not started')
    await using folder = await temporaryFolder()
    await using world = await S3World.open(server, folder.path)
    await world.start()
    await world.produce(100)
    await world.holds()
    expect(await world.reasons()).toEqual([])
    world.proxy.asked = []
    await fault.provoke(world)
    await world.produce(100)
    const { told } = fault
    if (told === undefined) await world.holds()
    else {
      await eventually(`"${told}" is told`, 90_000, async () => {
        const reasons = await world.reasons()
        if (reasons.some((reason) => isTold(reason, told))) return true
        throw new Error(`told was ${JSON.stringify(reasons)}`)
      })
    }
    await eventually(
      `${fault.tries} tries`,
      60_000,
      () => world.tries() >= fault.tries || undefined,
    )
    await fault.heal?.(world)
    await world.produce(100)
    await world.holds()
    await eventually('all is well', 60_000, async () =>
      (await world.reasons()).length === 0 ? true : undefined,
    )
    expect(await world.stop()).toBe(0)
    expect(await world.damage()).toBe(undefined)
  })
})
