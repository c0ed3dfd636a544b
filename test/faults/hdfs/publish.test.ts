/** Putting, staging and publishing on HDFS with the Nth request failing, both ways. */
import { expect, test } from 'vitest'
import { isFault } from '../../../src/base/fault.ts'
import type { Lake, PublishOutcome } from '../../../src/ports/lake.ts'
import { FakeHdfs, type FakeHdfsFailure, remoteException } from '../../support/fake-hdfs.ts'
import { hdfsSettings, openTestHdfsLake } from '../../support/hdfs-lakes.ts'
import { HurriedClock } from '../../support/s3-lakes.ts'

const place = { stagedPath: 't/_staging/c/0.staged', path: 't/dt=2026-11-20/0.parquet' }
const rows = Buffer.alloc(65_536, 'rows')
const entry = Buffer.from('entry')

const page = { status: 200, body: '<html>The service is being restored</html>' }

const failures: readonly (readonly [string, FakeHdfsFailure])[] = [
  ['lost requests', { moment: 'before', answer: 'reset' }],
  ['lost answers', { moment: 'after', answer: 'reset' }],
  ['requests that land when all is done', { moment: 'late', answer: 'reset' }],
  ['files cut half-way', { moment: 'half', answer: 'reset' }],
  ['files cut half-way, of which all seems well', { moment: 'half', answer: { status: 201 } }],
  ['a page instead of the call', { moment: 'before', answer: page }],
  ['a page instead of the answer', { moment: 'after', answer: page }],
  ['safe mode', { moment: 'before', answer: remoteException('SafeModeException') }],
  [
    'a datanode that lost its namenode after the effect',
    { moment: 'after', answer: remoteException('EOFException') },
  ],
]

/** Journal, stage, decide, publish, note, clean: as the committer does. */
async function commit(lake: Lake): Promise<PublishOutcome> {
  await lake.putIfAbsent('t/_staging/c/head.json', entry)
  await lake.stage({ ...place, chunks: [rows] })
  expect(await lake.putIfAbsent('log/1', entry)).toEqual({ kind: 'created' })
  const outcome = await lake.publish({ ...place, sizeBytes: rows.length })
  await lake.put('hint', entry)
  await lake.remove('t/_staging/c/head.json')
  expect(await lake.move('hint', 'aside/hint')).toBe(true)
  return outcome
}

const openOn = (fake: FakeHdfs): Lake => {
  const settings = { ...hdfsSettings([fake.address], '/lake'), httpfs: fake.httpfs }
  return openTestHdfsLake(settings, { clock: new HurriedClock() })
}

const doors = ['namenodes', 'HttpFS'] as const

async function startFake(door: (typeof doors)[number]): Promise<FakeHdfs> {
  const fake = await FakeHdfs.start()
  fake.httpfs = door === 'HttpFS'
  return fake
}

const objectsOf = async (lake: Lake): Promise<readonly string[]> => {
  const found = await Promise.all(['log', 't', 'aside'].map((folder) => lake.list(folder)))
  return found.flat().map(({ path }) => path)
}

/** Half of a file can be left by a CREATE alone. */
const hits = (failure: FakeHdfsFailure, call: string): boolean =>
  failure.moment !== 'half' || call === 'CREATE-2'

const cases = doors.flatMap((door) => failures.map(([name, how]) => [door, name, how] as const))

test.each(cases)(
  '%s: %s, of any one request, change nothing of the end',
  async (door, _, failure) => {
    for (let failAt = 1; ; failAt++) {
      const fake = await startFake(door)
      let count = 0
      fake.fail = ({ call }) => (hits(failure, call) && ++count === failAt ? failure : undefined)
      const lake = openOn(fake)
      const { kind } = await commit(lake)
      fake.settle()
      expect(['published', 'already-published'], `failAt ${failAt}`).toContain(kind)
      // What lands late in staging is for whoever cleans it away.
      const isLate = failure.moment === 'late'
      const found = await objectsOf(lake)
      const standing = found.filter((path) => !isLate || !path.includes('/_staging/'))
      expect(standing, `failAt ${failAt}`).toEqual(['log/1', place.path, 'aside/hint'])
      expect(Buffer.from((await lake.read(place.path)) ?? []).equals(rows)).toBe(true)
      expect(await lake.read('log/1'), `failAt ${failAt}`).toEqual(entry)
      fake.fail = () => undefined
      await fake.close()
      if (count < failAt) {
        expect(failAt).toBeGreaterThan(4)
        return
      }
    }
  },
)

test.each(doors)('%s: what fails from some request on ends in a fault', async (door) => {
  for (let failAt = 1; ; failAt++) {
    const fake = await startFake(door)
    fake.fail = ({ number }) =>
      number >= failAt ? { moment: 'before', answer: 'reset' } : undefined
    const outcome = await commit(openOn(fake)).catch((error: unknown) => error)
    if (fake.requests.length < failAt) {
      expect(failAt).toBeGreaterThan(15)
      await fake.close()
      return
    }
    expect(isFault(outcome, 'LAKE_UNAVAILABLE'), `failAt ${failAt}`).toBe(true)
    // Whoever comes next finds the file, or takes all of it away.
    fake.fail = () => undefined
    const next = openOn(fake)
    const decided = (await next.read('log/1')) !== undefined
    if (decided) {
      const { kind } = await next.publish({ ...place, sizeBytes: rows.length })
      expect(['published', 'already-published'], `failAt ${failAt}`).toContain(kind)
    } else {
      await next.discard(place)
    }
    expect((await next.stat(place.path)) !== undefined, `failAt ${failAt}`).toBe(decided)
    await fake.close()
  }
})

test.each(doors)('%s: of two that put at once, exactly one is told that it did', async (door) => {
  for (let failAt = 1; failAt <= 12; failAt++) {
    const fake = await startFake(door)
    fake.fail = ({ number }) =>
      number === failAt ? { moment: 'after', answer: 'reset' } : undefined
    const outcomes = await Promise.all(
      ['one', 'two'].map((name) => openOn(fake).putIfAbsent('log/1', Buffer.from(name))),
    )
    const kinds = outcomes.map(({ kind }) => kind).toSorted()
    expect(kinds, `failAt ${failAt}`).toEqual(['already-exists', 'created'])
    const winner = outcomes[0]?.kind === 'created' ? 'one' : 'two'
    const standing = await openOn(fake).read('log/1')
    expect(Buffer.from(standing ?? []).toString(), `failAt ${failAt}`).toBe(winner)
    await fake.close()
  }
})
