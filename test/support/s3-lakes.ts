/** S3 lakes for tests: on the system's clock, in a folder of their own. */

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
