/** Joining a tail on HDFS with the Nth request failing, both ways; and where it is refused. */
import { expect, onTestFinished, test } from 'vitest'
import type { HdfsLake } from '../../../src/adapters/hdfs/hdfs-lake.ts'
import { isFault } from '../../../src/base/fault.ts'
import { FakeHdfs, type FakeHdfsFailure, remoteException } from '../../support/fake-hdfs.ts'
import { hdfsSettings, openTestHdfsLake } from '../../support/hdfs-lakes.ts'
import { HttpProxy } from '../../support/http-proxy.ts'
import { HurriedClock } from '../../support/s3-lakes.ts'

const path = 't/dt=2026-11-20/growth-c1-0.parquet'
const stagedPath = 't/dt=2026-11-20/.tail-c2-0'
const head = Buffer.from('as it was published;')
const tail = Buffer.from('a tail')
const join = {
  path,
  stagedPath,
  baseBytes: head.length,
  sizeBytes: head.length + tail.length,
}

async function openOn(fake: FakeHdfs, proxy?: string): Promise<HdfsLake> {
  const settings = { ...hdfsSettings([fake.address], '/lake'), httpfs: fake.httpfs, proxy }
  const lake = openTestHdfsLake(settings, { clock: new HurriedClock() })
  await lake.put(path, head)
  return lake
}

const page = { status: 200, body: '<html>The service is being restored</html>' }

const failures: readonly (readonly [string, FakeHdfsFailure])[] = [
  ['lost requests', { moment: 'before', answer: 'reset' }],
  ['lost answers', { moment: 'after', answer: 'reset' }],
  ['files cut half-way', { moment: 'half', answer: 'reset' }],
  ['a page instead of the call', { moment: 'before', answer: page }],
  ['a page instead of the answer', { moment: 'after', answer: page }],
  ['a standby', { moment: 'before', answer: remoteException('StandbyException') }],
]

const cases = [false, true].flatMap((httpfs) =>
  failures.map(([name, how]) => [httpfs ? 'HttpFS' : 'namenodes', name, httpfs, how] as const),
)

test.each(cases)('%s: %s, of any one request, join a tail once', async (_, __, httpfs, failure) => {
  for (let failAt = 1; ; failAt++) {
    const fake = await FakeHdfs.start()
    fake.httpfs = httpfs
    const lake = await openOn(fake)
    let count = 0
    fake.fail = ({ call }) => {
      const hits = failure.moment !== 'half' || call === 'CREATE-2'
      return hits && ++count === failAt ? failure : undefined
    }
    const staged = await lake.stage({ path, stagedPath, chunks: [tail] })
    const request = { ...join, stagedPath: staged }
    const { kind } = await lake.tails.join(request)
    expect(['published', 'already-published'], `failAt ${failAt}`).toContain(kind)
    expect((await lake.tails.join(request)).kind, `failAt ${failAt}`).toBe('already-published')
    expect(Buffer.from((await lake.read(path)) ?? []).toString()).toBe(
      `${head.toString()}${tail.toString()}`,
    )
    expect(fake.files, `failAt ${failAt}`).toEqual([`/lake/${path}`])
    await fake.close()
    if (count < failAt) return expect(failAt).toBeGreaterThan(1)
  }
})

/** Stages and decides a tail, and joins it, as far as it comes. @returns where it was staged. */
async function begun(lake: HdfsLake): Promise<string | undefined> {
  let staged: string | undefined
  try {
    staged = await lake.stage({ path, stagedPath, chunks: [tail] })
    await lake.tails.join({ ...join, stagedPath: staged })
  } catch (error) {
    if (!isFault(error, 'LAKE_UNAVAILABLE')) throw error
  }
  return staged
}

const doors = [
  ['namenodes', false],
  ['HttpFS', true],
] as const

test.each(doors)(
  '%s: killed at any request, which lands when another has joined',
  async (_, httpfs) => {
    for (let failAt = 1; ; failAt++) {
      const fake = await FakeHdfs.start()
      fake.httpfs = httpfs
      const first = await openOn(fake)
      const from = fake.requests.length
      // One is on its way when the process dies, and nothing of it comes after that.
      fake.fail = ({ number }) => {
        if (number < from + failAt) return undefined
        return { moment: number === from + failAt ? 'late' : 'before', answer: 'reset' }
      }
      const staged = await begun(first)
      const isOver = fake.requests.length < from + failAt
      fake.fail = () => undefined
      if (staged !== undefined) {
        const request = { ...join, stagedPath: staged }
        const next = openTestHdfsLake({ ...hdfsSettings([fake.address], '/lake'), httpfs })
        expect((await next.tails.join(request)).kind, `failAt ${failAt}`).toMatch(/published$/)
        expect(fake.settle()).toBe(isOver ? 0 : 1)
        const another = openTestHdfsLake({ ...hdfsSettings([fake.address], '/lake'), httpfs })
        const kinds = [await first.tails.join(request), await another.tails.join(request)]
        const done = { kind: 'already-published' }
        expect(kinds, `failAt ${failAt}`).toEqual([done, done])
      }
      const wanted = staged === undefined ? head : Buffer.concat([head, tail])
      expect(await first.read(path), `failAt ${failAt}`).toEqual(wanted)
      await fake.close()
      if (isOver) return expect(failAt).toBeGreaterThan(4)
    }
  },
)

