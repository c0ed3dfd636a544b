/** The S3 servers that other tests stand on: killed, paused, started again on their data. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
      await server.pause()
      const putting = server.client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'b' }))
      const answered = putting.then(() => 'answered')
      // However long it is waited for: nobody is there to answer.
      expect(await Promise.race([answered, sleep(1_000, 'silent')])).toBe('silent')
      server.resume()
      expect(await answered).toBe('answered')
    })
  })
})
