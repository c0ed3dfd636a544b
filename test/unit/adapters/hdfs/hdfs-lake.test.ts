import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { HdfsLake } from '../../../../src/adapters/hdfs/hdfs-lake.ts'
import { SimTelemetry } from '../../../sim/telemetry.ts'
import {
  FakeHdfs,
  type FakeHdfsAnswer,
  type FakeHdfsFailure,
  remoteException,
} from '../../../support/fake-hdfs.ts'
import { hdfsSettings, openTestHdfsLake } from '../../../support/hdfs-lakes.ts'
import { HurriedClock } from '../../../support/s3-lakes.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const place = { stagedPath: 't/_staging/c/0.staged', path: 't/dt=2026-11-20/0.parquet' }

let fake: FakeHdfs
let clock: HurriedClock
let telemetry: SimTelemetry
let lake: HdfsLake
beforeEach(async () => {
  fake = await FakeHdfs.start()
  clock = new HurriedClock()
  telemetry = new SimTelemetry()
  lake = openAt([fake.address])
})
afterEach(() => fake.close())

const openAt = (namenodes: readonly string[]): HdfsLake =>
  openTestHdfsLake(hdfsSettings(namenodes, '/lake'), { clock, telemetry })
const calls = (from = 0): readonly string[] => fake.requests.slice(from).map(({ call }) => call)
const failAlways = (answer: FakeHdfsAnswer): void => {
  fake.fail = () => ({ moment: 'before', answer })
}
/** The first request of this kind fails. */
const failFirst = (call: string, failure: FakeHdfsFailure): void => {
  let done = false
  fake.fail = (request) => {
    if (done || request.call !== call) return undefined
    done = true
    return failure
  }
}

describe('what HDFS says no with', () => {
  test.each<[string, FakeHdfsAnswer, object]>([
    [
      'a missing permission',
      remoteException('AccessControlException', 'Permission denied: user=x\n\tat org.apache'),
      {
        code: 'LAKE_REFUSED',
        facts: { path: 'x', reason: '403 AccessControlException: Permission denied: user=x' },
      },
    ],
    ['no room for names', remoteException('NSQuotaExceededException'), { code: 'LAKE_REFUSED' }],
    ['no room for bytes', remoteException('DSQuotaExceededException'), { code: 'LAKE_REFUSED' }],
    [
      'a name that it does not take',
      remoteException('InvalidPathException', 'Invalid path name', 400),
      { code: 'LAKE_REFUSED' },
    ],
    [
      'a user that it does not know',
      remoteException('SecurityException', 'Failed to obtain user group information', 401),
      {
        code: 'LAKE_USER_REFUSED',
        facts: { user: 'lakeward', address: expect.stringMatching(/^127\.0\.0\.1:\d+$/) },
      },
    ],
    [
      'a login that it asks for',
      { status: 401, body: 'Authentication required' },
      { code: 'LAKE_USER_REFUSED' },
    ],
    [
      'something that is no WebHDFS',
      { status: 404, body: '<html>Not found</html>' },
      { code: 'LAKE_REFUSED', facts: { reason: '404 no answer of WebHDFS' } },
    ],
  ])('%s is told at once, with the remedy', async (_, answer, expected) => {
    failAlways(answer)
    await expect(lake.stat('x')).rejects.toMatchObject(expected)
    expect(fake.requests).toHaveLength(1)
  })

  test.each([
    'SafeModeException',
    'RetriableException',
    'EOFException',
    'ConnectException',
    'BlockMissingException',
    'ClosedChannelException',
    'IOException',
  ])('%s, once, is waited out', async (exception) => {
    await lake.put('x', bytes('x'))
    for (const call of ['GETFILESTATUS', 'OPEN', 'OPEN-2'] as const) {
      failFirst(call, { moment: 'before', answer: remoteException(exception) })
      expect(call === 'GETFILESTATUS' ? await lake.stat('x') : await lake.read('x')).toBeDefined()
    }
    expect(clock.sleptMs).toBeGreaterThan(100)
  })

  test('safe mode for long ends in a fault that says to try again', async () => {
    failAlways(remoteException('SafeModeException', 'Name node is in safe mode.'))
    await expect(lake.put('x', bytes('x'))).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { reason: expect.stringContaining('safe mode') },
    })
    expect(clock.sleptMs).toBeGreaterThan(5_000)
    expect(fake.requests.length).toBeLessThan(10)
  })

  test('an answer that is no JSON is no success', async () => {
    failAlways({ status: 200, body: 'hello' })
    await expect(lake.stat('x')).rejects.toMatchObject({ code: 'LAKE_UNAVAILABLE' })
  })

  test('a target that is a folder is never renamed into', async () => {
    await lake.put(`${place.path}/x`, bytes('x'))
    await lake.stage({ ...place, chunks: [bytes('rows')] })
    await expect(lake.publish({ ...place, sizeBytes: 4 })).rejects.toMatchObject({
      code: 'LAKE_REFUSED',
      facts: { reason: expect.stringContaining('must both be directories') },
    })
    expect(fake.files).toEqual([`/lake/${place.stagedPath}`, `/lake/${place.path}/x`].toSorted())
  })
})

