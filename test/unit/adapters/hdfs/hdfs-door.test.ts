/** As whom we come, and where datanodes are. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { reachedUrl, tokenIdentity } from '../../../../src/adapters/hdfs/hdfs-door.ts'
import { type MonotonicMs, monotonicMs } from '../../../../src/base/time.ts'
import { SimTelemetry } from '../../../sim/telemetry.ts'
import { eventually } from '../../../support/eventually.ts'
import { FakeHdfs } from '../../../support/fake-hdfs.ts'
import { hdfsSettings, openTestHdfsLake } from '../../../support/hdfs-lakes.ts'
import { HttpProxy } from '../../../support/http-proxy.ts'
import { HurriedClock } from '../../../support/s3-lakes.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

describe('a datanode that calls itself as nobody here does', () => {
  test.each([
    ['http://dn1:9864/x?op=OPEN', [['dn1', '10.0.0.5']], 'http://10.0.0.5:9864/x?op=OPEN'],
    ['http://dn1:9864/x', [['dn1', 'gate:19864']], 'http://gate:19864/x'],
    [
      'http://dn1:9864/x',
      [
        ['dn1:9864', 'gate:1'],
        ['dn1', 'gate:2'],
      ],
      'http://gate:1/x',
    ],
    ['https://dn1:9865/x', [['dn1:9864', 'gate:1']], 'https://dn1:9865/x'],
    ['http://dn2:9864/x', [['dn1', 'gate']], 'http://dn2:9864/x'],
  ] as const)('%s with %j is %s', (url, datanodes, reached) => {
    expect(reachedUrl(new URL(url), new Map(datanodes)).href).toBe(reached)
  })

  let fake: FakeHdfs
  beforeEach(async () => {
    fake = await FakeHdfs.start()
    fake.datanode = 'dn1.of-the-cluster.invalid'
  })
  afterEach(() => fake.close())

  test('is reached where the configuration says, and left out by its own name', async () => {
    let failed = false
    fake.fail = ({ call }) => {
      if (failed || call !== 'CREATE-2') return undefined
      failed = true
      return { moment: 'before', answer: 'reset' }
    }
    // Hosts have no case, and URLs tell them in lower case.
    const datanodes = new Map([[fake.datanode.toUpperCase(), '127.0.0.1']])
    const settings = { ...hdfsSettings([fake.address], '/lake'), datanodes }
    const lake = openTestHdfsLake(settings, { clock: new HurriedClock() })
    await lake.put('x', bytes('rows'))
    expect(await lake.read('x')).toEqual(bytes('rows'))
    const asked = fake.requests.filter(({ call }) => call === 'CREATE')
    expect(asked.map(({ query }) => query.get('excludedatanodes'))).toEqual([null, fake.datanode])
  })
})

describe('a delegation token', () => {
  const telemetry = new SimTelemetry()
  const portsAt = (clock: { nowMs: number }) => ({
    clock: { monotonicMs: () => clock.nowMs as never },
    telemetry,
  })

  test('is sent with each request, and no name of a user', async () => {
    const fake = await FakeHdfs.start()
    fake.wants = 'delegation=GgAEcm9v'
    const settings = hdfsSettings([fake.address], '/lake')
    const lake = openTestHdfsLake({ ...settings, token: async () => 'GgAEcm9v' })
    expect(await lake.putIfAbsent('log/1', bytes('one'))).toEqual({ kind: 'created' })
    expect(await lake.read('log/1')).toEqual(bytes('one'))
    expect(fake.requests.filter(({ query }) => query.has('user.name'))).toEqual([])
    const stranger = openTestHdfsLake({ ...settings, token: async () => 'another' })
    await expect(stranger.stat('log/1')).rejects.toMatchObject({ code: 'LAKE_USER_REFUSED' })
    await fake.close()
  })

  test('is read again after a minute, and stays when it cannot be read, which is told', async () => {
    const clock = { nowMs: 5 }
    let read = 0
    let missing = false
    const identity = tokenIdentity(async () => {
      if (missing) throw new Error('there is no such file')
      return `t${++read}`
    }, portsAt(clock))
    const told = async (): Promise<string | undefined> => (await identity())['delegation']
    expect([await told(), await told()]).toEqual(['t1', 't1'])
    clock.nowMs += 60_000
    expect(await told()).toBe('t2')
    missing = true
    clock.nowMs += 60_000
    expect(await Promise.all([told(), told(), told()])).toEqual(['t2', 't2', 't2'])
    const fields = { what: 'read', reason: 'there is no such file' }
    expect(telemetry.events).toEqual([{ level: 'warn', event: 'hdfs token kept', fields }])
    const counted = 'lakeward_hdfs_token_troubles_total what=read'
    expect(telemetry.values.get(counted)).toBe(1)
    clock.nowMs += 60_000
    await told()
    expect(telemetry.values.get(counted)).toBe(2)
    missing = false
    clock.nowMs += 60_000
    expect(await told()).toBe('t3')
    expect(telemetry.values.get(counted)).toBe(2)
  })

  test('that never was is what it cannot do without', async () => {
    const read = () => Promise.reject(new Error('there is no such file'))
    await expect(tokenIdentity(read, portsAt({ nowMs: 0 }))()).rejects.toThrow('no such file')
  })
})

test('HttpFS does not put a file into a folder of its name', async () => {
  const fake = await FakeHdfs.start()
  fake.httpfs = true
  const lake = openTestHdfsLake({ ...hdfsSettings([fake.address], '/lake'), httpfs: true })
  const place = { stagedPath: 't/_staging/c/0.staged', path: 't/dt=2026-11-20/0.parquet' }
  await lake.put(`${place.path}/x`, bytes('x'))
  await lake.stage({ ...place, chunks: [bytes('rows')] })
  await expect(lake.publish({ ...place, sizeBytes: 4 })).rejects.toMatchObject({
    code: 'LAKE_REFUSED',
    facts: { reason: expect.stringContaining('is a directory') },
  })
  expect(fake.files).toEqual([`/lake/${place.stagedPath}`, `/lake/${place.path}/x`].toSorted())
  await fake.close()
})

describe('a proxy', () => {
  let fake: FakeHdfs
  let proxy: HttpProxy
  beforeEach(async () => {
    fake = await FakeHdfs.start()
    proxy = await HttpProxy.start()
  })
  afterEach(async () => {
    await proxy.close()
    await fake.close()
  })

  test('is asked for everything, by namenodes and datanodes', async () => {
    const settings = { ...hdfsSettings([fake.address], '/lake'), proxy: proxy.url }
    const lake = openTestHdfsLake(settings)
    await lake.put('a b/%20', bytes('rows'))
    expect(await lake.read('a b/%20')).toEqual(bytes('rows'))
    expect(proxy.asked).toHaveLength(fake.requests.length)
    expect(proxy.asked[0]).toBe(`PUT ${fake.address}`)
  })

  test('that refuses a tunnel is told, and asked again', async () => {
    proxy.refuses = 407
    const tls = { ca: undefined }
    const settings = { ...hdfsSettings([fake.address], '/lake'), tls, proxy: proxy.url }
    const lake = openTestHdfsLake(settings, { clock: new HurriedClock() })
    await expect(lake.stat('x')).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { reason: expect.stringContaining('the proxy answers 407 to CONNECT 127.0.0.1:') },
    })
    expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${fake.address}`]))
    expect(proxy.asked.length).toBeGreaterThan(1)
  })
})

class ClockAhead extends HurriedClock {
  aheadMs = 0

  override monotonicMs(): MonotonicMs {
    return monotonicMs(super.monotonicMs() + this.aheadMs)
  }
}

describe('a token of our own', () => {
  let fake: FakeHdfs
  let clock: ClockAhead
  beforeEach(async () => {
    fake = await FakeHdfs.start()
    clock = new ClockAhead()
    gives('first')
  })
  afterEach(() => fake.close())

  const gives = (token: string): void => {
    fake.token = token
    fake.wants = `delegation=${token}`
  }
  const openOwn = () =>
    openTestHdfsLake({ ...hdfsSettings([fake.address], '/lake'), token: 'own' }, { clock })
  const count = (call: string): number =>
    fake.requests.filter((request) => request.call === call).length
  const untilCounted = (call: string, wanted: number) =>
    eventually(call, 30_000, () => (count(call) === wanted ? true : undefined))

  test('is got once, as the user, by calls that begin at once', async () => {
    const lake = openOwn()
    await Promise.all(['a', 'b', 'c'].map((name) => lake.put(name, bytes(name))))
    expect(await lake.read('b')).toEqual(bytes('b'))
    expect(count('GETDELEGATIONTOKEN')).toBe(1)
    const [first] = fake.requests
    expect(first?.query.get('renewer')).toBe('lakeward')
    expect(first?.query.get('user.name')).toBe('lakeward')
  })

  test('that is not taken any more is got anew, once', async () => {
    const lake = openOwn()
    await lake.put('x', bytes('x'))
    gives('second')
    expect(await lake.read('x')).toEqual(bytes('x'))
    expect(count('GETDELEGATIONTOKEN')).toBe(2)
    fake.wants = 'delegation=never-given'
    await expect(lake.stat('x')).rejects.toMatchObject({ code: 'LAKE_USER_REFUSED' })
    expect(count('GETDELEGATIONTOKEN')).toBe(3)
  })

  test('that is refused to many calls at once is got anew, once', async () => {
    const lake = openOwn()
    const names = Array.from({ length: 12 }, (_, index) => `x${index}`)
    for (const name of names) await lake.put(name, bytes(name))
    gives('second')
    const read = await Promise.all(names.map((name) => lake.read(name)))
    expect(read).toEqual(names.map(bytes))
    expect(count('GETDELEGATIONTOKEN')).toBe(2)
  })

  test('is renewed each hour, and got anew when its life is over', async () => {
    const lake = openOwn()
    await lake.put('x', bytes('x'))
    clock.aheadMs += 3_600_000
    await lake.stat('x')
    await lake.stat('x')
    await untilCounted('RENEWDELEGATIONTOKEN', 1)
    expect(count('GETDELEGATIONTOKEN')).toBe(1)
    fake.token = 'second'
    clock.aheadMs += 3_600_000
    await lake.stat('x')
    await untilCounted('GETDELEGATIONTOKEN', 2)
    expect(count('RENEWDELEGATIONTOKEN')).toBe(2)
  })

  test('is not needed where none is given', async () => {
    fake.token = undefined
    fake.wants = 'user.name=lakeward'
    const lake = openOwn()
    await lake.put('x', bytes('x'))
    expect(await lake.read('x')).toEqual(bytes('x'))
    expect(count('GETDELEGATIONTOKEN')).toBe(1)
  })
})
