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
import { attempt } from './attempt.ts'
import { BackOff } from './back-off.ts'
import {
  deliveryOf,
  isAwaited,
  pendingFor,
  planDeliveries,
  type StreamDeliveries,
} from './delivery-plan.ts'
import { StreamLanes } from './stream-lanes.ts'

const attemptMsMax = 10_000
const takeOverAfterMsMax = 30_000
/** One stream's, before others have their turn. */
const deliveriesInTurnMax = 32

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

/**
 * Deliveries to one target: again and again from the log, each stream in order, never giving up.
 *
 * Knows nothing of other targets, so that one that hangs delays no other; and streams are served
 * beside each other, so that one whose deliveries hang delays no other stream.
 */
export class TargetQueue {
  readonly #notifier: Notifier
  readonly #ports: OutboxPorts
  readonly #deadlineMs: DurationMs
  readonly #acknowledge: (manifest: ReadyManifest) => void
  readonly #acknowledged = new Set<string>()
  readonly #seenAtMs = new Map<string, MonotonicMs>()
  readonly #sent = new Set<string>()
  readonly #backOff: BackOff
  readonly #lanes: StreamLanes
  /** Something was answered since the last round: there may be more to do. */
  #isAnswered = false
  /** Aborted with null: for undefined an exception would be made, with its stack, for nobody. */
  #wake = new AbortController()

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
    this.#backOff = new BackOff(ports.clock, ports.random)
    this.#lanes = new StreamLanes(() => this.#rouse(), notifier.atOnceMax)
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
      lastError: this.#backOff.lastError,
    }
  }

  /**
   * Delivers until `signal` is aborted, looking at the log at least each `pauseMs`; then lets go of
   * the target.
   */
  async run(signal: AbortSignal, pauseMs: DurationMs): Promise<void> {
    const end = (): void => this.#wake.abort(null)
    signal.addEventListener('abort', end, { once: true })
    try {
      while (!signal.aborted) {
        await this.#round(signal)
        await this.#pause(pauseMs, signal)
        this.#lanes.rethrow()
      }
    } finally {
      signal.removeEventListener('abort', end)
      await this.#lanes.end()
      await this.#notifier.close()
    }
    this.#lanes.rethrow()
  }

  /** Until somebody has an answer, and nothing more to do with it; at most `pauseMs`. */
  async #pause(pauseMs: DurationMs, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    await this.#ports.clock.sleep(pauseMs, this.#wake.signal)
    this.#wake = new AbortController()
  }

  #rouse(): void {
    if (this.#isAnswered) this.#wake.abort(null)
  }

  /** Begins what is due and has room; what is under way goes on. */
  async #round(signal: AbortSignal): Promise<void> {
    this.#isAnswered = false
    if (this.#nothingWaits() || !this.#plan().some((due) => this.#hasRoom(due))) return
    const foldedAtMs = this.#ports.clock.monotonicMs()
    try {
      await this.#ports.log.refresh()
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === 'never') throw error
      return
    }
    const lastBeginMs = monotonicMs(foldedAtMs + this.#deadlineMs - this.#attemptMs)
    const jobs = this.#plan().map((due) => ({
      stream: due.stream,
      isSuspect: this.#backOff.isFailing(due.stream),
      run: () => this.#serve(due, lastBeginMs, signal),
    }))
    this.#lanes.offer(jobs)
  }

  #hasRoom({ stream }: StreamDeliveries): boolean {
    return this.#lanes.hasRoom({ stream, isSuspect: this.#backOff.isFailing(stream) })
  }

  /** As nearly always: then nothing is remembered of what did, and nothing is planned. */
  #nothingWaits(): boolean {
    const { undelivered } = this.#ports.log.state
    if (undelivered.some(({ targets }) => targets.includes(this.target))) return false
    if (this.#seenAtMs.size > 0) this.#forgetWhatIsDone()
    return true
  }

  #plan(): readonly StreamDeliveries[] {
    const { log, clock } = this.#ports
    this.#forgetWhatIsDone()
    return planDeliveries({
      target: this.target,
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
      isHeld: (stream) => this.#lanes.isBusy(stream) || this.#backOff.isPaused(stream),
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
    this.#backOff.keep(streams)
    this.#lanes.keep(streams)
  }

  /** The longest that one call may take. */
  get #attemptMs(): DurationMs {
    return durationMs(Math.min(attemptMsMax, this.#deadlineMs / 2))
  }

  /** One stream's: first what was sent is read back, whatever becomes of the rest. */
  async #serve(
    { sends, readBacks }: StreamDeliveries,
    lastBeginMs: MonotonicMs,
    signal: AbortSignal,
  ): Promise<void> {
    for (const manifest of readBacks.slice(0, deliveriesInTurnMax)) {
      if (signal.aborted || !(await this.#readBack(manifest, signal))) break
    }
    await this.#sendInOrder(sends.slice(0, deliveriesInTurnMax), lastBeginMs, signal)
  }

  /**
   * One stream's announcements, up to the first that fails or that would end past the deadline. The
   * plan may have waited for its turn: what was delivered by others since is not sent again, and
   * what was outdated since not after its successor.
   */
  async #sendInOrder(
    manifests: readonly ReadyManifest[],
    lastBeginMs: MonotonicMs,
    signal: AbortSignal,
  ): Promise<void> {
    for (const manifest of manifests) {
      if (this.#ports.clock.monotonicMs() > lastBeginMs || signal.aborted) return
      if (!isAwaited(this.#ports.log.state, deliveryOf(manifest, this.target))) continue
      const done = await this.#attempt(manifest, signal, async (limit) => {
        await this.#notifier.deliver(manifest, limit)
        return true
      })
      if (done !== true) return
      if (this.#notifier.readable) this.#sent.add(manifest.id)
      else this.#confirm(manifest)
    }
  }

  /** @returns false when there was no answer. */
  async #readBack(manifest: ReadyManifest, signal: AbortSignal): Promise<boolean> {
    const shown = await this.#attempt(manifest, signal, (limit) =>
      this.#notifier.readBack(manifest, limit),
    )
    if (shown === true) this.#confirm(manifest)
    // Somebody removed or overwrote it: it is sent again.
    else if (shown === false) this.#sent.delete(manifest.id)
    return shown !== undefined
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
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> {
    const limits = { clock: this.#ports.clock, longestMs: this.#attemptMs, signal }
    try {
      const result = await attempt(limits, call)
      this.#backOff.answered(manifest.stream)
      this.#isAnswered = true
      return result
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      if (!signal.aborted) this.#failed(manifest, error)
      return undefined
    }
  }

  #failed({ id, stream }: ReadyManifest, fault: Fault): void {
    const failures = this.#backOff.failed(stream, fault.message)
    const fields = { target: this.target, id, failures, error: fault }
    this.#ports.telemetry.log.warn('delivery-failed', fields)
  }
}
