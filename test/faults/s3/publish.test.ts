/** Staging and publishing on S3 with the Nth request failing, before and after its effect. */
import { expect, test } from 'vitest'
import { isFault } from '../../../src/base/fault.ts'
import type { Lake, PublishOutcome } from '../../../src/ports/lake.ts'
import { type FakeAnswer, FakeS3 } from '../../support/fake-s3.ts'
import {
  HurriedClock,
  knowAsConditional,
  openTestS3Lake,
  s3Settings,
} from '../../support/s3-lakes.ts'

const place = { stagedPath: 't/_staging/c/0.staged', path: 't/dt=2026-11-20/0.parquet' }
const rows = Buffer.alloc(65_536, 'rows')
const entry = Buffer.from('entry')

const answers: readonly (readonly [string, FakeAnswer | 'reset'])[] = [
  ['503', { status: 503, code: 'SlowDown' }],
  ['a reset', 'reset'],
]

/** Journal, stage, decide, publish: as the committer does. */
async function commit(lake: Lake): Promise<PublishOutcome> {
  await lake.putIfAbsent('t/_staging/c/head.json', entry)
  await lake.stage({ ...place, chunks: [rows] })
  expect(await lake.putIfAbsent('log/1', entry)).toEqual({ kind: 'created' })
  const outcome = await lake.publish({ ...place, sizeBytes: rows.length })
  await lake.remove('t/_staging/c/head.json')
  return outcome
}

async function opened(): Promise<{ fake: FakeS3; lake: Lake; firstNumber: number }> {
  const fake = await FakeS3.start()
  const settings = s3Settings(fake.endpoint, fake.bucket, 'lake')
  knowAsConditional(fake, 'lake')
  const lake = openTestS3Lake(settings, new HurriedClock())
  await lake.requireConditionalWrites()
  return { fake, lake, firstNumber: fake.requests.length + 1 }
}

test.each(
  answers.flatMap(([name, answer]) =>
    (['before', 'after'] as const).map((moment) => [name, moment, answer] as const),
  ),
)('%s %s the effect of any one request changes nothing of the end', async (_, moment, answer) => {
  for (let failAt = 0; ; failAt++) {
    const { fake, lake, firstNumber } = await opened()
    fake.fail = ({ number }) => (number === firstNumber + failAt ? { moment, answer } : undefined)
    const { kind } = await commit(lake)
    expect(['published', 'already-published'], `failAt ${failAt}`).toContain(kind)
    const keys = [...fake.objects.keys()].filter((key) => !key.includes('_lakeward'))
    expect(keys.sort(), `failAt ${failAt}`).toEqual(['lake/log/1', `lake/${place.path}`])
    expect(fake.objects.get(`lake/${place.path}`)?.body.equals(rows)).toBe(true)
    expect(fake.uploads.size, `failAt ${failAt}`).toBe(0)
    await fake.close()
    if (fake.requests.length < firstNumber + failAt) {
      expect(failAt).toBeGreaterThan(7)
      return
    }
  }
})

test('a store that fails from some request on ends in a fault that says to try again', async () => {
  for (let failAt = 0; failAt < 8; failAt++) {
    const { fake, lake, firstNumber } = await opened()
    fake.fail = ({ number }) =>
      number >= firstNumber + failAt ? { moment: 'before', answer: 'reset' } : undefined
    const outcome = await commit(lake).catch((error: unknown) => error)
    expect(isFault(outcome, 'LAKE_UNAVAILABLE'), `failAt ${failAt}`).toBe(true)
    // Whoever comes next finds the file, or takes all of it away.
    fake.fail = () => undefined
    const decided = fake.objects.has('lake/log/1')
    const next = openTestS3Lake(s3Settings(fake.endpoint, fake.bucket, 'lake'), new HurriedClock())
    if (decided) {
      const { kind } = await next.publish({ ...place, sizeBytes: rows.length })
      expect(['published', 'already-published'], `failAt ${failAt}`).toContain(kind)
    } else {
      await next.discard(place)
    }
    expect(fake.objects.has(`lake/${place.path}`)).toBe(decided)
    expect(fake.uploads.size, `failAt ${failAt}`).toBe(0)
    await fake.close()
  }
})
