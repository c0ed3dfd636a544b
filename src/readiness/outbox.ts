import { type DurationMs, durationMs } from '../base/time.ts'
import type { Delivery } from '../model/log-entry.ts'
import type { Notifier } from '../ports/notifier.ts'
import { deliveryOf, isAwaited, pendingFor } from './delivery-plan.ts'
import { type OutboxPorts, TargetQueue, type TargetStatus } from './target-queue.ts'

/** Acknowledgements of about this span share an entry. */
const batchMs = durationMs(1_000)
const deliveriesInEntryMax = 500

export interface OutboxSettings {
  /** `deliver.deadline`. */
  readonly deadlineMs: DurationMs
  /** How often the folded state is looked at; others fold it. */
  readonly pauseMs: DurationMs
}

interface Acknowledged {
  readonly manifestId: string
  readonly delivery: Delivery
  readonly queue: TargetQueue
}

/**
 * Delivers announcements: what the log says is announced and not delivered goes out, again and
 * again, until its target acknowledges; then the log is told.
 *
 * Level-triggered from the log: nothing is kept that a crash could lose. Every daemon runs one; a
 * receiver may get an announcement twice and tells by its id.
 */
export class Outbox {
  readonly #ports: OutboxPorts
  readonly #settings: OutboxSettings
  readonly #queues: readonly TargetQueue[]
  #acknowledged: Acknowledged[] = []

  constructor(notifiers: readonly Notifier[], ports: OutboxPorts, settings: OutboxSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#queues = notifiers.map((notifier) => this.#queueOf(notifier))
  }

  #queueOf(notifier: Notifier): TargetQueue {
    const queue: TargetQueue = new TargetQueue(
      notifier,
      this.#ports,
      this.#settings.deadlineMs,
      (manifest) => {
        const delivery = deliveryOf(manifest, notifier.target)
        this.#acknowledged.push({ manifestId: manifest.id, delivery, queue })
      },
    )
    return queue
  }

  /** Each configured target, and each that announcements wait for though it is not configured. */
  get status(): readonly TargetStatus[] {
    const { state } = this.#ports.log
    const configured = new Set(this.#queues.map(({ target }) => target))
    const named = new Set(state.undelivered.flatMap(({ targets }) => targets))
    const orphans = [...named].filter((target) => !configured.has(target))
    return [
      ...this.#queues.map((queue) => queue.status),
      ...orphans.map((target): TargetStatus => {
        const pending = pendingFor(state, target)
        return {
          target,
          configured: false,
          pendingCount: pending.length,
          oldestDecidedAtMs: pending[0]?.decidedAtMs,
          lastError: undefined,
        }
      }),
    ]
  }

  /**
   * Delivers until `signal` is aborted, then tells the log of what is acknowledged by then.
   *
   * @throws {Fault} one that says "never try again": the log cannot be read.
   */
  async run(signal: AbortSignal): Promise<void> {
    const ending = new AbortController()
    const end = (): void => ending.abort(null)
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    const tasks = [
      ...this.#queues.map((queue) => queue.run(ending.signal, this.#settings.pauseMs)),
      this.#recordUntil(ending.signal),
    ]
    try {
      await Promise.all(tasks)
    } finally {
      end()
      await Promise.allSettled(tasks)
    }
    await this.#record()
  }

  async #recordUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#gauge()
      await this.#record()
      await this.#ports.clock.sleep(batchMs, signal)
    }
  }

  /** Tells the log of acknowledgements. What it would not take is decided anew from the log. */
  async #record(): Promise<void> {
    const { log } = this.#ports
    while (this.#acknowledged.length > 0) {
      const awaited = this.#takeAwaited()
      const batch = awaited.slice(0, deliveriesInEntryMax)
      const rest = awaited.slice(deliveriesInEntryMax)
      if (batch.length === 0) return
      const deliveries = batch.map(({ delivery }) => delivery)
      const commitId = log.nextCommitId()
      const outcome = await log.put({ kind: 'delivered', commitId, deliveries })
      this.#acknowledged.unshift(...rest)
      if (outcome.kind === 'decided') continue
      for (const { queue, manifestId } of batch) queue.unconfirm(manifestId)
      return
    }
  }

  /** Empties the list of acknowledgements. @returns those that the log waits for. */
  #takeAwaited(): readonly Acknowledged[] {
    const taken = this.#acknowledged
    this.#acknowledged = []
    return taken.filter(({ delivery }) => isAwaited(this.#ports.log.state, delivery))
  }

  #gauge(): void {
    for (const { target, pendingCount } of this.status) {
      this.#ports.telemetry.metrics.gauge('lakeward_notify_pending', pendingCount, { target })
    }
  }
}