describe('of several namenodes', () => {
  let second: FakeHdfs
  beforeEach(async () => {
    second = await FakeHdfs.start()
  })
  afterEach(() => second.close())

  test('a standby is left for the active one, which is asked first from then on', async () => {
    failAlways(remoteException('StandbyException', 'Operation category READ is not supported'))
    const both = openAt([fake.address, second.address])
    expect(await both.stat('x')).toBeUndefined()
    expect(await both.stat('x')).toBeUndefined()
    expect(fake.requests).toHaveLength(1)
    expect(second.requests).toHaveLength(2)
    expect(clock.sleptMs).toBe(0)
  })

  test.each([
    ['one that starts', remoteException('RetriableException', 'Namenode is in startup mode')],
    ['a gate whose namenode is down', { status: 503, body: 'Service unavailable' }],
    ['somebody else at its address', { status: 404, body: '<html>Not found</html>' }],
    ['one that answers with a page', { status: 200, body: '<html>Welcome</html>' }],
  ])('%s is left for the one that serves', async (_, answer) => {
    failAlways(answer)
    expect(await openAt([fake.address, second.address]).stat('x')).toBeUndefined()
    expect(second.requests).toHaveLength(1)
    expect(clock.sleptMs).toBe(0)
  })

  test('where none of them is a namenode that is told at once', async () => {
    const stranger = { moment: 'before', answer: { status: 403, body: '<html>' } } as const
    for (const one of [fake, second]) one.fail = () => stranger
    await expect(openAt([fake.address, second.address]).stat('x')).rejects.toMatchObject({
      code: 'LAKE_REFUSED',
      facts: { reason: '403 no answer of WebHDFS' },
    })
    expect([fake.requests.length, second.requests.length]).toEqual([1, 1])
    expect(clock.sleptMs).toBe(0)
  })

  test('each of three is asked, and one that failed late leaves another where it is', async () => {
    const third = await FakeHdfs.start()
    const standby = { moment: 'before', answer: remoteException('StandbyException') } as const
    for (const one of [fake, second]) one.fail = () => standby
    const all = openAt([fake.address, second.address, third.address])
    expect(await all.stat('x')).toBeUndefined()
    expect(clock.sleptMs).toBe(0)
    // Of two calls that are turned away by one namenode the second comes after another answered.
    const late = Promise.withResolvers<void>()
    const asked = openAt([fake.address, second.address, third.address])
    let count = 0
    fake.fail = () => (++count === 1 ? { moment: 'before', answer: 'silence' } : standby)
    fake.onSilence = (end) => void late.promise.then(end)
    const slow = asked.stat('slow')
    expect(await asked.stat('x')).toBeUndefined()
    const from = second.requests.length
    late.resolve()
    expect(await slow).toBeUndefined()
    expect(second.requests).toHaveLength(from)
    await third.close()
  })

  test('one that is gone is left, and both are asked again when none serves', async () => {
    const gone = await FakeHdfs.start()
    const { address } = gone
    await gone.close()
    let refused = 0
    second.fail = () =>
      refused++ < 2 ? { moment: 'before', answer: remoteException('StandbyException') } : undefined
    const both = openAt([address, second.address])
    expect(await both.stat('x')).toBeUndefined()
    expect(second.requests).toHaveLength(3)
    expect(clock.sleptMs).toBeGreaterThan(0)
  })
})

