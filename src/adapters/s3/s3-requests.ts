/**
 * One request to S3 until it is answered, within bounds: the only place that repeats one.
 *
 * - The SDK's own retries are off: they hide that an answer was lost, and give up too soon for an
 *   overloaded store (1 of 200 puts was lost with three attempts).
 * - An answer after a repeated request says so: a 412 may then be our own first attempt.
 *
 * Source: docs/adr on lakes on S3; "Performance guidelines" of the Amazon S3 user guide.
 */
import { Fault } from '../../base/fault.ts'
import { durationMs } from '../../base/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Metrics } from '../../ports/telemetry.ts'
import {
  type S3Alternative,
  type S3Call,
  type S3Failure,
  type S3Where,
  s3FailureOf,
} from './s3-failure.ts'

const attemptMax = 8
/** A clock that the SDK cannot set right by the second answer will not be set right. */
const lateAttemptMax = 3
const firstPauseMs = 100
const pauseMsMax = 5_000

export type S3Answer<T> =
  | { readonly kind: 'answered'; readonly value: T; readonly repeated: boolean }
  | { readonly kind: S3Alternative; readonly repeated: boolean }

/** Kinds of requests as S3's price list tells them apart. */
type S3RequestKind = 'write' | 'read' | 'free'

/** US dollars for one, S3 Standard in us-east-1. Source: https://aws.amazon.com/s3/pricing/. */
const dollarsOf: Readonly<Record<S3RequestKind, number>> = {
  write: 0.005 / 1_000,
  read: 0.0004 / 1_000,
  free: 0,
}

export interface S3Request<T> extends S3Call {
  readonly priced: S3RequestKind
  /** Sends it anew each time: a command's middleware must not be used twice. */
  readonly send: () => Promise<T>
  /** Nothing is sent any more once it is aborted. */
  readonly signal?: AbortSignal | undefined
}

export interface S3RequestsOptions {
  readonly where: S3Where
  readonly clock: Clock
  readonly random: Random
  readonly metrics: Metrics
}

export class S3Requests {
  readonly #options: S3RequestsOptions

  constructor(options: S3RequestsOptions) {
    this.#options = options
  }

  /** @throws {Fault} `LAKE_…`: not answered within bounds, or refused. */
  async ask<T>(request: S3Request<T>): Promise<S3Answer<T>> {
    for (let attempt = 1; ; attempt++) {
      if (request.signal?.aborted === true) throw givenUp(request)
      const tried = await this.#attempt(request)
      const repeated = attempt > 1
      if (tried.kind === 'answered') return { ...tried, repeated }
      if (tried.kind === 'fault') throw tried.fault
      if (tried.kind !== 'again') return { kind: tried.kind, repeated }
      if (attempt >= (tried.late === true ? lateAttemptMax : attemptMax)) throw tried.fault
      await this.#pause(attempt)
    }
  }

  /** The same where nothing but success is expected. */
  async value<T>(request: S3Request<T>): Promise<T> {
    const answer = await this.ask(request)
    if (answer.kind === 'answered') return answer.value
    throw unexpected(request, answer.kind)
  }

  async #attempt<T>({
    priced,
    send,
    ...call
  }: S3Request<T>): Promise<{ kind: 'answered'; value: T } | S3Failure> {
    const { metrics, where } = this.#options
    metrics.count('lakeward_lake_request_dollars_total', dollarsOf[priced])
    try {
      const value = await send()
      metrics.count('lakeward_lake_requests_total', 1, { request: priced, outcome: 'ok' })
      return { kind: 'answered', value }
    } catch (error) {
      const failure = s3FailureOf(error, call, where)
      metrics.count('lakeward_lake_requests_total', 1, { request: priced, outcome: failure.kind })
      return failure
    }
  }

  /** Half of the pause is chance: many writers are turned away at the same moment. */
  async #pause(attempt: number): Promise<void> {
    const { clock, random } = this.#options
    const fullMs = Math.min(pauseMsMax, firstPauseMs * 2 ** (attempt - 1))
    await clock.sleep(durationMs(fullMs * (0.5 + random.fraction() / 2)))
  }
}

const givenUp = ({ operation, path }: S3Call): Fault =>
  new Fault('LAKE_UNAVAILABLE', { operation, path, reason: 'it took too long and was given up' })

/** As a fault that may pass: an upload that somebody aborted is staged again as another. */
const unexpected = ({ operation, path }: S3Call, kind: S3Alternative): Fault =>
  new Fault('LAKE_UNAVAILABLE', { operation, path, reason: `S3 answers "${kind}"` })
