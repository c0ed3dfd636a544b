import { FakeS3 } from '../support/fake-s3.ts'
import { openTestS3Lake, s3Settings } from '../support/s3-lakes.ts'
import { lakeContract } from './lake.ts'

lakeContract('S3, in memory', async () => {
  const fake = await FakeS3.start()
  const settings = s3Settings(fake.endpoint, fake.bucket, 'lake')
  const another = () => openTestS3Lake(settings)
  return { lake: another(), another, close: () => fake.close() }
})
