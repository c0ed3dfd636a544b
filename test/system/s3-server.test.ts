/** The S3 servers that other tests stand on: killed, paused, started again on their data. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { hasS3, RealS3 } from '../support/real-s3.ts'

describe.each(['s3', 's3-minio'] as const)('%s', (name) => {
  describe.skipIf(!hasS3(name))('is a server', () => {
    let server: RealS3
    beforeAll(async () => {
      server = await RealS3.start(name)
    })
    afterAll(() => server?.close())

    const textOf = async (Bucket: string, Key: string): Promise<string | undefined> => {
      const { Body } = await server.client.send(new GetObjectCommand({ Bucket, Key }))
      return Body?.transformToString()
    }

    test('objects and open uploads outlive a SIGKILL', async () => {
      const Bucket = await server.createBucket()
      const { client } = server
      await client.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'of before' }))
      const upload = { Bucket, Key: 'uploaded' }
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(upload))
      const part = { ...upload, UploadId, PartNumber: 1 }
      const { ETag } = await client.send(new UploadPartCommand({ ...part, Body: 'in parts' }))
      await server.kill()
      await server.startAgain()
      expect(await textOf(Bucket, 'kept')).toBe('of before')
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] }
      await client.send(
        new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }),
      )
      expect(await textOf(Bucket, 'uploaded')).toBe('in parts')
    })

    test('nobody answers while it is paused', async () => {
      const Bucket = await server.createBucket()
      server.pause()
      // Its threads stop some moments after the signal was sent.
      const settled = await eventually('nobody answers', 10_000, async () => {
        const putting = server.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'b' }))
        const answered = putting.then(() => 'answered')
        const bound = new Promise((resolve) => setTimeout(resolve, 300, 'silent'))
        return (await Promise.race([answered, bound])) === 'silent' ? { answered } : undefined
      })
      server.resume()
      expect(await settled.answered).toBe('answered')
    })
  })
})
