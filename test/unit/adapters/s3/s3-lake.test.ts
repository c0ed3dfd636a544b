import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { S3Lake } from '../../../../src/adapters/s3/s3-lake.ts'
import { type FakeAnswer, type FakeFailure, FakeS3 } from '../../../support/fake-s3.ts'
import {
  HurriedClock,
  knowAsConditional,
  openTestS3Lake,
  s3Settings,
} from '../../../support/s3-lakes.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const place = { stagedPath: 't/_staging/c/0.staged', path: 't/dt=2026-11-20/0.parquet' }
const request = { ...place, sizeBytes: 4 }
const staging = { ...place, chunks: [bytes('rows')] }

let fake: FakeS3
let clock: HurriedClock
let lake: S3Lake
beforeEach(async () => {
  fake = await FakeS3.start()
  clock = new HurriedClock()
  knowAsConditional(fake, 'lake')
  lake = open()
  await lake.requireConditionalWrites()
  fake.requests.length = 0
})
afterEach(() => fake.close())

const open = (bucket = fake.bucket): S3Lake =>
  openTestS3Lake(s3Settings(fake.endpoint, bucket, 'lake'), clock)

/** The first `count` requests fail. */
const failFirst = (count: number, failure: FakeFailure): void => {
  fake.fail = ({ number }) => (number <= count ? failure : undefined)
}
const failAlways = (answer: FakeAnswer): void => {
  fake.fail = () => ({ moment: 'before', answer })
}
const lostAnswer: FakeFailure = { moment: 'after', answer: 'reset' }

describe('what S3 says no with becomes a fault that names the remedy', () => {
  test.each<[string, FakeAnswer, object]>([
    [
      'an unknown key',
      { status: 403, code: 'InvalidAccessKeyId' },
      { code: 'LAKE_CREDENTIALS_REFUSED', facts: { operation: 'read', bucket: 'fake' } },
    ],
    [
      'an unknown user',
      { status: 404, code: 'XAdminUserNotFound' },
      { code: 'LAKE_CREDENTIALS_REFUSED' },
    ],
    [
      'something of which nobody heard',
      { status: 404, code: 'NoSuchThing' },
      { code: 'LAKE_REFUSED' },
    ],
    [
      'a wrong secret',
      { status: 403, code: 'SignatureDoesNotMatch' },
      { code: 'LAKE_CREDENTIALS_REFUSED' },
    ],
    [
      'a token that ran out',
      { status: 400, code: 'ExpiredToken' },
      { code: 'LAKE_CREDENTIALS_REFUSED' },
    ],
    [
      'a missing permission',
      { status: 403, code: 'AccessDenied' },
      {
        code: 'LAKE_REFUSED',
        facts: { path: 'x', reason: expect.stringContaining('AccessDenied') },
      },
    ],
    [
      'another region',
      {
        status: 301,
        code: 'PermanentRedirect',
        headers: { 'x-amz-bucket-region': 'eu-central-1' },
      },
      { code: 'LAKE_REGION_WRONG', facts: { region: 'us-east-1', bucketRegion: 'eu-central-1' } },
    ],
  ])('%s, at once', async (_, answer, expected) => {
    failAlways(answer)
    await expect(lake.read('x')).rejects.toMatchObject(expected)
    expect(fake.requests).toHaveLength(1)
  })

  test('a missing bucket, whichever way it is found out', async () => {
    const expected = { code: 'LAKE_BUCKET_MISSING', facts: { bucket: 'other' } }
    fake.fail = ({ method }) =>
      method === 'HEAD' ? { moment: 'before', answer: { status: 404 } } : undefined
    await expect(open('other').read('x')).rejects.toMatchObject(expected)
    await expect(open('other').put('x', bytes(''))).rejects.toMatchObject(expected)
    await expect(open('other').list('x')).rejects.toMatchObject(expected)
    await expect(open('other').stat('x')).rejects.toMatchObject(expected)
    expect(await lake.stat('x')).toBeUndefined()
  })

  test('a clock far off is set by the answer; one that stays off is told with the time', async () => {
    const date = 'Fri, 20 Nov 2026 12:00:00 GMT'
    const answer = { status: 403, code: 'RequestTimeTooSkewed', headers: { date } }
    failFirst(1, { moment: 'before', answer })
    expect(await lake.read('x')).toBeUndefined()
    expect(fake.requests[1]?.headers['x-amz-date']).toMatch(/^20261120T1[12]/)
    failAlways(answer)
    await expect(lake.read('x')).rejects.toMatchObject({
      code: 'LAKE_CLOCK_SKEWED',
      facts: { serverTime: date },
    })
  })
})

