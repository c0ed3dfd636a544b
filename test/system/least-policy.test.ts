/** The least policy of `docs/rights.md`, on a store that enforces policies of buckets. */
import { readFileSync } from 'node:fs'
import { PutBucketPolicyCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { S3Lake } from '../../src/adapters/s3/s3-lake.ts'
import { isFault } from '../../src/base/fault.ts'
import { Secret } from '../../src/base/secret.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'
import { openTestS3Lake, s3Settings } from '../support/s3-lakes.ts'

interface Policy {
  readonly Version: string
  readonly Statement: readonly { Effect: string; Action: readonly string[]; Resource: string }[]
}

const user = { accessKeyId: 'least', secretAccessKey: 'least-secret' }
const prefix = 'prefix'
const bytes = (text: string): Uint8Array => Buffer.from(text)
const [, shown = ''] = /```json\n([^`]+)```/.exec(readFileSync('docs/rights.md', 'utf8')) ?? []
const least = JSON.parse(shown) as Policy
const actions = least.Statement.flatMap(({ Action }) => Action)

describe.skipIf(!hasS3('s3'))('the least policy', () => {
  let server: RealS3 | undefined
  beforeAll(async () => {
    server = await RealS3.start('s3')
    server.addUser(user)
  })
  afterAll(() => server?.close())

  /** Opens a lake in a bucket of its own, as a user who has the policy without some action. */
  async function lakesWithout(action?: string): Promise<() => S3Lake> {
    if (server === undefined) throw new Error('the server was not started')
    const bucket = await server.createBucket()
    const Statement = least.Statement.map(({ Action, Resource, ...more }) => ({
      ...more,
      Principal: { AWS: [user.accessKeyId] },
      Action: Action.filter((one) => one !== action),
      Resource: Resource.replace(':::bucket', `:::${bucket}`),
    }))
    const Policy = JSON.stringify({ Version: least.Version, Statement })
    await server.client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }))
    const { accessKeyId, secretAccessKey } = user
    const credentials = {
      accessKey: new Secret(accessKeyId),
      secretKey: new Secret(secretAccessKey),
    }
    const settings = { ...s3Settings(server.endpoint, bucket, prefix), credentials }
    return () => openTestS3Lake(settings)
  }

  /** Whatever a lake is asked for, of the log and of files. */
  async function everything(open: () => S3Lake): Promise<void> {
    const lake = open()
    await lake.requireConditionalWrites()
    expect(await lake.putIfAbsent('log/1', bytes('one'))).toEqual({ kind: 'created' })
    expect(await lake.putIfAbsent('log/1', bytes('two'))).toEqual({ kind: 'already-exists' })
    expect(await lake.read('log/2')).toBe(undefined)
    expect((await lake.list('log')).length).toBe(1)
    const place = { stagedPath: 'numbers/_staging/c/0.staged', path: 'numbers/p/a.parquet' }
    const file = { ...place, chunks: [bytes('PAR1')] }
    await lake.stage(file)
    expect(await lake.publish({ ...place, sizeBytes: 4 })).toEqual({ kind: 'published' })
    expect(await lake.move(place.path, 'numbers/q/a.parquet')).toBe(true)
    await lake.put('numbers/q/large', new Uint8Array(6_000_000))
    expect(await lake.move('numbers/q/large', 'numbers/q/moved')).toBe(true)
    await lake.remove('numbers/q/a.parquet')
    // Of a process that died before its ticket stood: found by listing.
    await lake.stage(file)
    await lake.remove(place.stagedPath)
    await open().discard(place)
    expect(await lake.publish({ ...place, sizeBytes: 4 })).toEqual({ kind: 'missing' })
  }

  test('is enough for everything that a lake is asked for', async () => {
    await everything(await lakesWithout())
  })

  test.each(actions)(
    'has no more than it needs: without %s something is refused',
    async (action) => {
      const lakes = await lakesWithout(action)
      const refused = await everything(lakes).then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(isFault(refused, 'LAKE_REFUSED') ? refused.message : refused).toMatch(
        /403 AccessDenied/,
      )
    },
  )
})
