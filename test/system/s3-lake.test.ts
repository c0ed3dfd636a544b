/** The lake contract on real S3 servers. */
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

    lakeContract(name, async () => {
      const settings = s3Settings(server.endpoint, bucket, `lake-${++count}/below`)
      const another = () => openTestS3Lake(settings)
      return { lake: another(), another, close: async () => {} }
    })
  })
})
