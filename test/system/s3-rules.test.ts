/** Rules of a bucket, as real servers tell them; versitygw has none. */
import { type LifecycleRule, PutBucketLifecycleConfigurationCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StorageRules } from '../../src/ports/lake.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'
import { openTestS3Lake, s3Settings } from '../support/s3-lakes.ts'

const rulesOf = (server: RealS3, bucket: string): Promise<StorageRules> =>
  openTestS3Lake(s3Settings(server.endpoint, bucket, 'lake')).rules(
    ['t'],
    new AbortController().signal,
  )

describe.skipIf(!hasS3('s3'))('s3', () => {
  test('a store without rules is told as one', async () => {
    const server = await RealS3.start('s3')
    try {
      const rules = await rulesOf(server, await server.createBucket())
      const reason = expect.stringContaining('501 NotImplemented')
      expect(rules).toEqual({ kind: 'unknown', reason })
    } finally {
      await server.close()
    }
  })
})

describe.skipIf(!hasS3('s3-minio'))('s3-minio', () => {
  let server: RealS3
  beforeAll(async () => {
    server = await RealS3.start('s3-minio')
  })
  afterAll(() => server?.close())

  test('rules are read as they were set, and none where none are', async () => {
    const Bucket = await server.createBucket()
    expect(await rulesOf(server, Bucket)).toEqual({ kind: 'told', against: [] })
    const set = (ID: string, Prefix: string): LifecycleRule => {
      return { ID, Status: 'Enabled', Filter: { Prefix }, Expiration: { Days: 30 } }
    }
    const Rules = [set('ours', 'lake/t/'), set('theirs', 'other/')]
    const LifecycleConfiguration = { Rules }
    await server.client.send(
      new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }),
    )
    const says = 'rule "ours" removes objects below "lake/t/" after 30 days'
    const against = [{ says, endsUploads: false }]
    expect(await rulesOf(server, Bucket)).toEqual({ kind: 'told', against })
  })
})
