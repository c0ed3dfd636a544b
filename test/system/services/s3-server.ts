/** What the S3 servers have in common: one address, one user, one bucket to begin with. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { type Ports, portOf } from './service-kind.ts'

/** Of servers that live on loopback for the length of a test. */
export const s3Credentials = { accessKeyId: 'lakeward', secretAccessKey: 'lakeward-secret' }

/** Stands on every server once it is up. */
export const s3FirstBucket = 'lakeward'

export const s3Address = (ports: Ports): string => `http://127.0.0.1:${portOf(ports, 's3')}`

/** The server takes a signed request, and the first bucket stands. */
export async function isS3Ready(ports: Ports): Promise<boolean> {
  const client = new S3Client({
    endpoint: s3Address(ports),
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: s3Credentials,
  })
  try {
    await client.send(new CreateBucketCommand({ Bucket: s3FirstBucket }))
    return true
  } catch (error) {
    if (error instanceof Error && standing.has(error.name)) return true
    throw error
  } finally {
    client.destroy()
  }
}

const standing = new Set(['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'])