test.each(doors)(
  '%s: any request that was given up may land after all is done',
  async (_, httpfs) => {
    for (let failAt = 1; ; failAt++) {
      const fake = await FakeHdfs.start()
      fake.httpfs = httpfs
      const lake = await openOn(fake)
      const from = fake.requests.length
      fake.fail = ({ number }) =>
        number === from + failAt ? { moment: 'late', answer: 'reset' } : undefined
      const staged = await begun(lake)
      const isOver = fake.settle() === 0
      const request = { ...join, stagedPath: staged ?? '' }
      expect((await lake.tails.join(request)).kind, `failAt ${failAt}`).toBe('already-published')
      expect(await lake.read(path), `failAt ${failAt}`).toEqual(Buffer.concat([head, tail]))
      await fake.close()
      if (isOver) return expect(failAt).toBeGreaterThan(4)
    }
  },
)

test('a tail that a late sender makes anew is joined once, though an answer is lost', async () => {
  const fake = await FakeHdfs.start()
  const lake = await openOn(fake)
  await lake.stage({ path, stagedPath, chunks: [tail] })
  const late = fake.entries.get(`/lake/${stagedPath}`)
  if (late === undefined) throw new Error('the tail is staged')
  let joinCount = 0
  fake.fail = ({ call }) => {
    if (joinCount === 1) fake.entries.set(`/lake/${stagedPath}`, late)
    const isLost = call === 'CONCAT' && ++joinCount === 1
    return isLost ? { moment: 'after', answer: 'reset' } : undefined
  }
  expect(await lake.tails.join(join)).toEqual({ kind: 'already-published' })
  expect(await lake.read(path)).toEqual(Buffer.concat([head, tail]))
  await fake.close()
})

test('a join that nobody answered is looked at before it is tried again', async () => {
  const fake = await FakeHdfs.start()
  const lake = await openOn(fake)
  const first = { path, stagedPath: 't/dt=2026-11-20/.tail-c1-0' }
  await lake.stage({ ...first, chunks: [tail] })
  await lake.tails.join({ ...join, ...first })
  // From here on this process knows how long the file is.
  const next = { ...join, baseBytes: join.sizeBytes, sizeBytes: join.sizeBytes + tail.length }
  await lake.stage({ path, stagedPath, chunks: [tail] })
  const late = fake.entries.get(`/lake/${stagedPath}`)
  if (late === undefined) throw new Error('the tail is staged')
  let joinCount = 0
  fake.fail = ({ call }) => {
    if (call === 'CONCAT') joinCount++
    const moment = call === 'CONCAT' && joinCount === 1 ? 'after' : 'before'
    return joinCount === 0 ? undefined : { moment, answer: 'reset' }
  }
  await expect(lake.tails.join(next)).rejects.toMatchObject({ code: 'LAKE_UNAVAILABLE' })
  fake.fail = () => undefined
  fake.entries.set(`/lake/${stagedPath}`, late)
  expect(await lake.tails.join(next)).toEqual({ kind: 'already-published' })
  expect(await lake.read(path)).toEqual(Buffer.concat([head, tail, tail]))
  await fake.close()
})

test('a file that somebody made longer meanwhile is told with its length', async () => {
  const fake = await FakeHdfs.start()
  const lake = await openOn(fake)
  await lake.stage({ path, stagedPath, chunks: [tail] })
  fake.fail = ({ call }) => {
    const file = fake.entries.get(`/lake/${path}`)
    if (call !== 'CONCAT' || file === undefined) return undefined
    fake.entries.set(`/lake/${path}`, { ...file, bytes: Buffer.alloc(99) })
    fake.entries.delete(`/lake/${stagedPath}`)
    return undefined
  }
  expect(await lake.tails.join(join)).toEqual({ kind: 'mismatch', foundBytes: 99 })
  await fake.close()
})

test('a tail that is staged once more, after an answer, stands whole under its own name', async () => {
  const fake = await FakeHdfs.start()
  const lake = await openOn(fake)
  for (const bytes of [Buffer.from('one'), tail]) {
    expect(await lake.stage({ path, stagedPath, chunks: [bytes] })).toBe(stagedPath)
  }
  expect(fake.files).toEqual([`/lake/${stagedPath}`, `/lake/${path}`])
  expect((await lake.tails.join(join)).kind).toBe('published')
  expect(await lake.read(path)).toEqual(Buffer.concat([head, tail]))
  await fake.close()
})

