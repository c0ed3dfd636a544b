/** What S3 is asked, and so paid for: by commits, and by a daemon that has nothing to do. */
import { expect, test } from 'vitest'
import { SystemClock } from '../../../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../../../src/adapters/local/system-random.ts'
import { durationMs } from '../../../../src/base/time.ts'
import { openCommitLog } from '../../../../src/committer/commit-log.ts'
import { Committer } from '../../../../src/committer/committer.ts'
import { bringHome } from '../../../../src/committer/way-home.ts'
import type { CommitLog } from '../../../../src/ports/commit-log.ts'
import { Announcer } from '../../../../src/readiness/announcer.ts'
import { SimTelemetry } from '../../../sim/telemetry.ts'
import { FakeS3 } from '../../../support/fake-s3.ts'
import { appendDraft, sealedCommit, startRange } from '../../../support/log-samples.ts'
import { appEvents, lane } from '../../../support/readiness-world.ts'
import { knowAsConditional, openTestS3Lake, s3Settings } from '../../../support/s3-lakes.ts'

const perFileMax = 5
const perCommitMax = 8

interface OnS3 {
  readonly fake: FakeS3
  readonly log: CommitLog
  readonly committer: Committer
  readonly announcer: Announcer
  readonly minute: () => Promise<void>
}

/** A log on S3 with one topic-partition, whose first commit is done: all is known and open. */
async function opened(): Promise<OnS3> {
  const fake = await FakeS3.start()
  knowAsConditional(fake, 'lake')
  const lake = openTestS3Lake(s3Settings(fake.endpoint, fake.bucket, 'lake'))
  const telemetry = new SimTelemetry()
  const ports = { lake, clock: new SystemClock(), random: new SystemRandom(), telemetry }
  const log = await openCommitLog({ ...ports, pipeline: 'growth' })
  const committer = new Committer({ ...ports, log, pipeline: 'growth' })
  const setup = {
    pipeline: 'growth',
    lakeUrl: lake.url,
    lane,
    commitIntervalMs: durationMs(60_000),
    streams: () => [appEvents],
    ends: () => new Map(),
    assigned: () => undefined,
    lakeTrouble: () => undefined,
  }
  const brokers = {
    metadata: () => Promise.resolve({ clusterId: 'c' as never, sources: [], missingTopics: [] }),
  }
  const announcer = new Announcer(setup, { ...ports, log, brokers })
  await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
  await committer.commit(sealedCommit(log.nextCommitId(), 0, 5))
  const { signal } = new AbortController()
  /** What a daemon does in a minute, by its own intervals. */
  const minute = async (): Promise<void> => {
    for (let second = 0; second < 60; second++) await announcer.turn()
    await committer.publishPending(durationMs(120_000))
    await bringHome({ lake, log, committer, telemetry, signal })
    await log.readOn()
  }
  await minute()
  return { fake, log, committer, announcer, minute }
}

const asked = ({ fake }: OnS3, from: number): readonly string[] =>
  fake.requests.slice(from).map(({ method, key, query }) => {
    const what = query.size === 0 ? key : `${key}?${[...query.keys()].join('&')}`
    return `${method} ${what}`
  })

test('a minute in which nothing happens is one look at the end of the log', async () => {
  const on = await opened()
  const before = on.fake.requests.length
  await on.minute()
  expect(asked(on, before)).toEqual([
    expect.stringMatching(/^GET lake\/_lakeward\/growth\/log\/0{8}\/0+2\.json\?x-id$/),
  ])
  await on.fake.close()
})

test('a commit asks five times for a file and eight times for itself, announcers included', async () => {
  const on = await opened()
  const { fake, log, committer } = on
  for (const [first, next] of [
    [5, 9],
    [9, 12],
  ] as const) {
    const before = fake.requests.length
    await log.readOn()
    const sealed = sealedCommit(log.nextCommitId(), first, next)
    expect((await committer.commit(sealed)).kind).toBe('committed')
    on.announcer.nudge()
    await on.announcer.turn()
    const allowed = perFileMax * sealed.files.length + perCommitMax
    expect(asked(on, before).length, asked(on, before).join('\n')).toBeLessThanOrEqual(allowed)
    // What is counted must have been asked at all: the entry, its file, and a checkpoint's list.
    expect(asked(on, before).join('\n')).toMatch(/PUT .*\/log\/[^]*uploadId[^]*\n?/)
  }
  await fake.close()
})

test('a commit of many tables asks no more for itself than one of one table', async () => {
  const on = await opened()
  const { fake, log, committer } = on
  const sealed = sealedCommit(log.nextCommitId(), 5, 9)
  const names = Array.from({ length: 30 }, (_, index) => `table_${index}`)
  const files = names.flatMap((name) =>
    sealed.files.map((file) => ({ ...file, stream: name, table: name })),
  )
  const places = names.flatMap((name) => sealed.places.map((at) => ({ ...at, stream: name })))
  const before = fake.requests.length
  const outcome = await committer.commit({ ...sealed, files, places })
  expect(outcome.kind).toBe('committed')
  const { length } = asked(on, before)
  expect(length).toBeGreaterThan(3 * files.length)
  expect(length).toBeLessThanOrEqual(perFileMax * files.length + perCommitMax)
  const journals = asked(on, before).filter((line) => line.includes('/growth/_staging/'))
  expect(journals.map((line) => line.split(' ')[0])).toEqual(['PUT', 'DELETE'])
  await fake.close()
})
