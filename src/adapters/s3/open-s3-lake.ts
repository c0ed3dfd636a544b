/**
 * A lake on S3 from its settings.
 *
 * - The SDK repeats nothing: `S3Requests` does, and knows that it did.
 * - Without credentials the SDK's own chain finds them: environment, profile, web identity
 *   (IRSA), container, instance; those that expire are renewed by it.
 * - Checksums are ours (CRC32C, native); the SDK adds none of its own, which some gateways refuse.
 */
import { S3Client } from '@aws-sdk/client-s3'
import { assert } from '../../base/assert.ts'
import type { Secret } from '../../base/secret.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import type { S3Encryption } from './s3-bucket.ts'
import { S3Lake } from './s3-lake.ts'
import type { S3Place } from './s3-url.ts'

/** Both are what `S3Lake.lingersMs` says. */
const connectionTimeoutMs = 5_000
/** Uploads have their own, by their size. */
const requestTimeoutMs = 60_000
/** 16 files at a time, and as many reads. */
const socketsMax = 64
/** What servers other than Amazon's take, whatever they call themselves. */
const regionOfOthers = 'us-east-1'

/** The SDK would print that it repeats no upload; our faults tell what went wrong. */
const silent = { trace: () => {}, debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

export interface S3Settings {
  /** As configured: "s3://bucket/prefix". */
  readonly url: string
  readonly place: S3Place
  /** Of another server than Amazon's: "http://127.0.0.1:9000". */
  readonly endpoint: string | undefined
  readonly region: string | undefined
  /** The bucket stands in the path, not in the name of the host. */
  readonly pathStyle: boolean
  readonly credentials: { readonly accessKey: Secret; readonly secretKey: Secret } | undefined
  readonly encryption: S3Encryption
  /** Every request says that we pay for it. */
  readonly requesterPays: boolean
}

export interface S3Ports {
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

/** Nothing is asked before the first call. */
export function openS3Lake(settings: S3Settings, ports: S3Ports): S3Lake {
  const { url, place, endpoint, encryption } = settings
  const region = settings.region ?? (endpoint === undefined ? undefined : regionOfOthers)
  const where = {
    bucket: place.bucket,
    endpoint: endpoint ?? 'Amazon S3',
    region: region ?? 'the region of the environment',
  }
  const client = clientOf(settings, region)
  return new S3Lake({ ...ports, url, prefix: place.prefix, client, where, encryption })
}

function clientOf(
  { endpoint, pathStyle, credentials, requesterPays }: S3Settings,
  region: string | undefined,
): S3Client {
  const keys =
    credentials === undefined
      ? {}
      : {
          credentials: {
            accessKeyId: credentials.accessKey.reveal(),
            secretAccessKey: credentials.secretKey.reveal(),
          },
        }
  const client = new S3Client({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    ...keys,
    forcePathStyle: pathStyle,
    maxAttempts: 1,
    logger: silent,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
      httpAgent: { keepAlive: true, maxSockets: socketsMax },
      httpsAgent: { keepAlive: true, maxSockets: socketsMax },
    },
  })
  if (requesterPays) payForRequests(client)
  return client
}

/** Not as a field of each command: one that lacks it would be the one that is refused. */
function payForRequests({ middlewareStack }: S3Client): void {
  middlewareStack.add(
    (next) => (asked) => {
      assert(hasHeaders(asked.request), 'what is sent by HTTP has headers')
      asked.request.headers['x-amz-request-payer'] = 'requester'
      return next(asked)
    },
    // Before it is signed: a store compares the headers.
    { step: 'build', name: 'requester-pays' },
  )
}

const hasHeaders = (request: unknown): request is { headers: Record<string, string> } =>
  typeof request === 'object' && request !== null && 'headers' in request
