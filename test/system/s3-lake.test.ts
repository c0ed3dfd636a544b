/** The lake contract on real S3 servers. */
import { CreateBucketCommand, PutObjectLockConfigurationCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe } from 'vitest'
import { lakeContract } from '../contract/lake.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'
import { openTestS3Lake, s3Settings } from '../support/s3-lakes.ts'

describe.each(['s3', 's3-minio'] as const)('%s', (name) => {
  describe.skipIf(!hasS3(name))('as a lake', () => {
    let server: RealS3
    let bucket = ''
    let count = 0
    beforeAll(async () => {
      server = await RealS3.start(name)
      bucket = await server.createBucket()
    })
    afterAll(() => server?.close())

    const lakeIn = async (bucketName: string, folder: string) => {
      const settings = s3Settings(server.endpoint, bucketName, `lake-${++count}/${folder}`)
      const another = () => openTestS3Lake(settings)
      return { lake: another(), another, close: async () => {} }
    }

    lakeContract(name, () => lakeIn(bucket, 'below'))
    lakeContract(`${name}, a prefix of odd characters`, () => lakeIn(bucket, "a+b %20&é=':"))

    // versitygw keeps versions in a folder that it is not given here.
    describe.skipIf(name === 's3')('with versions, each of which is kept for a day', () => {
      const Bucket = 'kept-for-a-day'
      beforeAll(async () => {
        await server.client.send(
          new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }),
        )
        const DefaultRetention = { Mode: 'COMPLIANCE', Days: 1 } as const
        const ObjectLockConfiguration = {
          ObjectLockEnabled: 'Enabled',
          Rule: { DefaultRetention },
        } as const
        await server.client.send(
          new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }),
        )
      })
      lakeContract(`${name}, objects locked`, () => lakeIn(Bucket, 'below'))
    })
  })
})
