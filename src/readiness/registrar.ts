import { Fault } from '../base/fault.ts'
import { type DurationMs, durationMs, type MonotonicMs, monotonicMs } from '../base/time.ts'
import type { PartitionPath } from '../model/lake-partition.ts'
import type { Notifier } from '../ports/notifier.ts'
import { isSpilled } from '../protocol/log-paths.ts'
import { attempt } from './attempt.ts'
import { BackOff } from './back-off.ts'
import type { OutboxPorts } from './target-queue.ts'

/** A metastore takes some 45 ms a partition at worst, and a hundred at once. */
const attemptMsMax = durationMs(30_000)
const atOnceMax = 100

type Showing = Notifier & Required<Pick<Notifier, 'showOpen'>>

/**
 * Shows partitions that have rows and are not announced, where a target wants that.
 *
 * Level-triggered from the folded log: what a crash or a target that is down leaves undone is found
 * again. Nothing waits for it, and an announcement shows a partition all the same; so nothing is
 * told to the log, and a new process shows again what is open.
 *
 * The log is looked at before, and little time may pass from there: a partition that is announced
 * and delivered by then may be altered by others, who are not to be taken for what we left open.
 * What is announced later is read back later than anything that begins here can land.
 */
export class Registrar {
  readonly #targets: readonly TargetRegistrar[]
  readonly #clock: OutboxPorts['clock']

  /** @param deadlineMs `deliver.deadline`: nothing is written later than this after a fold. */
  constructor(notifiers: readonly Notifier[], ports: OutboxPorts, deadlineMs: DurationMs) {
    this.#clock = ports.clock
    this.#targets = notifiers.flatMap((notifier) =>
      isShowing(notifier) ? [new TargetRegistrar(notifier, ports, deadlineMs)] : [],
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
  readonly #backOff: BackOff
  readonly #deadlineMs: DurationMs

  constructor(notifier: Showing, ports: OutboxPorts, deadlineMs: DurationMs) {
    this.#notifier = notifier
    this.#ports = ports
    this.#deadlineMs = deadlineMs
    this.#backOff = new BackOff(ports.clock, ports.random)
  }

  async turn(signal: AbortSignal): Promise<void> {
    const foldedAtMs = this.#ports.clock.monotonicMs()
    const isDue = this.#due().some(([stream]) => !this.#backOff.isPaused(stream))
    const mayShow = isDue && (await this.#refresh())
    const due = this.#due()
    let pendingCount = due.reduce((sum, [, paths]) => sum + paths.length, 0)
    const lastBeginMs = monotonicMs(foldedAtMs + this.#deadlineMs - this.#attemptMs)
    // One that hangs may take all of a turn: those that failed come after the others.
    const isLast = ([stream]: (typeof due)[number]): number =>
      Number(this.#backOff.isFailing(stream))
    const inTurn = due.toSorted((one, other) => isLast(one) - isLast(other))
    for (const [stream, paths] of mayShow ? inTurn : []) {
      if (this.#backOff.isPaused(stream)) continue
      pendingCount -= await this.#show(stream, paths, { lastBeginMs, signal })
    }
    const { target } = this.#notifier
    const { metrics } = this.#ports.telemetry
    metrics.gauge('lakeward_partitions_unregistered', pendingCount, { target })
  }

  /** By stream, what is open and was not shown. */
  #due(): readonly (readonly [string, readonly PartitionPath[]])[] {
    const open = openPartitions(this.#ports.log)
    this.#shown = stillOpen(this.#shown, open)
    this.#backOff.keep(new Set(open.keys()))
    return [...open].flatMap(([stream, paths]) => {
      const due = paths.filter((path) => this.#shown.get(stream)?.has(path) !== true)
      return due.length === 0 ? [] : [[stream, due] as const]
    })
  }

  /** @returns false when the log could not be looked at. */
  async #refresh(): Promise<boolean> {
    try {
      await this.#ports.log.refresh()
      return true
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === 'never') throw error
      return false
    }
  }

  get #attemptMs(): DurationMs {
    return durationMs(Math.min(attemptMsMax, this.#deadlineMs / 2))
  }

  /** @returns how many were shown. */
  async #show(
    stream: string,
    due: readonly PartitionPath[],
    { lastBeginMs, signal }: { readonly lastBeginMs: MonotonicMs; readonly signal: AbortSignal },
  ): Promise<number> {
    const { clock } = this.#ports
    const limits = { clock, longestMs: this.#attemptMs, signal }
    for (let first = 0; first < due.length; first += atOnceMax) {
      if (signal.aborted || clock.monotonicMs() > lastBeginMs) return first
      const batch = due.slice(first, first + atOnceMax)
      try {
        await attempt(limits, (limit) => this.#notifier.showOpen(stream, batch, limit))
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        if (!signal.aborted) this.#failed(stream, error)
        return first
      }
      this.#backOff.answered(stream)
      const known = this.#shown.get(stream) ?? []
      this.#shown = new Map([...this.#shown, [stream, new Set([...known, ...batch])]])
    }
    return due.length
  }

  #failed(stream: string, fault: Fault): void {
    const failures = this.#backOff.failed(stream, fault.message)
    const fields = { target: this.#notifier.target, stream, failures, error: fault }
    this.#ports.telemetry.log.warn('registration-failed', fields)
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
    // What a staged tail is joined to stands, unless it is among these itself.
    for (const { path, base } of files) if (base === undefined) staged.add(path)
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
