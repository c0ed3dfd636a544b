/** The S3 servers that other tests stand on: killed, paused, started again on their data. */
import { join } from 'node:path'
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
import { temporaryFolder } from '../support/temporary-folder.ts'
import { ServiceHarness, userPlaces } from './services/service-harness.ts'

describe.skipIf(!hasS3('s3'))('a service', () => {
  test('that three start at once runs once, where each of them is told', async () => {
    await using folder = await temporaryFolder()
    const { cacheRoot } = userPlaces(join(import.meta.dirname, '..', '..'))
    const places = { runRoot: join(folder.path, 'run'), cacheRoot, say: () => {} }
    const harnesses = [1, 2, 3].map(() => new ServiceHarness(places))
    const started = await Promise.all(harnesses.map((harness) => harness.up('s3')))
    try {
      expect(new Set(started.map(({ address }) => address)).size).toBe(1)
      expect(new Set(started.map(({ pids }) => pids['versitygw'])).size).toBe(1)
    } finally {
      for (const { pids } of started) for (const pid of Object.values(pids)) endProcess(pid)
    }
  })
})

/** Also of those that the harness has lost sight of. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was told more than once.
  }
}

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
