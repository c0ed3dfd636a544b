import { Fault } from '../base/fault.ts'
import { type DurationMs, durationMs, type MonotonicMs, monotonicMs } from '../base/time.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { Notifier } from '../ports/notifier.ts'
import { isSpilled } from '../protocol/log-paths.ts'
import type { OutboxPorts } from './target-queue.ts'

/** A metastore takes some 45 ms a partition at worst, and a hundred at once. */
const attemptMs = durationMs(30_000)
const atOnceMax = 100
const firstPauseMs = 1_000
const pauseMsMax = 300_000

interface Failing {
  readonly failures: number
  readonly retryAtMs: MonotonicMs
}

type Showing = Notifier & Required<Pick<Notifier, 'showOpen'>>

/**
 * Shows partitions that have rows and are not announced, where a target wants that.
 *
 * Level-triggered from the folded log: what a crash or a target that is down leaves undone is found
 * again. Nothing waits for it, and an announcement shows a partition all the same; so nothing is
 * told to the log, and a new process shows again what is open.
 */
export class Registrar {
  readonly #targets: readonly TargetRegistrar[]
  readonly #clock: OutboxPorts['clock']

  constructor(notifiers: readonly Notifier[], ports: OutboxPorts) {
    this.#clock = ports.clock
    this.#targets = notifiers.flatMap((notifier) =>
      isShowing(notifier) ? [new TargetRegistrar(notifier, ports)] : [],
    )
  }

  /** Looks at the folded log each `pauseMs`, until `signal` is aborted. */
  async run(signal: AbortSignal, pauseMs: DurationMs): Promise<void> {
    if (this.#targets.length === 0) return
    while (!signal.aborted) {
      await this.turn(signal)
      await this.#clock.sleep(pauseMs, signal)
    }
  }

  /** Shows what is due. A target that hangs holds up its own partitions only. */
  async turn(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.turn(signal)))
  }
}

const isShowing = (notifier: Notifier): notifier is Showing => notifier.showOpen !== undefined

class TargetRegistrar {
  readonly #notifier: Showing
  readonly #ports: OutboxPorts
  /** Open partitions that the target was seen to take, by stream. */
  #shown: ReadonlyMap<string, ReadonlySet<PartitionPath>> = new Map()
  readonly #failing = new Map<string, Failing>()

  constructor(notifier: Showing, ports: OutboxPorts) {
    this.#notifier = notifier
    this.#ports = ports
  }

  async turn(signal: AbortSignal): Promise<void> {
    const { target } = this.#notifier
    const open = openPartitions(this.#ports.log)
    this.#shown = stillOpen(this.#shown, open)
    let pendingCount = 0
    for (const [stream, paths] of open) {
      const due = paths.filter((path) => this.#shown.get(stream)?.has(path) !== true)
      pendingCount += due.length
      if (due.length === 0 || this.#isPaused(stream) || signal.aborted) continue
      pendingCount -= await this.#show(stream, due, signal)
    }
    const { metrics } = this.#ports.telemetry
    metrics.gauge('lakeward_partitions_unregistered', pendingCount, { target })
  }

  #isPaused(stream: string): boolean {
    return this.#ports.clock.monotonicMs() < (this.#failing.get(stream)?.retryAtMs ?? 0)
  }

  /** @returns how many were shown. */
  async #show(stream: string, due: readonly PartitionPath[], signal: AbortSignal): Promise<number> {
    for (let first = 0; first < due.length; first += atOnceMax) {
      const batch = due.slice(first, first + atOnceMax)
      try {
        await this.#attempt(signal, (attempt) => this.#notifier.showOpen(stream, batch, attempt))
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        if (!signal.aborted) this.#failed(stream, error)
        return first
      }
      this.#failing.delete(stream)
      const known = this.#shown.get(stream) ?? []
      this.#shown = new Map([...this.#shown, [stream, new Set([...known, ...batch])]])
    }
    return due.length
  }

  async #attempt(signal: AbortSignal, call: (attempt: AbortSignal) => Promise<void>) {
    const attempt = new AbortController()
    const over = new AbortController()
    const abort = (): void => attempt.abort()
    signal.addEventListener('abort', abort, { once: true })
    const limit = this.#ports.clock.sleep(attemptMs, over.signal).then(() => {
      if (!over.signal.aborted) attempt.abort()
    })
    try {
      await call(attempt.signal)
    } finally {
      signal.removeEventListener('abort', abort)
      over.abort(null)
      await limit
    }
  }

  #failed(stream: string, fault: Fault): void {
    const { clock, random, telemetry } = this.#ports
    const failures = (this.#failing.get(stream)?.failures ?? 0) + 1
    const fullMs = Math.min(pauseMsMax, firstPauseMs * 2 ** Math.min(failures - 1, 20))
    const retryAtMs = monotonicMs(clock.monotonicMs() + fullMs * (0.5 + random.fraction() / 2))
    this.#failing.set(stream, { failures, retryAtMs })
    const fields = { target: this.#notifier.target, stream, failures, error: fault }
    telemetry.log.warn('registration-failed', fields)
  }
}

/** What is spilled stands elsewhere: of a partition that has nothing else there is no folder. */
const isHome = (path: string): boolean => !isSpilled(path)

/** Partitions that are not announced and have a file that stands in their folder, by stream. */
function openPartitions({
  state,
  publishedHere,
}: OutboxPorts['log']): ReadonlyMap<string, readonly PartitionPath[]> {
  const staged = new Set<string>()
  for (const { commitId, files } of state.unpublished.values()) {
    if (publishedHere.has(commitId)) continue
    for (const { path } of files) staged.add(path)
  }
  const open = new Map<string, readonly PartitionPath[]>()
  for (const [stream, { partitions }] of state.streams) {
    const paths = [...partitions].flatMap(([path, { place, files }]) =>
      place === 'open' && files.some((file) => isHome(file.path) && !staged.has(file.path))
        ? [path]
        : [],
    )
    if (paths.length > 0) open.set(stream, paths)
  }
  return open
}

/** Of what was shown, what is open still: the rest is forgotten. */
const stillOpen = (
  shown: ReadonlyMap<string, ReadonlySet<PartitionPath>>,
  open: ReadonlyMap<string, readonly PartitionPath[]>,
): ReadonlyMap<string, ReadonlySet<PartitionPath>> =>
  new Map(
    [...open].map(([stream, paths]) => [
      stream,
      new Set(paths.filter((path) => shown.get(stream)?.has(path) === true)),
    ]),
  )