describe('an overloaded store', () => {
  test.each([
    [503, 'SlowDown'],
    [429, 'TooManyRequests'],
    [500, 'InternalError'],
    [409, 'ConditionalRequestConflict'],
    [400, 'BadDigest'],
  ])('that answers %i %s seven times is waited for, with growing pauses', async (status, code) => {
    failFirst(7, { moment: 'before', answer: { status, code } })
    expect(await lake.putIfAbsent('x', bytes('x'))).toEqual({ kind: 'created' })
    expect(clock.sleptMs).toBeGreaterThan(5_000)
  })

  test('is given up after eight requests, to be tried again by who asked', async () => {
    failAlways({ status: 503, code: 'SlowDown' })
    await expect(lake.read('x')).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { operation: 'read', path: 'x', reason: expect.stringContaining('503 SlowDown') },
      retry: 'backoff',
    })
    expect(fake.requests).toHaveLength(8)
  })
})

describe('a put if absent whose answer is lost', () => {
  test('is known as ours by what stands there', async () => {
    failFirst(1, lostAnswer)
    expect(await lake.putIfAbsent('x', bytes('ours'))).toEqual({ kind: 'created' })
  })

  test('has lost where somebody else’s object stands', async () => {
    failFirst(1, { moment: 'before', answer: 'reset' })
    await open().putIfAbsent('x', bytes('theirs'))
    failFirst(fake.requests.length + 1, { moment: 'before', answer: 'reset' })
    expect(await lake.putIfAbsent('x', bytes('ours'))).toEqual({ kind: 'already-exists' })
  })

  test('is put again where it is told to exist and is not there', async () => {
    fake.fail = ({ number }) =>
      number === 1
        ? { moment: 'before', answer: 'reset' }
        : number === 2
          ? { moment: 'before', answer: { status: 412, code: 'PreconditionFailed' } }
          : undefined
    expect(await lake.putIfAbsent('x', bytes('ours'))).toEqual({ kind: 'created' })
    expect(Buffer.from((await lake.read('x')) ?? []).toString()).toBe('ours')
  })
})

describe('an upload', () => {
  test('costs three requests to stage and two to publish', async () => {
    await lake.stage(staging)
    expect(fake.requests).toHaveLength(3)
    expect(await lake.publish(request)).toEqual({ kind: 'published' })
    expect(fake.requests).toHaveLength(5)
  })

  test('whose completion was answered to nobody stands, and is found to', async () => {
    await lake.stage(staging)
    failFirst(fake.requests.length + 1, { moment: 'before', answer: 'reset' })
    fake.fail = ({ number }) => (number === 4 ? lostAnswer : undefined)
    expect(await lake.publish(request)).toEqual({ kind: 'already-published' })
    expect(await lake.stat(place.stagedPath)).toBeUndefined()
  })

  test('that lost against the same file is aborted', async () => {
    await lake.stage(staging)
    await lake.put(place.path, bytes('rows'))
    expect(await lake.publish(request)).toEqual({ kind: 'already-published' })
    expect(fake.uploads.size).toBe(0)
  })

  test('that lost against a foreign file is kept, and the file with it', async () => {
    await lake.stage(staging)
    await lake.put(place.path, bytes('foreign'))
    expect(await lake.publish(request)).toEqual({ kind: 'mismatch', foundBytes: 7 })
    expect(fake.uploads.size).toBe(1)
    expect(Buffer.from((await lake.read(place.path)) ?? []).toString()).toBe('foreign')
  })

  test('that was opened twice, because an answer was lost, is open once', async () => {
    failFirst(1, lostAnswer)
    await lake.stage(staging)
    expect(fake.uploads.size).toBe(1)
    expect(await lake.publish(request)).toEqual({ kind: 'published' })
    expect(fake.uploads.size).toBe(0)
  })

  test('of a process that died is aborted by its key alone', async () => {
    fake.fail = ({ query }) =>
      query.has('partNumber')
        ? { moment: 'before', answer: { status: 403, code: 'AccessDenied' } }
        : undefined
    await expect(lake.stage(staging)).rejects.toMatchObject({ code: 'LAKE_REFUSED' })
    expect(fake.uploads.size).toBe(1)
    await open().discard(place)
    expect(fake.uploads.size).toBe(0)
  })

  test('that is begun again after it failed leaves none of before', async () => {
    fake.fail = ({ query }) =>
      query.has('partNumber')
        ? { moment: 'before', answer: { status: 403, code: 'AccessDenied' } }
        : undefined
    await expect(lake.stage(staging)).rejects.toMatchObject({ code: 'LAKE_REFUSED' })
    fake.fail = () => undefined
    await lake.stage(staging)
    expect(fake.uploads.size).toBe(1)
  })

  test('is removed with its ticket', async () => {
    await lake.stage(staging)
    await open().remove(place.stagedPath)
    expect(fake.uploads.size).toBe(0)
    expect(await lake.list('t')).toEqual([])
  })

  test('of a ticket that is torn is told with its path', async () => {
    await lake.put(place.stagedPath, bytes('{"format":1'))
    await expect(lake.publish(request)).rejects.toMatchObject({
      code: 'LAKE_FILE_UNREADABLE',
      facts: { path: place.stagedPath },
    })
  })
})

