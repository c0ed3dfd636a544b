/**
 * What an answer of S3 that is no success means, in one place.
 *
 * - `absent`, `exists`, `no-upload`, `beyond` are alternatives that the caller asked for.
 * - `again`: the request may have had its effect, may still, or was turned away for now.
 * - Everything else is a fault that tells an operator what to do.
 *
 * Names differ between servers: overload is 503 SlowDown on S3 and 429 TooManyRequests on MinIO.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html.
 */
import { S3ServiceException } from '@aws-sdk/client-s3'
import { Fault } from '../../base/fault.ts'

/** What was asked of which object, for people. */
export interface S3Call {
  readonly operation: string
  /** As the lake's users name it. */
  readonly path: string
}

/** Where the lake is, for people. */
export interface S3Where {
  readonly bucket: string
  readonly endpoint: string
  readonly region: string
}

/** `beyond`: a range that begins behind the end of the object. */
export type S3Alternative = 'absent' | 'exists' | 'no-upload' | 'beyond'

export type S3Failure =
  | { readonly kind: S3Alternative }
  /** `late`: our clock is not the server's; the SDK takes the server's from the answer. */
  | { readonly kind: 'again'; readonly fault: Fault; readonly late?: true }
  | { readonly kind: 'fault'; readonly fault: Fault }

const overloads = new Set(['SlowDown', 'TooManyRequests', 'RequestTimeout', 'ServiceUnavailable'])
/** Nothing was written: somebody else was at the same key. */
const conflicts = new Set(['ConditionalRequestConflict', 'OperationAborted'])
/** What arrived is not what was sent. */
const damaged = new Set(['BadDigest', 'XAmzContentChecksumMismatch', 'IncompleteBody'])
const strangers = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'CredentialsProviderError',
  // versitygw answers it with 404.
  'XAdminUserNotFound',
  'TokenProviderError',
])
/** An answer to HEAD has no body, and so no name of its own. */
const absences = new Set(['NoSuchKey', 'NotFound', 'UnknownError'])
const elsewhere = new Set(['PermanentRedirect', 'AuthorizationHeaderMalformed'])

/** @param error as the SDK throws it. */
export function s3FailureOf(error: unknown, call: S3Call, where: S3Where): S3Failure {
  if (!(error instanceof Error)) throw error
  const { name } = error
  const status = statusOf(error)
  const options = { cause: error }
  const facts = { ...call, reason: reasonOf(error, status) }
  const again: S3Failure = { kind: 'again', fault: new Fault('LAKE_UNAVAILABLE', facts, options) }
  if (name === 'NoSuchBucket') {
    const { bucket, endpoint } = where
    return { kind: 'fault', fault: new Fault('LAKE_BUCKET_MISSING', { bucket, endpoint }, options) }
  }
  if (name === 'NoSuchUpload') return { kind: 'no-upload' }
  if (status === 412) return { kind: 'exists' }
  if (strangers.has(name)) return strangerFailure(error, call, where)
  if (name === 'RequestTimeTooSkewed') return skewedFailure(error, call, where)
  if (elsewhere.has(name) || status === 301) return elsewhereFailure(error, where)
  if (overloads.has(name) || conflicts.has(name) || damaged.has(name)) return again
  if (status === 416) return { kind: 'beyond' }
  if (status === 404 && absences.has(name)) return { kind: 'absent' }
  // A server that ends the connection, or does not answer, leaves no status.
  if (status === undefined || status >= 500 || status === 429) return again
  return { kind: 'fault', fault: new Fault('LAKE_REFUSED', facts, options) }
}

function strangerFailure(error: Error, call: S3Call, where: S3Where): S3Failure {
  const facts = { ...call, bucket: where.bucket, reason: reasonOf(error, statusOf(error)) }
  const fault = new Fault('LAKE_CREDENTIALS_REFUSED', facts, { cause: error })
  return { kind: 'fault', fault }
}

function skewedFailure(error: Error, call: S3Call, { endpoint }: S3Where): S3Failure {
  const serverTime = headerOf(error, 'date') ?? 'another time'
  const facts = { ...call, endpoint, serverTime }
  const fault = new Fault('LAKE_CLOCK_SKEWED', facts, { cause: error })
  return { kind: 'again', fault, late: true }
}

function elsewhereFailure(error: Error, { bucket, region }: S3Where): S3Failure {
  const told = headerOf(error, 'x-amz-bucket-region') ?? textOf(error, 'Region')
  const facts = { bucket, region, bucketRegion: told ?? 'another region' }
  return { kind: 'fault', fault: new Fault('LAKE_REGION_WRONG', facts, { cause: error }) }
}

const statusOf = (error: Error): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined

function reasonOf(error: Error, status: number | undefined): string {
  const code = textOf(error, 'code')
  const words = [status, error.name === 'Error' ? code : error.name].filter(Boolean).join(' ')
  return error.message === '' || error.message === error.name ? words : `${words}: ${error.message}`
}

function textOf(error: Error, key: string): string | undefined {
  const value: unknown = Reflect.get(error, key)
  return typeof value === 'string' ? value : undefined
}

function headerOf(error: Error, name: string): string | undefined {
  const headers = error instanceof S3ServiceException ? error.$response?.headers : undefined
  return headers?.[name]
}
