/** A daemon with its lake on a real S3 server, killed again and again: all comes, once. */
import { setTimeout as pause } from 'node:timers/promises'
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { duck, tableGlob } from '../support/duck.ts'
import { writeNumbersConfig } from '../support/numbers.ts'
import { NumbersWorld } from '../support/numbers-world.ts'
import { lakeward } from '../support/processes.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'
import { copyTable } from '../support/s3-lakes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { s3Credentials } from './services/s3-server.ts'

const killCount = 4

describe.each(['s3', 's3-minio'] as const)('%s', (name) => {
  describe.skipIf(!hasS3(name))('as the lake of a daemon', () => {
    let server: RealS3
    beforeAll(async () => {
      server = await RealS3.start(name)
      vi.stubEnv('LAKE_ACCESS_KEY', s3Credentials.accessKeyId)
      vi.stubEnv('LAKE_SECRET_KEY', s3Credentials.secretAccessKey)
    })
    afterAll(async () => {
      vi.unstubAllEnvs()
      await server?.close()
    })

    const lakeAt = (url: string): string =>
      `{ url: "${url}", endpoint: "${server.endpoint}", credentials: ` +
      '{ accessKey: "env:LAKE_ACCESS_KEY", secretKey: "env:LAKE_SECRET_KEY" } }'

    test('holds each event exactly once after daemons that were killed at any moment', {
      timeout: 600_000,
    }, async () => {
      const bucket = await server.createBucket()
      const lake = lakeAt(`s3://${bucket}/below`)
      const world = await NumbersWorld.open({ partitionCount: 4, lake })
      await world.ask('check', '--connect')
      const numbers = world.produce({ stepMs: 9_000, perTick: 10 })

      for (let kill = 0; kill < killCount; kill++) {
        const daemon = world.startDaemon()
        await daemon.line('"event":"committed"')
        await pause(37 * kill)
        await daemon.kill()
      }
      await numbers.stop()

      const last = world.startDaemon()
      await world.untilCommitted(numbers.count)
      expect(await last.stop()).toBe(0)

      const { client } = server
      const fileCount = await copyTable({ client, bucket, prefix: 'below' }, world.folder)
      expect(fileCount).toBeGreaterThan(killCount)
      const [found] = await duck(
        `SELECT count(*) AS rows, count(DISTINCT n) AS numbers, max(n) AS highest
       FROM ${tableGlob(world.folder, 'numbers')}`,
      )
      const count = BigInt(numbers.count)
      expect(found).toEqual({ rows: count, numbers: count, highest: count - 1n })
      await world.ask('verify', '--deep')
      await world.ask('gc')
      const open = await server.client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))
      expect(open.Uploads ?? []).toEqual([])
    })

    test.each([
      ['a bucket that is not there', 's3://no-such-bucket/x', {}, 'there is no bucket'],
      ['a wrong secret', 's3://lakeward/x', { LAKE_SECRET_KEY: 'no' }, 'as this user: 403'],
      ['an unknown key', 's3://lakeward/x', { LAKE_ACCESS_KEY: 'no' }, 'as this user:'],
    ])('%s is told by check --connect', async (_, url, env, told) => {
      await using folder = await temporaryFolder()
      const config = await writeNumbersConfig(folder.path, { brokerPort: 1, lake: lakeAt(url) })
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
      const { stdout } = await lakeward(['check', '-c', config, '--connect', '--json'])
      vi.stubEnv('LAKE_ACCESS_KEY', s3Credentials.accessKeyId)
      vi.stubEnv('LAKE_SECRET_KEY', s3Credentials.secretAccessKey)
      const { connections } = JSON.parse(stdout) as {
        connections: { what: string; text: string }[]
      }
      expect(JSON.stringify(connections.find(({ what }) => what === 'lake'))).toContain(told)
    })
  })
})
