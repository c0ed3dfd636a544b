/** Answers that are not of S3: of proxies, portals, load balancers whose store is away. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { S3Lake } from '../../../../src/adapters/s3/s3-lake.ts'
import { type FakeAnswer, FakeS3 } from '../../../support/fake-s3.ts'
import {
  HurriedClock,
  knowAsConditional,
  openTestS3Lake,
  s3Settings,
} from '../../../support/s3-lakes.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const textOf = (found: Uint8Array | undefined): string => Buffer.from(found ?? []).toString()
const place = { stagedPath: 't/_staging/c/0.staged', path: 't/dt=2026-11-20/0.parquet' }
const staging = { ...place, chunks: [bytes('rows')] }
const largeBytes = 6 * 1_048_576

const page = '<html><head><title>away</title></head><body>away</body></html>'
const html = { 'content-type': 'text/html' }
const strangers: Readonly<Record<string, FakeAnswer>> = {
  'a page that is not found': { status: 404, headers: html, body: page },
  'nothing, not found': { status: 404 },
  'a text that is not found': { status: 404, body: 'default backend - 404' },
  'a page, as a success': { status: 200, headers: html, body: page },
  'a time that ran out in a proxy': { status: 408, headers: html, body: page },
  'a way to another region of a new bucket': { status: 307, code: 'TemporaryRedirect' },
}

let fake: FakeS3
let lake: S3Lake
beforeEach(async () => {
  fake = await FakeS3.start()
  lake = openAt('lake')
})
afterEach(() => fake.close())

function openAt(prefix: string): S3Lake {
  knowAsConditional(fake, prefix)
  return openTestS3Lake(s3Settings(fake.endpoint, fake.bucket, prefix), new HurriedClock())
}

interface Asked {
  readonly before?: () => Promise<unknown>
  readonly ask: () => Promise<unknown>
  readonly expected: unknown
}

/** Each kind of request, with what it comes to. */
const requests: Readonly<Record<string, Asked>> = {
  read: {
    before: () => lake.put('x', bytes('there')),
    ask: async () => textOf(await lake.read('x')),
    expected: 'there',
  },
  stat: {
    before: () => lake.put('x', bytes('there')),
    ask: async () => (await lake.stat('x'))?.sizeBytes,
    expected: 5,
  },
  list: {
    before: () => lake.put('f/x', bytes('there')),
    ask: async () => (await lake.list('f')).length,
    expected: 1,
  },
  putIfAbsent: {
    before: () => lake.requireConditionalWrites(),
    ask: async () => [await lake.putIfAbsent('x', bytes('new')), textOf(await lake.read('x'))],
    expected: [{ kind: 'created' }, 'new'],
  },
  stage: {
    ask: async () => {
      await lake.stage(staging)
      return [fake.uploads.size, await lake.publish({ ...place, sizeBytes: 4 })]
    },
    expected: [1, { kind: 'published' }],
  },
  publish: {
    before: () => lake.stage(staging),
    ask: async () => {
      await lake.publish({ ...place, sizeBytes: 4 })
      return [textOf(await lake.read(place.path)), fake.uploads.size]
    },
    expected: ['rows', 0],
  },
  discard: {
    before: () => lake.stage(staging),
    ask: async () => {
      await openAt('lake').discard(place)
      return fake.uploads.size
    },
    expected: 0,
  },
  move: {
    before: () => lake.put('x', new Uint8Array(largeBytes)),
    ask: async () => {
      await lake.move('x', 'y')
      return [(await lake.stat('y'))?.sizeBytes, await lake.stat('x')]
    },
    expected: [largeBytes, undefined],
  },
}

describe.each(Object.entries(strangers))('%s', (_, answer) => {
  test.each(Object.keys(requests))('is no answer to any request of %s', async (name) => {
    const { before, ask, expected } = requests[name] as Asked
    // Each request in turn is answered by the stranger, until there are no more.
    for (let nth = 1; ; nth++) {
      fake.objects.clear()
      fake.uploads.clear()
      lake = openAt('lake')
      fake.fail = () => undefined
      await before?.()
      const first = fake.requests.length
      fake.fail = ({ number, method }) => {
        // Who removes something does not ask whether it was there.
        const hit = number === first + nth && method !== 'DELETE'
        return hit ? { moment: 'before', answer } : undefined
      }
      expect(await settled(ask), `request ${nth}`).toEqual(expected)
      if (fake.requests.length < first + nth) return expect(nth).toBeGreaterThan(1)
    }
  })
})

/** As its callers do: what may pass is asked again. */
async function settled(ask: () => Promise<unknown>): Promise<unknown> {
  try {
    return await ask()
  } catch (error) {
    expect(error).toMatchObject({ code: 'LAKE_UNAVAILABLE', retry: 'backoff' })
    return ask()
  }
}

describe('what is not there', () => {
  test('is told by one request where answers have an id, by the body of another where not', async () => {
    await lake.put('else', bytes(''))
    const first = fake.requests.length
    expect(await lake.stat('x')).toBeUndefined()
    expect(fake.requests.length).toBe(first + 1)
    fake.unsigned = true
    expect(await lake.stat('x')).toBeUndefined()
    expect(fake.requests.slice(first + 1).map(({ method }) => method)).toEqual(['HEAD', 'GET'])
  })

  test('is not believed where HEAD and GET differ', async () => {
    await lake.put('x', bytes('there'))
    fake.fail = ({ method }) =>
      method === 'HEAD' ? { moment: 'before', answer: { status: 404 } } : undefined
    await expect(lake.stat('x')).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { operation: 'stat', path: 'x', reason: 'it is there and is not there' },
    })
  })
})

test.each([301, 302, 308])('%i of a proxy is refused with where it leads', async (status) => {
  const answer = { status, headers: { location: 'https://lake.example/' }, body: page }
  fake.fail = () => ({ moment: 'before', answer })
  await expect(lake.read('x')).rejects.toMatchObject({
    code: 'LAKE_REFUSED',
    facts: { path: 'x', reason: expect.stringContaining('"https://lake.example/"') },
  })
  expect(fake.requests).toHaveLength(1)
})

test('what a store has not built is refused at once, by its name for it', async () => {
  fake.fail = () => ({ moment: 'before', answer: { status: 501, code: 'NotImplemented' } })
  await expect(lake.list('f')).rejects.toMatchObject({
    code: 'LAKE_REFUSED',
    facts: { reason: '501 NotImplemented' },
  })
  expect(fake.requests).toHaveLength(1)
})

test('a large object is moved whatever its key is made of', async () => {
  const odd = openAt("a+b %20&é='")
  await odd.put('dt=2026-11-20/x y+z', new Uint8Array(largeBytes))
  expect(await odd.move('dt=2026-11-20/x y+z', 'aside')).toBe(true)
  expect((await odd.stat('aside'))?.sizeBytes).toBe(largeBytes)
})
