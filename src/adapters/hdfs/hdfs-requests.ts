/**
 * One call to HDFS until it is answered, within bounds: the only place that repeats one.
 *
 * - A namenode that is standby, starting or gone is left for the next of the list; the one that
 *   answered last is asked first.
 * - Safe mode and what passes by itself is waited for with growing pauses.
 * - An answer after a repeated call says so: "absent" may then be our own first attempt.
 * - Calls are counted and timed by what they are (`RENAME`) and what they are for (`publish`).
 *
 * Source: docs/hdfs.md, the table of calls and whether they may be repeated.
 */
import { Fault } from '../../base/fault.ts'
import { durationMs } from '../../base/time.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Telemetry } from '../../ports/telemetry.ts'
import {
  type HdfsAlternative,
  type HdfsCall,
  type HdfsFailure,
  type HdfsWhere,
  hdfsFailureOf,
} from './hdfs-failure.ts'

const attemptMax = 8
const firstPauseMs = 100
const pauseMsMax = 5_000
/** Logged: whoever waits that long has a namenode or a datanode under pressure. */
const slowCallMs = 5_000

export type HdfsAnswer<T> =
  | { readonly kind: 'answered'; readonly value: T; readonly repeated: boolean }
  | { readonly kind: HdfsAlternative; readonly repeated: boolean }

/** What one attempt knows: where to go, and how often it was tried. */
interface HdfsAttempt {
  /** "host:port" of the namenode to ask. */
  readonly namenode: string
  /** From 1. */
  readonly number: number
}

export interface HdfsRequest<T> extends HdfsCall {
  /** The operation as WebHDFS names it: "RENAME". */
  readonly name: string
  readonly send: (attempt: HdfsAttempt) => Promise<T>
  /** It does not come as whom others come. */
  readonly isLogin?: true
  /** Nothing is sent any more once it is aborted. */
  readonly signal?: AbortSignal | undefined
}

/** What we come with. */
export interface HdfsLogin {
  readonly version: number
  /**
   * What it was at this version was refused.
   * @returns whether another may be had, which is tried once.
   */
  forget(version: number): boolean
}

export interface HdfsRequestsOptions {
  readonly namenodes: readonly string[]
  readonly where: HdfsWhere
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** Where we come with what may be refused after a time. */
  readonly login?: HdfsLogin | undefined
}

export class HdfsRequests {
  readonly #options: HdfsRequestsOptions
  /** Index of the namenode that is asked first. */
  #active = 0

  constructor(options: HdfsRequestsOptions) {
    this.#options = options
  }

  /** @throws {Fault} `LAKE_…`: not answered within bounds, or refused. */
  async ask<T>(request: HdfsRequest<T>): Promise<HdfsAnswer<T>> {
    const { namenodes, login } = this.#options
    let cameAnew = false
    for (let number = 1, tried = 1; ; number++) {
      if (request.signal?.aborted === true) throw givenUp(request)
      const version = login?.version ?? 0
      const outcome = await this.#attempt(request, number)
      const repeated = number > 1
      if (outcome.kind === 'answered') return { ...outcome, repeated }
      // Another namenode is asked at once; when all were, it is time that helps.
      const isElsewhere = 'elsewhere' in outcome && outcome.elsewhere
      if (isElsewhere && number % namenodes.length !== 0) continue
      if (outcome.kind === 'fault') {
        const isStranger = outcome.fault.code === 'LAKE_USER_REFUSED'
        const mayComeAnew = isStranger && !cameAnew && request.isLogin !== true
        if (!mayComeAnew || login?.forget(version) !== true) throw outcome.fault
        cameAnew = true
        continue
      }
      if (outcome.kind !== 'again') return { kind: outcome.kind, repeated }
      if (tried >= attemptMax) throw outcome.fault
      await this.#pause(tried)
      tried++
    }
  }

  async #attempt<T>(
    { name, send, operation, path }: HdfsRequest<T>,
    number: number,
  ): Promise<{ kind: 'answered'; value: T } | HdfsFailure> {
    const { clock, telemetry, namenodes, where } = this.#options
    const asked = this.#active
    const namenode = namenodes[asked] ?? ''
    const startMs = clock.monotonicMs()
    let outcome = 'ok'
    try {
      return { kind: 'answered', value: await send({ namenode, number }) }
    } catch (error) {
      // Also what is thrown on: a login that failed, before anything was sent.
      outcome = 'fault'
      const failure = hdfsFailureOf(error, { operation, path }, where)
      outcome = failure.kind
      const elsewhere = 'elsewhere' in failure && failure.elsewhere
      // Of many calls that fail at once, one leaves the namenode.
      if (elsewhere && this.#active === asked) this.#active = (asked + 1) % namenodes.length
      return failure
    } finally {
      const tookMs = clock.monotonicMs() - startMs
      const labels = { call: name, phase: operation }
      telemetry.metrics.count('lakeward_hdfs_calls_total', 1, { ...labels, outcome })
      telemetry.metrics.observe('lakeward_hdfs_call_seconds', tookMs / 1_000, labels)
      if (tookMs > slowCallMs) {
        telemetry.log.warn('hdfs slow', { ...labels, path, namenode, tookMs, outcome })
      }
    }
  }

  /** Half of the pause is chance: many writers are turned away at the same moment. */
  async #pause(tried: number): Promise<void> {
    const { clock, random } = this.#options
    const fullMs = Math.min(pauseMsMax, firstPauseMs * 2 ** (tried - 1))
    await clock.sleep(durationMs(fullMs * (0.5 + random.fraction() / 2)))
  }
}

/** Nobody waits for it any more. */
const givenUp = ({ operation, path }: HdfsCall): Fault =>
  new Fault('LAKE_UNAVAILABLE', { operation, path, reason: 'it took too long and was given up' })
