import { Fault } from '../base/fault.ts'
import {
  type DurationMs,
  durationMs,
  type MonotonicMs,
  monotonicMs,
  type UnixMs,
} from '../base/time.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Notifier } from '../ports/notifier.ts'
import type { Random } from '../ports/random.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { type DeliveryPlan, pendingFor, planDeliveries } from './delivery-plan.ts'

/** Streams that are delivered to one target at the same time. */
const streamsAtOnceMax = 8
const attemptMsMax = 10_000
const firstPauseMs = 1_000
const pauseMsMax = 300_000
const takeOverAfterMsMax = 30_000

export interface OutboxPorts {
  readonly log: CommitLog
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

/** How deliveries to one target stand. */
export interface TargetStatus {
  readonly target: string
  /** False for a target that announcements wait for and that is not configured any more. */
  readonly configured: boolean
  readonly pendingCount: number
  /** Lake's clock when the oldest pending announcement was decided. */
  readonly oldestDecidedAtMs: UnixMs | undefined
  readonly lastError: string | undefined
}

interface Failing {
  readonly failures: number
  readonly retryAtMs: MonotonicMs
  readonly error: string
}

/**
 * Deliveries to one target: again and again from the log, each stream in order, never giving up.
 *
 * Knows nothing of other targets, so that one that hangs delays no other.
 */
export class TargetQueue {
  readonly #notifier: Notifier
  readonly #ports: OutboxPorts
  readonly #deadlineMs: DurationMs
  readonly #acknowledge: (manifest: ReadyManifest) => void
  readonly #acknowledged = new Set<string>()
  readonly #seenAtMs = new Map<string, MonotonicMs>()
  readonly #sent = new Set<string>()
  #answeredCount = 0
  /** By stream. */
  readonly #failing = new Map<string, Failing>()

  /**
   * @param deadlineMs `deliver.deadline`: nothing is written later than this after a fold.
   * @param acknowledge called once for what the target is known to have.
   */
  constructor(
    notifier: Notifier,
    ports: OutboxPorts,
    deadlineMs: DurationMs,
    acknowledge: (manifest: ReadyManifest) => void,
  ) {
    this.#notifier = notifier
    this.#ports = ports
    this.#deadlineMs = deadlineMs
    this.#acknowledge = acknowledge
  }

  get target(): string {
    return this.#notifier.target
  }