test.each([
  ['three calls to the namenode, and one more where another published', 'namenodes', []],
  ['a call more through a proxy, which may send it once more', 'a proxy', ['RENAME']],
] as const)('a tail costs %s', async (_, door, renamed) => {
  const fake = await FakeHdfs.start()
  const proxy = await HttpProxy.start()
  onTestFinished(() => proxy.close())
  const lake = await openOn(fake, door === 'a proxy' ? proxy.url : undefined)
  const costOf = async (request: typeof join): Promise<readonly string[]> => {
    const from = fake.requests.length
    await lake.stage({ path, stagedPath: request.stagedPath, chunks: [tail] })
    expect(await lake.tails.join(request)).toEqual({ kind: 'published' })
    return fake.requests.slice(from).map(({ call }) => call)
  }
  const staged = ['CREATE', 'CREATE-2', 'GETFILESTATUS', ...renamed]
  expect(await costOf(join)).toEqual([...staged, 'GETFILESTATUS', 'CONCAT'])
  const next = {
    path,
    stagedPath: 't/dt=2026-11-20/.tail-c3-0',
    baseBytes: join.sizeBytes,
    sizeBytes: join.sizeBytes + tail.length,
  }
  expect(await costOf(next)).toEqual([...staged, 'CONCAT'])
  await fake.close()
})

test('a tail is where it was made by a call that was answered: who is late makes none anew', async () => {
  const fake = await FakeHdfs.start()
  const lake = await openOn(fake)
  let [first, count] = ['', 0]
  fake.fail = ({ call, path: at }) => {
    if (call !== 'CREATE-2' || ++count > 1) return undefined
    first = at
    return { moment: 'before', answer: 'reset' }
  }
  const staged = await lake.stage({ path, stagedPath, chunks: [tail] })
  const request = { ...join, stagedPath: staged }
  expect(`/lake/${staged}`).not.toBe(first)
  expect((await lake.tails.join(request)).kind).toBe('published')
  // What was sent first comes now, and somebody tries to join once more.
  const file = fake.entries.get(`/lake/${path}`)
  if (file === undefined) throw new Error('the file stands')
  fake.entries.set(first, { ...file, bytes: tail })
  fake.entries.set(`/lake/${path}`, { ...file, bytes: head })
  expect(
    (await openTestHdfsLake(hdfsSettings([fake.address], '/lake')).tails.join(request)).kind,
  ).toBe('missing')
  expect((await lake.list('t')).map((object) => `/lake/${object.path}`)).toContain(first)
  await fake.close()
})

test('what is known of a file is forgotten when it is replaced, moved or removed', async () => {
  const changes = [
    (lake: HdfsLake) => lake.put(path, Buffer.from('shorter')),
    (lake: HdfsLake) => lake.move(path, 'aside'),
    (lake: HdfsLake) => lake.remove(path),
  ]
  for (const change of changes) {
    const fake = await FakeHdfs.start()
    const lake = openTestHdfsLake(hdfsSettings([fake.address], '/lake'))
    const staged = { path, stagedPath: 't/_staging/c1/0.staged' }
    await lake.stage({ ...staged, chunks: [head] })
    await lake.publish({ ...staged, sizeBytes: head.length })
    await change(lake)
    await lake.stage({ path, stagedPath, chunks: [tail] })
    expect((await lake.tails.join(join)).kind).toMatch(/^(missing|mismatch)$/)
    expect(fake.requests.filter(({ call }) => call === 'CONCAT')).toEqual([])
    await fake.close()
  }
})

test.each([
  ['a namenode', false, 'HadoopIllegalArgumentException'],
  ['HttpFS', true, 'concat: source file is empty'],
] as const)(
  'a folder that refuses is known before by %s, and left clean',
  async (_, httpfs, told) => {
    const fake = await FakeHdfs.start()
    fake.httpfs = httpfs
    const lake = await openOn(fake)
    fake.concats = false
    expect(await lake.tails.canJoinIn('t')).toEqual({
      kind: 'refuses',
      reason: expect.stringContaining(told),
    })
    expect(fake.files).toEqual([`/lake/${path}`])
    await fake.close()
  },
)

test('whether a folder takes tails is found out though any one answer is lost', async () => {
  for (let failAt = 1; ; failAt++) {
    const fake = await FakeHdfs.start()
    const lake = await openOn(fake)
    let count = 0
    fake.fail = () => (++count === failAt ? { moment: 'after', answer: 'reset' } : undefined)
    expect(await lake.tails.canJoinIn('t'), `failAt ${failAt}`).toEqual({ kind: 'joins' })
    expect(fake.files, `failAt ${failAt}`).toEqual([`/lake/${path}`])
    await fake.close()
    if (count < failAt) return expect(failAt).toBeGreaterThan(5)
  }
})
