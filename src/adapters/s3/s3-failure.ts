/**
 * What an answer of S3 that is no success means, in one place.
 *
 * - `absent`, `exists`, `no-upload`, `beyond` are alternatives that the caller asked for.
 * - `again`: the request may have had its effect, may still, or was turned away for now.
 * - `unnamed` is a 404 to HEAD from who says no more: S3 without a request's id, or a proxy.
 * - An answer that is not S3's, of a proxy or a portal in between, is `again`: it tells nothing of
 *   the lake, least of all that something is not there.
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
  /** By HEAD: the answer has no body that could name what is wrong. */
  readonly asHead?: true
}

/** Where the lake is, for people. */
export interface S3Where {
  readonly bucket: string
  readonly endpoint: string
  readonly region: string
}

/** `beyond`: a range that begins behind the end of the object. */
export type S3Alternative = 'absent' | 'unnamed' | 'exists' | 'no-upload' | 'beyond'

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
/** What the SDK calls answers that name nothing; the last one is any of status 404. */
const nameless = new Set(['Unknown', 'UnknownError', 'NotFound'])
const elsewhere = new Set(['PermanentRedirect', 'AuthorizationHeaderMalformed'])
/** Of a bucket that is so new that its name leads to another region still; and of proxies. */
const movedForNow = 307

/**
 * What every answer of S3 of this kind tells. To be called where the request is sent: an answer
 * without it is none, and is asked for again.
 * @throws {Error} `value` is not there: something else answered, a proxy or a portal.
 */
export function told<T>(value: T | undefined, what: string): T {
  if (value !== undefined) return value
  throw new Error(`what answered told no ${what}, as S3 does`)
}

/** @param error as the SDK throws it. */
export function s3FailureOf(error: unknown, call: S3Call, where: S3Where): S3Failure {
  if (!(error instanceof Error)) throw error
  const { name } = error
  const status = statusOf(error)
  const options = { cause: error }
  const facts = { operation: call.operation, path: call.path, reason: reasonOf(error, status) }
  const again: S3Failure = { kind: 'again', fault: new Fault('LAKE_UNAVAILABLE', facts, options) }
  if (name === 'NoSuchBucket') {
    const { bucket, endpoint } = where
    return { kind: 'fault', fault: new Fault('LAKE_BUCKET_MISSING', { bucket, endpoint }, options) }
  }
  if (name === 'NoSuchUpload') return { kind: 'no-upload' }
  if (status === 412) return { kind: 'exists' }
  if (strangers.has(name)) return strangerFailure(error, call, where)
  if (name === 'RequestTimeTooSkewed') return skewedFailure(error, call, where)
  if (elsewhere.has(name) || (status === 301 && regionTold(error) !== undefined)) {
    return elsewhereFailure(error, where)
  }
  if (overloads.has(name) || conflicts.has(name) || damaged.has(name)) return again
  if (status === 416) return { kind: 'beyond' }
  if (name === 'NoSuchKey' || name === 'NoSuchLifecycleConfiguration') return { kind: 'absent' }
  if (status === 404 && nameless.has(name)) return namelessFailure(error, call, again)
  if (isPassing(status)) return again
  return { kind: 'fault', fault: new Fault('LAKE_REFUSED', facts, options) }
}

function isPassing(status: number | undefined): boolean {
  // A server that ends the connection, or does not answer, leaves no status.
  if (status === undefined || status === 408 || status === 429) return true
  return status === movedForNow || (status >= 500 && status !== 501)
}

/** S3 gives each request an id, and most that speak as it does do; proxies do not. */
function namelessFailure(error: Error, { asHead }: S3Call, again: S3Failure): S3Failure {
  if (asHead !== true) return again
  return { kind: headerOf(error, 'x-amz-request-id') === undefined ? 'unnamed' : 'absent' }
}

function strangerFailure(error: Error, call: S3Call, where: S3Where): S3Failure {
  const { operation, path } = call
  const reason = reasonOf(error, statusOf(error))
  const facts = { operation, path, bucket: where.bucket, reason }
  const fault = new Fault('LAKE_CREDENTIALS_REFUSED', facts, { cause: error })
  return { kind: 'fault', fault }
}

function skewedFailure(error: Error, call: S3Call, { endpoint }: S3Where): S3Failure {
  const serverTime = headerOf(error, 'date') ?? 'another time'
  const facts = { operation: call.operation, path: call.path, endpoint, serverTime }
  const fault = new Fault('LAKE_CLOCK_SKEWED', facts, { cause: error })
  return { kind: 'again', fault, late: true }
}

function elsewhereFailure(error: Error, { bucket, region }: S3Where): S3Failure {
  const facts = { bucket, region, bucketRegion: regionTold(error) ?? 'another region' }
  return { kind: 'fault', fault: new Fault('LAKE_REGION_WRONG', facts, { cause: error }) }
}

const regionTold = (error: Error): string | undefined =>
  headerOf(error, 'x-amz-bucket-region') ?? textOf(error, 'Region')

const statusOf = (error: Error): number | undefined =>
  error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined

function reasonOf(error: Error, status: number | undefined): string {
  const code = textOf(error, 'code')
  const place = headerOf(error, 'location')
  const named = error.name === 'Error' ? code : error.name
  const name = nameless.has(error.name) ? "without an error's name" : named
  const words = [status, name].filter(Boolean).join(' ')
  const isSaid = error.message === error.name || nameless.has(error.message)
  const parts = [words, isSaid ? '' : firstLineOf(error.message)]
  if (place !== undefined) parts.push(`sent on to "${place}", where lakeward does not go`)
  return parts.filter(Boolean).join(': ')
}

/** The SDK goes on with words for who wrote the program. */
const firstLineOf = (message: string): string => message.split('\n', 1)[0] ?? ''

function textOf(error: Error, key: string): string | undefined {
  const value: unknown = Reflect.get(error, key)
  return typeof value === 'string' ? value : undefined
}

function headerOf(error: Error, name: string): string | undefined {
  const headers = error instanceof S3ServiceException ? error.$response?.headers : undefined
  return headers?.[name]
}
