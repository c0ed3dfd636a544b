/**
 * A lake behind a door that lets in whom MIT's KDC knows: real tickets, verified by the package's
 * server side; a fake HDFS behind it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { GssKerberos } from '../../src/adapters/kerberos/kerberos.ts'
import { type MonotonicMs, monotonicMs } from '../../src/base/time.ts'
import { lakeContract, type OpenedLake } from '../contract/lake.ts'
import { tailsContract } from '../contract/tails.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { FakeHdfs } from '../support/fake-hdfs.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { NegotiatingDoor } from '../support/negotiating-door.ts'
import { LakewardProcess } from '../support/processes.ts'
import { RealKerberos, wantsKerberos } from '../support/real-kerberos.ts'
import { HurriedClock } from '../support/s3-lakes.ts'

const boundMs = 60_000
const bytes = (text: string): Uint8Array => Buffer.from(text)

class ClockAhead extends HurriedClock {
  aheadMs = 0

  override monotonicMs(): MonotonicMs {
    return monotonicMs(super.monotonicMs() + this.aheadMs)
  }
}

describe.skipIf(!wantsKerberos())('a lake on HDFS by Kerberos', () => {
  let realm: RealKerberos
  let fake: FakeHdfs
  let door: NegotiatingDoor
  beforeAll(async () => {
    realm = await RealKerberos.start()
  })
  afterAll(() => realm?.close())

  /** The libraries read it anew with each login. */
  const setEnvironment = (keytab?: string): void => {
    for (const [name, value] of Object.entries(realm.environment(keytab))) vi.stubEnv(name, value)
  }

  beforeEach(async () => {
    setEnvironment()
    fake = await FakeHdfs.start()
    door = await NegotiatingDoor.start(fake.address, realm.verify)
    fake.token = 'GgAEcm9v'
    fake.wants = 'delegation=GgAEcm9v'
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await door.close()
    await fake.close()
  })

  const settingsOf = (principal?: string, httpfs = false) => ({
    ...hdfsSettings([door.address], '/lake'),
    kerberos: new GssKerberos(realm.client, principal),
    httpfs,
  })
  const openBy = (httpfs: boolean) => async (): Promise<OpenedLake> => {
    fake.httpfs = httpfs
    const settings = settingsOf(undefined, httpfs)
    const another = () => openTestHdfsLake(settings)
    return { lake: another(), another, close: async () => {} }
  }

  lakeContract('HDFS by Kerberos', openBy(false))
  tailsContract('HDFS by Kerberos', openBy(false))
  lakeContract('HttpFS by Kerberos', openBy(true))

  test('the ticket is of the keytab, and of the principal that is named', async () => {
    await openTestHdfsLake(settingsOf()).put('x', bytes('x'))
    setEnvironment()
    await openTestHdfsLake(settingsOf('etl@LAKEWARD.TEST')).put('x', bytes('x'))
    expect(door.came).toEqual([
      'GETDELEGATIONTOKEN lakeward@LAKEWARD.TEST',
      'GETDELEGATIONTOKEN etl@LAKEWARD.TEST',
    ])
  })

  test('a token that is refused is got anew, and one that is old renewed', async () => {
    const clock = new ClockAhead()
    const lake = openTestHdfsLake(settingsOf(), { clock })
    await lake.put('x', bytes('x'))
    fake.token = 'GgAEbWUx'
    fake.wants = 'delegation=GgAEbWUx'
    expect(await lake.read('x')).toEqual(bytes('x'))
    clock.aheadMs += 3_600_000
    await lake.stat('x')
    await eventually('the renewal', boundMs, () => (door.came.length === 3 ? true : undefined))
    expect(door.came.map((each) => each.split(' ')[0])).toEqual([
      'GETDELEGATIONTOKEN',
      'GETDELEGATIONTOKEN',
      'RENEWDELEGATIONTOKEN',
    ])
  })

  test('while the KDC is gone the token is used on; afterwards it is renewed', async () => {
    const [clock, telemetry] = [new ClockAhead(), new SimTelemetry()]
    const lake = openTestHdfsLake(settingsOf(), { clock, telemetry })
    await lake.put('x', bytes('x'))
    // Without the ticket for the service, which would do for an hour.
    setEnvironment()
    await realm.kill()
    try {
      clock.aheadMs += 3_600_000
      expect(await lake.read('x')).toEqual(bytes('x'))
      const told = await eventually('the trouble', boundMs, () => telemetry.events[0])
      expect(told).toMatchObject({ event: 'hdfs token kept', fields: { what: 'renew' } })
      expect(told.fields['reason']).toMatch(/KDC/)
      await expect(openTestHdfsLake(settingsOf(), { clock }).stat('x')).rejects.toMatchObject({
        code: 'LAKE_UNAVAILABLE',
        facts: { operation: 'log in', reason: expect.stringMatching(/KDC/) },
      })
    } finally {
      await realm.startAgain()
    }
    clock.aheadMs += 60_000
    expect(await lake.read('x')).toEqual(bytes('x'))
    await eventually('the renewal', boundMs, () =>
      door.came.some((each) => each.startsWith('RENEW')) ? true : undefined,
    )
  })

  test('without a keytab it is refused, with the words of the libraries', async () => {
    setEnvironment('/nowhere/client.keytab')
    await expect(openTestHdfsLake(settingsOf()).stat('x')).rejects.toMatchObject({
      code: 'LAKE_USER_REFUSED',
      facts: { operation: 'log in', reason: expect.stringMatching(/credentials|keytab/i) },
    })
    expect(door.came).toEqual([])
  })

  test('a server without the key of its name is not written to', async () => {
    // It has another key: it can read no ticket, and would prove nothing.
    vi.stubEnv('KRB5_KTNAME', realm.file('hive.keytab'))
    await expect(openTestHdfsLake(settingsOf()).stat('x')).rejects.toMatchObject({
      code: 'LAKE_USER_REFUSED',
    })
  })

  test('the command line reads a lake by a keytab, and names the package where it is not', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lakeward-kerberos-'))
    writeFileSync(join(folder, 'a.proto'), 'syntax = "proto3"; message A { string id = 1; }')
    const config = {
      pipeline: 'growth',
      kafka: { brokers: ['127.0.0.1:9'], group: 'growth' },
      lake: { url: `hdfs://${door.address}/lake`, hdfs: { auth: 'kerberos' } },
      registry: { url: 'file:.' },
      streams: [
        { name: 'a', topic: 't', schema: { file: 'a.proto', message: 'A' }, table: 'ods_a' },
      ],
    }
    const file = join(folder, 'lakeward.yaml')
    writeFileSync(file, JSON.stringify(config))
    const read = async (modules: string) => {
      const env = { ...realm.environment(), NODE_PATH: modules }
      const running = new LakewardProcess(['log', 'ls', '-c', file], { env })
      return { code: await running.exited(), stderr: running.stderr.join('\n') }
    }
    expect(await read(realm.modules)).toMatchObject({ code: 0 })
    expect(door.came).toEqual(['GETDELEGATIONTOKEN lakeward@LAKEWARD.TEST'])
    const without = await read('')
    expect(without.code).toBe(2)
    expect(without.stderr).toMatch(/^error: "lake\.hdfs\.auth" needs the npm package kerberos, /)
    expect(without.stderr).toMatch(/npm install kerberos@/)
    rmSync(folder, { recursive: true })
  })
})
