/**
 * Commits what accumulated, one commit after the other: while one is staged and published, the next
 * minute accumulates. A commit that falls takes the accumulating one with it, and what both covered
 * is read again from where the log says.
 */
import { assert } from '../base/assert.ts'
import { type DurationMs, durationMs, type MonotonicMs, monotonicMs } from '../base/time.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { DiscardReason } from '../model/log-entry.ts'
import type { CommitOutcome, SealedCommit } from '../model/sealed-commit.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { nextCommitMs } from '../protocol/commit-times.ts'

/** What contradicts itself is read again once. */
const malformedMax = 1

export interface CommitSteps {
  /** Folds what others put, and tells the stages. */
  refresh(): Promise<FoldState>
  /** Closes what accumulated; undefined when there is nothing worth an entry. */
  seal(fold: FoldState): Promise<SealedCommit | undefined>
  commit(sealed: SealedCommit): Promise<CommitOutcome>
  /** After a commit was decided and published. */
  committed(sealed: SealedCommit): Promise<void>
  /** Takes up what an operator said of where to read on, as the log has it. */
  followLog(): Promise<void>
  /** Throws away what accumulated and sets every position as the log says. */
  startOver(): Promise<void>
}

export interface CommitLoopOptions {
  readonly intervalMs: DurationMs
  readonly steps: CommitSteps
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export class CommitLoop {
  readonly #options: CommitLoopOptions
  /** This writer's place in the interval, drawn once. */
  readonly #placeMs: MonotonicMs
  #running: Promise<void> = Promise.resolve()
  /** Asked for and not begun. */
  #waiting: Promise<void> | undefined
  /** Aborted with null: for undefined an exception would be made, with its stack, for nobody. */
  #wake: AbortController = new AbortController()
  #stopping = false
  #dueMs: MonotonicMs
  /** Somebody holds half of a budget, and no commit has taken that along since. */
  #hurried = false
  #lastCommitMs: MonotonicMs | undefined
  /** Commits in a row whose content contradicts itself. */
  #malformedInARow = 0

  constructor(options: CommitLoopOptions) {
    const { clock, random, intervalMs } = options
    this.#options = options
    this.#placeMs = monotonicMs(clock.monotonicMs() + random.fraction() * intervalMs)
    this.#dueMs = this.#placeMs
  }

  /** Monotonic time of the newest commit; undefined before the first. */
  get lastCommitMs(): MonotonicMs | undefined {
    return this.#lastCommitMs
  }

  /** Runs until `stop`. */
  async run(): Promise<void> {
    const { clock } = this.#options
    while (!this.#stopping) {
      const waitMs = this.#hurried ? 0 : Math.max(0, this.#dueMs - clock.monotonicMs())
      await clock.sleep(durationMs(waitMs), this.#wake.signal)
      if (this.#wake.signal.aborted) this.#wake = new AbortController()
      if (this.#stopping) return
      // Whoever was in a hurry while a commit began is served by that one.
      if (!this.#hurried && clock.monotonicMs() < this.#dueMs) continue
      this.#dueMs = this.#nextDueMs()
      await this.commitNow()
    }
  }

  #nextDueMs(): MonotonicMs {
    const { clock, random, intervalMs } = this.#options
    const [nowMs, fraction] = [clock.monotonicMs(), random.fraction()]
    return nextCommitMs({ nowMs, placeMs: this.#placeMs, intervalMs, fraction })
  }

  /** Commits before the interval is over: the buffers are half full. */
  hurry(): void {
    this.#hurried = true
    this.#wake.abort(null)
  }

  stop(): void {
    this.#stopping = true
    this.#wake.abort(null)
  }

  /**
   * Commits what has accumulated until now, after the commit under way. Whoever asks while a commit
   * waits to begin gets that one: it holds what they ask for, in one entry.
   *
   * @throws what a commit has thrown, this one or an earlier one: where that one stood is not
   *   known, so that nothing may follow it.
   */
  commitNow(): Promise<void> {
    this.#waiting ??= this.#follow()
    return this.#waiting
  }

  #follow(): Promise<void> {
    const next = this.#running.then(() => {
      this.#waiting = undefined
      return this.#commitOnce()
    })
    next.catch(() => {})
    this.#running = next
    return next
  }

  async #commitOnce(): Promise<void> {
    const { steps, clock, telemetry } = this.#options
    const startedMs = clock.monotonicMs()
    const fold = await steps.refresh()
    const sealed = await steps.seal(fold)
    this.#hurried = false
    if (sealed === undefined) return steps.followLog()
    const outcome = await steps.commit(sealed)
    telemetry.metrics.count('lakeward_commits_total', 1, { outcome: outcome.kind })
    if (outcome.kind === 'committed') {
      this.#malformedInARow = 0
      this.#lastCommitMs = clock.monotonicMs()
      const seconds = (this.#lastCommitMs - startedMs) / 1_000
      telemetry.metrics.observe('lakeward_commit_duration_seconds', seconds)
      telemetry.log.info('committed', committedFields(sealed, outcome.entry, seconds))
      await steps.committed(sealed)
      return steps.followLog()
    }
    const fields = { commitId: sealed.commitId, because: outcome.because }
    telemetry.log.warn(`commit ${outcome.kind}`, fields)
    this.#malformedInARow = isMalformed(outcome) ? this.#malformedInARow + 1 : 0
    const again = 'what was read again contradicts itself again'
    assert(this.#malformedInARow <= malformedMax, `${again}: ${outcome.because}`)
    await steps.startOver()
  }
}

const isMalformed = ({ because }: { readonly because: string }): boolean =>
  because.startsWith('malformed' satisfies DiscardReason)

const committedFields = (
  sealed: SealedCommit,
  entry: number,
  seconds: number,
): Record<string, unknown> => ({
  entry,
  commitId: sealed.commitId,
  files: sealed.files.length,
  rows: sealed.files.reduce((sum, file) => sum + file.rowCount, 0),
  seconds: Number(seconds.toFixed(3)),
})
