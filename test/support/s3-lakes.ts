/** S3 lakes for tests: on the system's clock, in a folder of their own. */

import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GetObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { openS3Lake, type S3Settings } from '../../src/adapters/s3/open-s3-lake.ts'
import type { S3Lake } from '../../src/adapters/s3/s3-lake.ts'
import { Secret } from '../../src/base/secret.ts'
import type { DurationMs } from '../../src/base/time.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Telemetry } from '../../src/ports/telemetry.ts'
import { s3Credentials } from '../system/services/s3-server.ts'
import type { FakeS3 } from './fake-s3.ts'

/** Settings of a lake at `prefix`, as the user that test servers know. */
export const s3Settings = (endpoint: string, bucket: string, prefix: string): S3Settings => ({
  url: `s3://${bucket}/${prefix}`,
  place: { bucket, prefix },
  endpoint,
  region: 'us-east-1',
  pathStyle: true,
  credentials: {
    accessKey: new Secret(s3Credentials.accessKeyId),
    secretKey: new Secret(s3Credentials.secretAccessKey),
  },
  encryption: {},
  requesterPays: false,
})

const silent: Telemetry = {
  log: { error: () => {}, warn: () => {}, info: () => {} },
  metrics: { count: () => {}, gauge: () => {}, observe: () => {} },
}

export const openTestS3Lake = (settings: S3Settings, clock: Clock = new SystemClock()): S3Lake =>
  openS3Lake(settings, { clock, random: new SystemRandom(), telemetry: silent })

/** Sleeps take no time and are added up. */
export class HurriedClock extends SystemClock {
  sleptMs = 0

  override async sleep(span: DurationMs): Promise<void> {
    this.sleptMs += span
  }
}

/** As if the server had been asked before: sixty puts less. */
export function knowAsConditional({ endpoint, bucket, objects }: FakeS3, prefix: string): void {
  const verdict = JSON.stringify({ format: 1, endpoint, bucket, winners: [1, 1, 1] })
  const key = `${prefix}/_lakeward/conditional-writes.json`
  objects.set(key, { body: Buffer.from(verdict), metadata: {}, modified: new Date() })
}

export interface BucketPlace {
  readonly client: S3Client
  readonly bucket: string
  /** Of the lake, without a slash at its end. */
  readonly prefix: string
}

/**
 * Copies the published files of the table `numbers` into a folder, as any client of S3 does.
 * @returns how many.
 */
export async function copyTable(place: BucketPlace, folder: string): Promise<number> {
  const { client, bucket: Bucket, prefix } = place
  const Prefix = `${prefix}/numbers/`
  let count = 0
  for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
    for (const { Key = '' } of Contents ?? []) {
      if (!Key.endsWith('.parquet')) continue
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
      const target = join(folder, Key.slice(prefix.length + 1))
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, (await Body?.transformToByteArray()) ?? new Uint8Array(0))
      count += 1
    }
  }
  return count
}