  get status(): TargetStatus {
    const pending = pendingFor(this.#ports.log.state, this.target).filter(
      ({ manifest }) => !this.#acknowledged.has(manifest.id),
    )
    return {
      target: this.target,
      configured: true,
      pendingCount: pending.length,
      oldestDecidedAtMs: pending[0]?.decidedAtMs,
      lastError: [...this.#failing.values()].at(-1)?.error,
    }
  }

  /**
   * Delivers until `signal` is aborted, looking at the log at least each `pauseMs`; then lets go of
   * the target.
   */
  async run(signal: AbortSignal, pauseMs: DurationMs): Promise<void> {
    try {
      while (!signal.aborted) {
        const busy = await this.turn(signal)
        if (!busy) await this.#ports.clock.sleep(pauseMs, signal)
      }
    } finally {
      await this.#notifier.close()
    }
  }

  /** Delivers what is due. @returns true when some call was answered: there may be more to do. */
  async turn(signal: AbortSignal): Promise<boolean> {
    if (this.#nothingWaits() || isEmpty(this.#plan())) return false
    const answeredBefore = this.#answeredCount
    const foldedAtMs = this.#ports.clock.monotonicMs()
    try {
      await this.#ports.log.refresh()
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === 'never') throw error
      return false
    }
    const { sends, readBacks } = this.#plan()
    const lastBeginMs = monotonicMs(foldedAtMs + this.#deadlineMs - this.#attemptMs)
    await this.#atOnce(sends, (manifests) => this.#sendInOrder(manifests, lastBeginMs, signal))
    await this.#atOnce(readBacks, (manifest) => this.#readBack(manifest, signal))
    return this.#answeredCount > answeredBefore
  }

  /** As nearly always: then nothing is remembered of what did, and nothing is planned. */
  #nothingWaits(): boolean {
    const { undelivered } = this.#ports.log.state
    if (undelivered.some(({ targets }) => targets.includes(this.target))) return false
    if (this.#seenAtMs.size > 0) this.#forgetWhatIsDone()
    return true
  }

  #plan(): DeliveryPlan {
    const { log, clock } = this.#ports
    this.#forgetWhatIsDone()
    return planDeliveries({
      target: this.target,
      readable: this.#notifier.readable,
      fold: log.state,
      writerId: log.writerId,
      lakeNowMs: log.lakeNowMs(),
      nowMs: clock.monotonicMs(),
      takeOverAfterMs: Math.min(takeOverAfterMsMax, this.#deadlineMs / 2),
      deadlineMs: this.#deadlineMs,
      lingersMs: this.#notifier.lingersMs ?? durationMs(0),
      acknowledged: this.#acknowledged,
      seenAtMs: this.#seenAtMs,
      sent: this.#sent,
      retryAtMs: new Map([...this.#failing].map(([stream, { retryAtMs }]) => [stream, retryAtMs])),
    })
  }

  /** Notes what is new in the log, and drops what the log no longer waits for. */
  #forgetWhatIsDone(): void {
    const pending = pendingFor(this.#ports.log.state, this.target)
    const ids = new Set(pending.map(({ manifest }) => manifest.id))
    const streams = new Set(pending.map(({ manifest }) => manifest.stream))
    for (const id of ids) {
      if (!this.#seenAtMs.has(id)) this.#seenAtMs.set(id, this.#ports.clock.monotonicMs())
    }
    for (const known of [this.#seenAtMs, this.#sent, this.#acknowledged]) {
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
    }
    for (const stream of this.#failing.keys()) {
      if (!streams.has(stream)) this.#failing.delete(stream)
    }
  }

  /** The longest that one call may take. */
  get #attemptMs(): DurationMs {
    return durationMs(Math.min(attemptMsMax, this.#deadlineMs / 2))
  }

  async #atOnce<T>(items: readonly T[], effect: (item: T) => Promise<void>): Promise<void> {
    for (let first = 0; first < items.length; first += streamsAtOnceMax) {
      await Promise.all(items.slice(first, first + streamsAtOnceMax).map(effect))
    }
  }

  /** One stream's announcements, up to the first that fails or that would end past the deadline. */
  async #sendInOrder(
    manifests: readonly ReadyManifest[],
    lastBeginMs: MonotonicMs,
    signal: AbortSignal,
  ): Promise<void> {
    for (const manifest of manifests) {
      if (this.#ports.clock.monotonicMs() > lastBeginMs || signal.aborted) return
      const done = await this.#attempt(manifest, signal, async (attempt) => {
        await this.#notifier.deliver(manifest, attempt)
        return true
      })
      if (done !== true) return
      if (this.#notifier.readable) this.#sent.add(manifest.id)
      else this.#confirm(manifest)
    }
  }

  async #readBack(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    const shown = await this.#attempt(manifest, signal, (attempt) =>
      this.#notifier.readBack(manifest, attempt),
    )
    if (shown === true) this.#confirm(manifest)
    // Somebody removed or overwrote it: it is sent again.
    else if (shown === false) this.#sent.delete(manifest.id)
  }

  #confirm(manifest: ReadyManifest): void {
    this.#sent.delete(manifest.id)
    this.#acknowledged.add(manifest.id)
    this.#acknowledge(manifest)
  }

  /** The acknowledgement was not taken by the log: it is decided anew from there. */
  unconfirm(manifestId: string): void {
    this.#acknowledged.delete(manifestId)
  }

  /** @returns undefined when the call failed: its stream pauses. */
  async #attempt<T>(
    manifest: ReadyManifest,
    signal: AbortSignal,
    call: (attempt: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const attempt = new AbortController()
    const over = new AbortController()
    const abort = (): void => attempt.abort()
    signal.addEventListener('abort', abort, { once: true })
    const limit = this.#ports.clock.sleep(this.#attemptMs, over.signal).then(() => {
      if (!over.signal.aborted) attempt.abort()
    })
    try {
      const result = await call(attempt.signal)
      this.#failing.delete(manifest.stream)
      this.#answeredCount += 1
      return result
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (!signal.aborted) this.#failed(manifest, error)
      return undefined
    } finally {
      signal.removeEventListener('abort', abort)
      over.abort(null)
      await limit
    }
  }

  #failed(manifest: ReadyManifest, fault: Fault): void {
    const { clock, random, telemetry } = this.#ports
    const failures = (this.#failing.get(manifest.stream)?.failures ?? 0) + 1
    const fullMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(failures - 1, 20))
    const retryAtMs = monotonicMs(clock.monotonicMs() + fullMs * (0.5 + random.fraction() / 2))
    this.#failing.set(manifest.stream, { failures, retryAtMs, error: fault.message })
    const fields = { target: this.target, id: manifest.id, failures, error: fault }
    telemetry.log.warn('delivery-failed', fields)
  }
}

const isEmpty = ({ sends, readBacks }: DeliveryPlan): boolean =>
  sends.length === 0 && readBacks.length === 0
