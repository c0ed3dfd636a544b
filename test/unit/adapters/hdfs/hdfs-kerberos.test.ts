/** A token of our own by Kerberos, on a fake of all three: the libraries, the door, HDFS. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { GssKerberos } from '../../../../src/adapters/kerberos/kerberos.ts'
import { type MonotonicMs, monotonicMs } from '../../../../src/base/time.ts'
import { SimTelemetry } from '../../../sim/telemetry.ts'
import { eventually } from '../../../support/eventually.ts'
import { FakeGss, verifyFakeTicket } from '../../../support/fake-gss.ts'
import { FakeHdfs } from '../../../support/fake-hdfs.ts'
import { hdfsSettings, openTestHdfsLake } from '../../../support/hdfs-lakes.ts'
import { NegotiatingDoor } from '../../../support/negotiating-door.ts'
import { HurriedClock } from '../../../support/s3-lakes.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const boundMs = 30_000

class ClockAhead extends HurriedClock {
  aheadMs = 0

  override monotonicMs(): MonotonicMs {
    return monotonicMs(super.monotonicMs() + this.aheadMs)
  }
}

let fake: FakeHdfs
let door: NegotiatingDoor
let gss: FakeGss
let clock: ClockAhead
let telemetry: SimTelemetry

beforeEach(async () => {
  fake = await FakeHdfs.start()
  door = await NegotiatingDoor.start(fake.address, verifyFakeTicket)
  gss = new FakeGss()
  clock = new ClockAhead()
  telemetry = new SimTelemetry()
  gives('first')
})
afterEach(async () => {
  await door.close()
  await fake.close()
})

const gives = (token: string): void => {
  fake.token = token
  fake.wants = `delegation=${token}`
}
const open = (principal?: string) => {
  const kerberos = new GssKerberos(gss, principal)
  return openTestHdfsLake(
    { ...hdfsSettings([door.address], '/lake'), kerberos },
    { clock, telemetry },
  )
}
const count = (call: string): number =>
  fake.requests.filter((request) => request.call === call).length
const troubles = (): number =>
  telemetry.values.get('lakeward_hdfs_token_troubles_total what=renew') ?? 0

test('a token is got by a ticket, and says alone who we are', async () => {
  const lake = open('etl@REALM')
  await Promise.all(['a', 'b', 'c'].map((name) => lake.put(name, bytes(name))))
  expect(await lake.read('b')).toEqual(bytes('b'))
  expect(door.came).toEqual(['GETDELEGATIONTOKEN etl@REALM'])
  const told = fake.requests.filter(
    ({ query }) => query.has('user.name') || query.has('renewer') || query.has('doas'),
  )
  expect(told).toEqual([])
})

test('a token that is not taken any more is got anew by another ticket, once', async () => {
  const lake = open()
  await lake.put('x', bytes('x'))
  gives('second')
  expect(await lake.read('x')).toEqual(bytes('x'))
  expect(door.came).toEqual(['GETDELEGATIONTOKEN lakeward', 'GETDELEGATIONTOKEN lakeward'])
})

test('a token is renewed by a ticket each hour, and nobody waits for it', async () => {
  const lake = open()
  await lake.put('x', bytes('x'))
  clock.aheadMs += 3_600_000
  await lake.stat('x')
  await eventually('the renewal', boundMs, () =>
    door.came.includes('RENEWDELEGATIONTOKEN lakeward') ? true : undefined,
  )
  await lake.stat('x')
  expect(count('RENEWDELEGATIONTOKEN')).toBe(1)
  expect(telemetry.events).toEqual([])
})

test('while no ticket is to be had, the token is used on, and that is told', async () => {
  const lake = open()
  await lake.put('x', bytes('x'))
  gss.trouble = 'Cannot contact any KDC for realm "REALM"'
  clock.aheadMs += 3_600_000
  expect(await lake.read('x')).toEqual(bytes('x'))
  await eventually('the trouble', boundMs, () => (troubles() === 1 ? true : undefined))
  expect(telemetry.events).toContainEqual({
    level: 'warn',
    event: 'hdfs token kept',
    fields: { what: 'renew', reason: expect.stringContaining('Cannot contact any KDC') },
  })
  clock.aheadMs += 59_000
  expect(await lake.read('x')).toEqual(bytes('x'))
  expect(troubles()).toBe(1)
  gss.trouble = undefined
  clock.aheadMs += 1_000
  expect(await lake.read('x')).toEqual(bytes('x'))
  await eventually('the renewal', boundMs, () =>
    count('RENEWDELEGATIONTOKEN') === 1 ? true : undefined,
  )
})

test('a token whose life is over is replaced before it is refused', async () => {
  const lake = open()
  await lake.put('x', bytes('x'))
  // The namenode renews the first no more, and still takes it.
  fake.token = 'second'
  fake.wants = undefined
  clock.aheadMs += 3_600_000
  expect(await lake.read('x')).toEqual(bytes('x'))
  await eventually('another token', boundMs, () =>
    count('GETDELEGATIONTOKEN') === 2 ? true : undefined,
  )
  await eventually('the other token', boundMs, async () => {
    await lake.stat('x')
    return fake.requests.at(-1)?.query.get('delegation') === 'second' ? true : undefined
  })
  expect(count('GETDELEGATIONTOKEN')).toBe(2)
})

test.each([
  ['Cannot contact any KDC for realm "REALM"', 'LAKE_UNAVAILABLE', 8],
  ['No Kerberos credentials available', 'LAKE_USER_REFUSED', 1],
])('without a ticket, for "%s", it is %s', async (trouble, code, tries) => {
  gss.trouble = trouble
  const refused = open('etl@REALM').stat('x')
  await expect(refused).rejects.toMatchObject({
    code,
    facts: { operation: 'log in', reason: trouble },
  })
  expect(gss.begun.length).toBe(tries)
  expect(fake.requests).toEqual([])
  const counted = [...telemetry.values.keys()].filter((key) =>
    key.startsWith('lakeward_hdfs_calls_total call=GETFILESTATUS'),
  )
  expect(counted).toEqual(['lakeward_hdfs_calls_total call=GETFILESTATUS phase=stat outcome=fault'])
})

test('a principal that the cluster does not take is told, by its name', async () => {
  const stranger = await NegotiatingDoor.start(fake.address, async () => undefined)
  const settings = hdfsSettings([stranger.address], '/lake')
  const kerberos = new GssKerberos(gss, undefined)
  const lake = openTestHdfsLake({ ...settings, kerberos }, { clock })
  await expect(lake.stat('x')).rejects.toMatchObject({
    code: 'LAKE_USER_REFUSED',
    facts: { user: 'the owner of the Kerberos ticket', reason: expect.stringMatching(/^401/) },
  })
  await stranger.close()
})

test('an answer of whom does not prove who it is, is not taken', async () => {
  door.proves = false
  await expect(open().stat('x')).rejects.toMatchObject({
    code: 'LAKE_USER_REFUSED',
    facts: { reason: `"${door.address}" does not prove who it is` },
  })
  expect(count('GETFILESTATUS')).toBe(0)
})

test('an answer with the proof of another is not taken', async () => {
  const another = await NegotiatingDoor.start(fake.address, async () => ({
    user: 'lakeward',
    proof: Buffer.from('proof of HTTP@elsewhere').toString('base64'),
  }))
  const kerberos = new GssKerberos(gss, undefined)
  const lake = openTestHdfsLake(
    { ...hdfsSettings([another.address], '/lake'), kerberos },
    { clock },
  )
  await expect(lake.stat('x')).rejects.toMatchObject({
    code: 'LAKE_USER_REFUSED',
    facts: { reason: 'Token was modified' },
  })
  await another.close()
})

test('a cluster that gives no token is refused', async () => {
  fake.token = undefined
  await expect(open().stat('x')).rejects.toMatchObject({
    code: 'LAKE_USER_REFUSED',
    facts: { reason: expect.stringMatching(/^the cluster gives no delegation token/) },
  })
})
