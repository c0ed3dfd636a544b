/**
 * What a test may have go wrong: late answers, errors, lost requests and answers, cut connections,
 * records not yet visible, a newer leader.
 *
 * Invariant: nothing goes wrong that was not asked for; `clear` takes everything back.
 */

import { present } from '../../base/assert.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { ApiName } from './apis/table.ts'
import type { ErrorCode } from './error-code.ts'
import type { PartitionLog } from './log/partition-log.ts'

/** When a connection is cut: the request has had no effect, or it had and the answer is lost. */
export type CutMoment = 'before-effect' | 'after-effect'

/** What is to go wrong with one request. */
export type InjectedFault =
  | { readonly kind: 'error'; readonly errorCode: ErrorCode }
  | { readonly kind: 'cut'; readonly moment: CutMoment }

interface Planned {
  readonly fault: InjectedFault
  left: number
}

/** What the injection reaches into. */
export interface FaultTargets {
  readonly partition: (at: TopicPartition) => PartitionLog | undefined
  readonly wake: (log: PartitionLog) => void
  readonly dropConnections: () => void
}

export class BrokerFaults {
  readonly #targets: FaultTargets
  readonly #delaysMs = new Map<ApiName, number>()
  readonly #planned = new Map<ApiName, Planned[]>()
  readonly #held = new Map<PartitionLog, bigint>()

  constructor(targets: FaultTargets) {
    this.#targets = targets
  }

  /** Holds each answer of `api` back for `delayMs`; 0 ends it. */
  delay(api: ApiName, delayMs: number): void {
    if (delayMs > 0) this.#delaysMs.set(api, delayMs)
    else this.#delaysMs.delete(api)
  }

  /** Answers the next `count` requests of `api` with an error, without effect. */
  fail(api: ApiName, errorCode: ErrorCode, count = 1): void {
    this.#plan(api, { kind: 'error', errorCode }, count)
  }

  /** Cuts the connection at the next `count` requests of `api` instead of answering. */
  cut(api: ApiName, moment: CutMoment, count = 1): void {
    this.#plan(api, { kind: 'cut', moment }, count)
  }

  /** Cuts every connection there is. */
  dropConnections(): void {
    this.#targets.dropConnections()
  }

  /** Shows readers nothing at or beyond `highWatermark`, whatever is appended. */
  hold(at: TopicPartition, highWatermark: bigint): void {
    const log = this.#log(at)
    this.#held.set(log, highWatermark)
    log.hold(highWatermark)
  }

  /** Shows readers everything again. */
  release(at: TopicPartition): void {
    this.#release(this.#log(at))
  }

  /** A new leader takes over: readers and writers with the former epoch are fenced. */
  raiseLeaderEpoch(at: TopicPartition): void {
    const log = this.#log(at)
    log.raiseLeaderEpoch(log.leaderEpoch + 1)
    this.#targets.wake(log)
  }

  clear(): void {
    this.#delaysMs.clear()
    this.#planned.clear()
    for (const log of this.#held.keys()) this.#release(log)
  }

  /** For the server: how long the answer of `api` is held back. */
  delayMsOf(api: ApiName): number {
    return this.#delaysMs.get(api) ?? 0
  }

  /** For the server: what goes wrong with this request of `api`. Used up by asking. */
  take(api: ApiName): InjectedFault | undefined {
    const queue = this.#planned.get(api)
    const next = queue?.[0]
    if (queue === undefined || next === undefined) return undefined
    next.left -= 1
    if (next.left <= 0) queue.shift()
    return next.fault
  }

  #plan(api: ApiName, fault: InjectedFault, count: number): void {
    const queue = this.#planned.get(api) ?? []
    queue.push({ fault, left: count })
    this.#planned.set(api, queue)
  }

  #release(log: PartitionLog): void {
    this.#held.delete(log)
    log.hold(undefined)
    this.#targets.wake(log)
  }

  #log(at: TopicPartition): PartitionLog {
    return present(this.#targets.partition(at), `"${at.topic}/${at.partition}" is a partition`)
  }
}