describe('a page that somebody between puts in place of an answer', () => {
  const page = { status: 200, body: '<html>The service is being restored</html>' }

  test('is no RENAME, before its effect and after it', async () => {
    for (const moment of ['before', 'after'] as const) {
      failFirst('RENAME', { moment, answer: page })
      expect(await lake.putIfAbsent(`log/${moment}`, bytes('x'))).toEqual({ kind: 'created' })
      expect(fake.files).toContain(`/lake/log/${moment}`)
    }
    fake.fail = ({ call }) => (call === 'RENAME' ? { moment: 'before', answer: page } : undefined)
    await expect(lake.putIfAbsent('log/1', bytes('x'))).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { reason: expect.stringContaining('bytes where nothing is said') },
    })
  })

  test('is no CONCAT', async () => {
    for (const moment of ['before', 'after'] as const) {
      failFirst('CONCAT', { moment, answer: page })
      expect(await lake.tails.canJoinIn('t')).toEqual({ kind: 'joins' })
    }
    fake.fail = ({ call }) => (call === 'CONCAT' ? { moment: 'before', answer: page } : undefined)
    await expect(lake.tails.canJoinIn('t')).rejects.toMatchObject({ code: 'LAKE_UNAVAILABLE' })
  })

  test('is nothing of a file, nor is more than was asked for', async () => {
    await lake.put('x', bytes('0123456789'))
    failFirst('OPEN-2', { moment: 'before', answer: page })
    expect(Buffer.from((await lake.read('x')) ?? []).toString()).toBe('0123456789')
    failFirst('OPEN-2', { moment: 'before', answer: { status: 200, bytes: bytes('0123456789') } })
    expect(Buffer.from((await lake.readRange('x', 2, 4)) ?? []).toString()).toBe('23')
  })

  test('is no place of a datanode, nor is one that is not reached by HTTP', async () => {
    failFirst('CREATE', { moment: 'before', answer: page })
    await lake.put('x', bytes('x'))
    const elsewhere = { status: 200, body: { Location: 'ftp://datanode/x' } }
    failFirst('OPEN', { moment: 'before', answer: elsewhere })
    expect(await lake.read('x')).toEqual(bytes('x'))
  })
})

describe('what is broken off', () => {
  test('leaves no half of a file where somebody reads', async () => {
    failFirst('CREATE-2', { moment: 'half', answer: 'reset' })
    expect(await lake.putIfAbsent('log/1', bytes('a whole entry'))).toEqual({ kind: 'created' })
    expect(Buffer.from((await lake.read('log/1')) ?? []).toString()).toBe('a whole entry')
    expect(fake.files).toEqual(['/lake/log/1'])
  })

  test('is noticed though the datanode says that all is well', async () => {
    failFirst('CREATE-2', { moment: 'half', answer: { status: 201 } })
    await lake.stage({ ...place, chunks: [bytes('all'), bytes(' rows')] })
    expect(await lake.publish({ ...place, sizeBytes: 8 })).toEqual({ kind: 'published' })
    expect(Buffer.from((await lake.read(place.path)) ?? []).toString()).toBe('all rows')
    expect(fake.files).toEqual([`/lake/${place.path}`])
  })

  test('and stays half each time is told with both sizes', async () => {
    fake.fail = ({ call }) =>
      call === 'CREATE-2' ? { moment: 'half', answer: { status: 201 } } : undefined
    await expect(lake.put('x', bytes('1234'))).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { reason: '4 bytes were sent, 2 bytes stand' },
    })
  })

  test('a datanode that hangs in the second step is left when its time is over', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    fake.onSilence = () => vi.advanceTimersByTime(31_000)
    failFirst('CREATE-2', { moment: 'before', answer: 'silence' })
    await lake.put('x', Buffer.alloc(0))
    failFirst('OPEN-2', { moment: 'before', answer: 'silence' })
    expect(await lake.read('x')).toHaveLength(0)
    const asked = fake.requests.filter(({ call }) => call === 'CREATE' || call === 'OPEN')
    const excluded = asked.map(({ query }) => query.get('excludedatanodes'))
    expect(excluded).toEqual([null, '127.0.0.1', null, '127.0.0.1'])
  })

  test('a datanode that does not answer is named to the namenode as one to leave out', async () => {
    failFirst('CREATE-2', { moment: 'before', answer: 'reset' })
    await lake.put('x', bytes('x'))
    const asked = fake.requests.filter(({ call }) => call === 'CREATE')
    expect(asked.map(({ query }) => query.get('excludedatanodes'))).toEqual([null, '127.0.0.1'])
  })
})

test('where names have a comma files do not grow: CONCAT would take one for two', async () => {
  const odd = openTestHdfsLake(hdfsSettings([fake.address], '/la,ke'), { clock, telemetry })
  const place = { stagedPath: 't/.tail-growth-c-0', path: 't/0.parquet' }
  await odd.put(place.path, bytes('x'))
  await odd.stage({ ...place, chunks: [bytes('y')] })
  const joined = odd.tails.join({ ...place, baseBytes: 1, sizeBytes: 2 })
  const reason = expect.stringContaining('CONCAT takes no name with ","')
  await expect(joined).rejects.toMatchObject({ code: 'LAKE_REFUSED', facts: { reason } })
  expect(await odd.tails.canJoinIn('t')).toEqual({ kind: 'refuses', reason })
  expect(fake.files).toHaveLength(2)
})

