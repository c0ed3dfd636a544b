/**
 * A real S3 server for one test file, with what tests do to it.
 *
 *     describe.skipIf(!hasS3('s3'))('…', () => { … await RealS3.start('s3') … })
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { serviceNamed } from '../system/services/catalogue.ts'
import { artifactsFolder, isFetched } from '../system/services/fetch-artifacts.ts'
import { s3Credentials } from '../system/services/s3-server.ts'
import { ServiceHarness, userPlaces } from '../system/services/service-harness.ts'
import { requireService } from './require-service.ts'

export type S3Name = 's3' | 's3-minio'

const checkout = join(import.meta.dirname, '..', '..')
const places = userPlaces(checkout)

/** The server is in the cache: a test does not build it unasked. */
export const hasS3 = (name: S3Name): boolean =>
  requireService(name, () => isFetched(serviceNamed(name), places.cacheRoot))

export class RealS3 {
  /** "http://127.0.0.1:24001". */
  readonly endpoint: string
  /** As the server's user, for what tests look at behind our back. */
  readonly client: S3Client
  readonly #harness: ServiceHarness
  readonly #name: S3Name
  readonly #instance: string
  readonly #pids: readonly number[]
  #bucketCount = 0

  private constructor(
    harness: ServiceHarness,
    place: { name: S3Name; instance: string; endpoint: string; pids: readonly number[] },
  ) {
    this.#harness = harness
    this.#name = place.name
    this.#instance = place.instance
    this.#pids = place.pids
    this.endpoint = place.endpoint
    this.client = new S3Client({
      endpoint: place.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: s3Credentials,
    })
  }

  /** A server of its own, empty; those of test runs that died are removed first. */
  static async start(name: S3Name): Promise<RealS3> {
    const harness = new ServiceHarness({ ...places, say: () => {} })
    await harness.sweep()
    const instance = `test-${name}-${process.pid}`
    const { address, pids } = await harness.up(name, { instance, ownerPid: process.pid })
    const place = { name, instance, endpoint: address, pids: Object.values(pids) }
    return new RealS3(harness, place)
  }

  /** @returns the name of a bucket that nobody else uses. */
  async createBucket(): Promise<string> {
    const name = `test-bucket-${++this.#bucketCount}`
    await this.client.send(new CreateBucketCommand({ Bucket: name }))
    return name
  }

  /** Of versitygw: a user who may do what policies of buckets say. */
  addUser({ accessKeyId, secretAccessKey }: typeof s3Credentials): void {
    const folder = artifactsFolder(serviceNamed(this.#name), places.cacheRoot)
    const root = ['--access', s3Credentials.accessKeyId, '--secret', s3Credentials.secretAccessKey]
    const user = ['--access', accessKeyId, '--secret', secretAccessKey, '--role', 'user']
    const words = ['admin', ...root, '--endpoint-url', this.endpoint, 'create-user', ...user]
    execFileSync(join(folder, 'versitygw'), words)
  }

  /** Where versitygw has its buckets, as folders. */
  get dataFolder(): string {
    return join(places.runRoot, this.#instance, 'data')
  }

  /** Every write beyond so many bytes of a file fails, as on a full disk; not after a restart. */
  limitFiles(sizeBytesMax: number | 'unlimited'): void {
    for (const pid of this.#pids) {
      // The soft limit alone: the hard one cannot be raised again.
      execFileSync('prlimit', [`--fsize=${sizeBytesMax}:`, '--pid', `${pid}`])
    }
  }

  kill(): Promise<void> {
    return this.#harness.kill(this.#instance)
  }

  pause(): Promise<void> {
    return this.#harness.pause(this.#instance)
  }

  resume(): void {
    this.#harness.resume(this.#instance)
  }

  /** On the same data. @throws {Error} it came up elsewhere: clients would not find it. */
  async startAgain(): Promise<void> {
    const { address } = await this.#harness.up(this.#name, { instance: this.#instance })
    if (address !== this.endpoint) throw new Error(`came up on ${address}, was ${this.endpoint}`)
  }

  /** Ends it and forgets its data. */
  async close(): Promise<void> {
    this.client.destroy()
    await this.#harness.wipe(this.#instance)
  }
}