describe('a large object', () => {
  test('is moved inside the store, never over another, and once after a death between', async () => {
    const large = Buffer.alloc(6 * 1_048_576, 'x')
    await lake.put('from', large)
    expect(await lake.move('from', 'aside/to')).toBe(true)
    expect(Buffer.compare(large, (await lake.read('aside/to')) ?? Buffer.of())).toBe(0)
    expect(await lake.stat('from')).toBeUndefined()
    // The copy stood, the original was not removed.
    await lake.put('from', large)
    expect(await lake.move('from', 'aside/to')).toBe(true)
    await lake.put('from', Buffer.alloc(large.length, 'y'))
    await expect(lake.move('from', 'aside/to')).rejects.toMatchObject({ code: 'LAKE_REFUSED' })
    expect(fake.uploads.size).toBe(0)
  })
})

describe('a store', () => {
  const fresh = (): S3Lake => openTestS3Lake(s3Settings(fake.endpoint, fake.bucket, 'new'), clock)

  test('that ignores conditions is refused before the first put, and nothing is kept', async () => {
    fake.conditional = false
    await expect(fresh().putIfAbsent('log/1', bytes('x'))).rejects.toMatchObject({
      code: 'LAKE_NOT_CONDITIONAL',
      facts: { endpoint: fake.endpoint, racers: 20, winners: '20, 20, 20' },
      retry: 'never',
    })
    expect([...fake.objects.keys()].filter((key) => key.startsWith('new/'))).toEqual([])
  })

  test('is asked once, by the first who puts, and again at another endpoint', async () => {
    await fresh().putIfAbsent('log/1', bytes('x'))
    expect(fake.requests.filter(({ key }) => key.includes('/probes/')).length).toBeGreaterThan(60)
    fake.requests.length = 0
    await fresh().putIfAbsent('log/2', bytes('x'))
    expect(fake.requests).toHaveLength(2)
    const path = 'new/_lakeward/conditional-writes.json'
    const verdict = fake.objects.get(path)
    expect(verdict).toBeDefined()
    const elsewhere = JSON.stringify({ ...JSON.parse(String(verdict?.body)), endpoint: 'http://x' })
    await open().put('x', bytes(''))
    fake.objects.set(path, { ...verdict, body: Buffer.from(elsewhere) } as never)
    await fresh().putIfAbsent('log/3', bytes('x'))
    expect(fake.requests.filter(({ key }) => key.includes('/probes/')).length).toBeGreaterThan(60)
  })
})

test.each([true, false])('each request says that we pay for it, or none does: %s', async (pays) => {
  const settings = { ...s3Settings(fake.endpoint, fake.bucket, 'lake'), requesterPays: pays }
  const lake = openTestS3Lake(settings, clock)
  await lake.put('x', bytes('x'))
  await lake.putIfAbsent('y', bytes('y'))
  await lake.stage(staging)
  await lake.list('folder')
  expect(fake.requests.length).toBeGreaterThan(5)
  const told = new Set(fake.requests.map(({ headers }) => headers['x-amz-request-payer']))
  expect([...told]).toEqual([pays ? 'requester' : undefined])
})

test('objects and uploads are encrypted as configured', async () => {
  const encryption = { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key-1' } as const
  const settings = { ...s3Settings(fake.endpoint, fake.bucket, 'lake'), encryption }
  const encrypted = openTestS3Lake(settings, clock)
  await encrypted.put('x', bytes('x'))
  await encrypted.stage(staging)
  const named = fake.requests.filter(({ headers }) => {
    const kind = headers['x-amz-server-side-encryption']
    return kind === 'aws:kms' && headers['x-amz-server-side-encryption-aws-kms-key-id'] === 'key-1'
  })
  expect(named.map(({ method }) => method)).toEqual(['PUT', 'POST', 'PUT'])
})

test('bytes that are not those of the checksum that the store tells are read again, and never given out', async () => {
  fake.objects.set('lake/a', { body: Buffer.from('rows'), metadata: {}, modified: new Date() })
  // As moto answers where its library for CRC32C is not installed: with a CRC32.
  const headers = { etag: '"e"', 'x-amz-checksum-crc32c': 'NjAlsg==' }
  const answer = { status: 200, headers, body: 'rows' }
  failFirst(2, { moment: 'after', answer })
  expect(Buffer.from((await lake.read('a')) ?? []).toString()).toBe('rows')
  expect(fake.requests).toHaveLength(3)
  failAlways(answer)
  await expect(lake.read('a')).rejects.toMatchObject({
    code: 'LAKE_UNAVAILABLE',
    facts: { operation: 'read', path: 'a', reason: expect.stringContaining('"NjAlsg=="') },
  })
})