test('a name is its own, whatever stands in it', async () => {
  const names = ['t/a b', 't/100%', 't/a+b', 't/häß/雪', 't/q?x=1', 't/#1', 't/a%20b', 't/a;b&c']
  for (const name of names) {
    expect(await lake.putIfAbsent(name, bytes(name)), name).toEqual({ kind: 'created' })
  }
  expect(fake.files).toEqual(names.map((name) => `/lake/${name}`).toSorted())
  expect((await lake.list('t')).map(({ path }) => path)).toEqual(names.toSorted())
  for (const name of names) {
    expect(Buffer.from((await lake.read(name)) ?? []).toString()).toBe(name)
  }
})

test('a file that was staged and published cost four calls to the namenode', async () => {
  await lake.stage({ ...place, chunks: [bytes('rows')] })
  await lake.publish({ ...place, sizeBytes: 4 })
  const next = { stagedPath: 't/_staging/c/1.staged', path: 't/dt=2026-11-20/1.parquet' }
  const from = fake.requests.length
  await lake.stage({ ...next, chunks: [bytes('rows')] })
  await lake.publish({ ...next, sizeBytes: 4 })
  expect(calls(from)).toEqual(['CREATE', 'CREATE-2', 'GETFILESTATUS', 'RENAME'])
})

test('a put in flight is no object, but where all is cleaned away', async () => {
  const temp = '.1.json.0123456789abcdef.put'
  await lake.put('log/1.json', bytes('x'))
  for (const folder of ['log', 't/_staging/c']) await lake.put(`${folder}/${temp}`, bytes('x'))
  expect((await lake.list('log')).map(({ path }) => path)).toEqual(['log/1.json'])
  expect((await lake.list('t')).map(({ path }) => path)).toEqual([`t/_staging/c/${temp}`])
})

test('a folder that is of one commit goes with the last that lies in it', async () => {
  const folder = `t/_staging/${'9f3ac1d2b0e4a677'.repeat(2)}-41`
  const older = { ...place, stagedPath: `${folder}/0.staged` }
  await lake.stage({ ...older, chunks: [bytes('rows')] })
  await lake.putIfAbsent(`${folder}/head.json`, bytes('{}'))
  await lake.remove(`${folder}/head.json`)
  expect([...fake.entries.keys()]).toContain(`/lake/${folder}`)
  await lake.discard(older)
  expect([...fake.entries.keys()]).not.toContain(`/lake/${folder}`)
})

test('what is staged and cleaned away costs one call: its folder stays for the next', async () => {
  await lake.stage({ ...place, chunks: [bytes('rows')] })
  const from = fake.requests.length
  await lake.discard(place)
  expect(calls(from)).toEqual(['DELETE'])
})

test('a folder that is not there is made by one call, for all that is published into it', async () => {
  const files = [0, 1, 2].map((n) => ({
    stagedPath: `t/_staging/c/${n}.staged`,
    path: `t/dt=2026-11-20/${n}.parquet`,
    sizeBytes: 1,
  }))
  for (const file of files) await lake.stage({ ...file, chunks: [bytes('x')] })
  const from = fake.requests.length
  const outcomes = await Promise.all(files.map((file) => lake.publish(file)))
  expect(outcomes).toEqual(files.map(() => ({ kind: 'published' })))
  expect(calls(from).toSorted()).toEqual(['MKDIRS', 'RENAME', 'RENAME', 'RENAME'])
})

test('a folder that somebody removed is made again', async () => {
  const first = { ...place, sizeBytes: 1 }
  await lake.stage({ ...first, chunks: [bytes('x')] })
  await lake.publish(first)
  await lake.remove(first.path)
  await lake.remove('t/dt=2026-11-20')
  const second = { ...first, path: 't/dt=2026-11-20/1.parquet' }
  await lake.stage({ ...second, chunks: [bytes('y')] })
  expect(await lake.publish(second)).toEqual({ kind: 'published' })
})

test('calls are counted by what they are, what they are for, and what came of them', async () => {
  failFirst('RENAME', { moment: 'before', answer: remoteException('RetriableException') })
  await lake.putIfAbsent('log/1', bytes('x'))
  const counted = (call: string, outcome: string) =>
    telemetry.values.get(`lakeward_hdfs_calls_total call=${call} phase=put outcome=${outcome}`)
  expect(counted('CREATE', 'ok')).toBe(1)
  expect(counted('RENAME', 'again')).toBe(1)
  expect(counted('RENAME', 'ok')).toBe(1)
})
