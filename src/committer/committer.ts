import { Fault, isFault } from '../base/fault.ts'
import type { DurationMs } from '../base/time.ts'
import { countsAddUp } from '../model/counts.ts'
import type { UnpublishedCommit } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { CommitOutcome, SealedCommit, SealedSwap } from '../model/sealed-commit.ts'
import type { StagingJournal } from '../model/staging-journal.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog, EntryDraft } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Random } from '../ports/random.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { planPublish } from '../protocol/publish-plan.ts'
import { LeftBehind } from './left-behind.ts'
import { type PublisherOptions, publishCommit } from './publisher.ts'
import { type RetryContext, untilRefused } from './retry.ts'
import { StagedCommit } from './staging.ts'
import { Troubles } from './troubles.ts'

export interface CommitterOptions {
  readonly lake: Lake
  readonly log: CommitLog
  readonly pipeline: string
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** Aborted when the process must end with work undone: `commit` then throws the lake's fault. */
  readonly signal?: AbortSignal
}

/**
 * Makes what was sealed durable and visible, exactly once: stage, put, publish.
 *
 * The lake's faults are waited out for as long as it takes; how much may pile up meanwhile is the
 * caller's to bound. A table that refuses holds up no other: its files go to the spill area, or
 * stay staged where the entry says so already.
 */
export class Committer {
  readonly #options: CommitterOptions
  readonly #retry: RetryContext
  readonly #troubles = new Troubles()
  /** Commits that could not be published: a trouble until somebody has. */
  readonly #stuck = new Map<CommitId, Fault>()
  /** Tables whose files went to the spill area in their newest commit, and what they said. */
  readonly #refusing = new Map<string, Fault>()
  readonly #publishing = new Set<CommitId>()
  /** What this process has published, of commits that are not published as a whole. */
  readonly #standing = new Map<CommitId, Set<string>>()

  readonly #left: LeftBehind

  constructor(options: CommitterOptions) {
    const { lake, clock, random, signal } = options
    this.#left = new LeftBehind(lake, clock)
    this.#options = options
    this.#retry = { clock, random, signal, troubles: this.#troubles }
  }

  /** What holds up committing at this moment. */
  get trouble(): Fault | undefined {
    return this.#troubles.any ?? this.#options.log.trouble
  }

  /** What somebody must look after while commits go on: tables that refuse, files that are gone. */
  get setbacks(): readonly Fault[] {
    return [...this.#stuck.values(), ...this.#refusing.values()]
  }

  /** Commits that could not be published when it was tried last, and why. */
  get stuck(): ReadonlyMap<CommitId, string> {
    return new Map([...this.#stuck].map(([commitId, { message }]) => [commitId, message]))
  }

  /** Staged paths of what stands, though others of its commit could not be published. */
  get standing(): ReadonlySet<string> {
    return new Set([...this.#standing.values()].flatMap((paths) => [...paths]))
  }

  /**
   * Stages, puts and publishes one sealed commit.
   *
   * @returns `committed` when every file stands at its place, but for those whose table refuses:
   *   they stay staged, and `publishPending` tries them again.
   * @throws {Fault} `LOG_FILE_GONE`, `LOG_FILE_MISMATCH`: decided, and its files are lost;
   *   `LOG_…`: the log cannot be read; `LAKE_…`: only after `signal`, outcome unknown. What was
   *   staged stays as it is then: whoever opens the log next finishes it or takes it away.
   */
  async commit(sealed: SealedCommit): Promise<CommitOutcome> {
    const { lake, log, pipeline } = this.#options
    const { commitId, counts } = sealed
    const wrong = counts.find((cell) => !countsAddUp(cell.counts))
    if (wrong !== undefined) {
      log.markDiscarded({ commitId, because: 'malformed' })
      const name = `"${wrong.stream}" ${wrong.partition.path}`
      return { kind: 'discarded', because: `malformed: counts of ${name} do not add up` }
    }
    const retry = this.#retry
    const content = { ...sealed, ...lettersOf(sealed) }
    const staged = new StagedCommit({ lake, pipeline, retry, spills: true }, content)
    this.#publishing.add(commitId)
    try {
      await staged.write()
      this.#tellSpilled(staged)
      return await this.#putAndPublish(sealed, staged)
    } finally {
      this.#publishing.delete(commitId)
    }
  }

  /**
   * Stages, puts and carries out one swap: publishes what comes in, then deletes what it gives up.
   *
   * @returns what `commit` does.
   * @throws what `commit` throws; `LAKE_REFUSED`: the table takes no files, and nothing was put.
   */
  async swap(sealed: SealedSwap): Promise<CommitOutcome> {
    const { lake, pipeline } = this.#options
    const { commitId, files, location, partition, ...relied } = sealed
    const { stream, place, version, inputs } = relied
    const swap = { stream, partitionPath: partition.path, place, version, inputs }
    const content = { commitId, ranges: [], swap, files, location }
    const retry = this.#retry
    const staged = new StagedCommit({ lake, pipeline, retry, spills: false }, content)
    this.#publishing.add(commitId)
    try {
      await this.#writeWhole(staged)
      for (const table of staged.tables) this.#refusing.delete(table)
      const body = { files: staged.files }
      const entry = { kind: 'swap', commitId, partition, location, ...relied, body } as const
      return await this.#putAndFinish(entry, staged)
    } finally {
      this.#publishing.delete(commitId)
    }
  }

  /** Whether a table may be asked again that refused a swap. */
  takesAgain(table: string): Promise<boolean> {
    return this.#left.takesAgain(table)
  }

  /**
   * Publishes what was decided and not published: by writers that died, or are slow at it, and by
   * this one where a table refused. Each is tried once; what the lake refuses is a setback until a
   * later call, or somebody else, succeeds.
   *
   * @param olderThanMs since the entry was made, by the lake's clock.
   */
  async publishPending(olderThanMs: DurationMs): Promise<void> {
    const { log } = this.#options
    const { unpublished } = log.state
    for (const known of [this.#stuck, this.#standing]) {
      for (const id of known.keys()) if (!unpublished.has(id)) known.delete(id)
    }
    const inHand = new Set([...log.publishedHere, ...this.#publishing])
    const stuck = new Set(this.#stuck.keys())
    const facts = { state: log.state, nowMs: log.lakeNowMs(), olderThanMs, inHand, stuck }
    for (const commit of planPublish(facts)) await this.#publishForeign(commit)
  }

  async #putAndPublish(sealed: SealedCommit, staged: StagedCommit): Promise<CommitOutcome> {
    const { commitId, ranges, places, configVersion, counts, progress, evidence } = sealed
    const body = { files: staged.files, counts, progress, evidence }
    const draft = { kind: 'append', commitId, ranges, places, configVersion, body } as const
    const { replay } = sealed
    return this.#putAndFinish(replay === undefined ? draft : { ...draft, replay }, staged)
  }

  async #putAndFinish(draft: EntryDraft, staged: StagedCommit): Promise<CommitOutcome> {
    const { log } = this.#options
    const { commitId } = draft
    const outcome = await log.put(draft)
    if (outcome.kind !== 'decided') {
      // Never put, or void for everybody: nobody will ever need it.
      await staged.removeAll()
      return { kind: outcome.kind, because: outcome.because }
    }
    // As the log has it: with what is to be deleted, and without what was swapped away since.
    const commit = log.state.unpublished.get(commitId)
    if (commit === undefined) return { kind: 'committed', entry: outcome.entry }
    try {
      await this.#publish(commit, (effect) => untilRefused(this.#retry, effect))
      await staged.removeJournals()
    } catch (error) {
      // The commit is decided. What its table refuses stays staged, is a setback that `/readyz`
      // tells, and is tried again by `publishPending`.
      if (!isFault(error, 'LAKE_REFUSED')) throw error
    }
    return { kind: 'committed', entry: outcome.entry }
  }

  /** What a swap has staged in vain is taken away. */
  async #writeWhole(staged: StagedCommit): Promise<void> {
    try {
      await staged.write()
    } catch (error) {
      if (isFault(error, 'LAKE_REFUSED')) {
        const remains = await staged.removeAll()
        if (remains !== undefined) {
          for (const table of staged.tables) this.#left.note(table, remains)
        }
      }
      throw error
    }
  }

  #tellSpilled({ tables, refusals }: StagedCommit): void {
    for (const table of tables) {
      const refusal = refusals.get(table)
      if (refusal === undefined) this.#refusing.delete(table)
      else {
        const fields = { table, reason: refusal.message }
        if (!this.#refusing.has(table)) {
          this.#options.telemetry.log.error('table refuses: its files are spilled', fields)
        }
        this.#refusing.set(table, refusal)
      }
    }
  }

  /** One commit that cannot be published holds up no other. */
  async #publishForeign(commit: UnpublishedCommit): Promise<void> {
    try {
      await this.#publish(commit, (effect) => effect())
      const fields = { commitId: commit.commitId, entry: commit.entry, files: commit.files.length }
      this.#options.telemetry.log.info('published for another writer', fields)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
    }
  }

  async #publish(commit: UnpublishedCommit, call: PublisherOptions['call']): Promise<void> {
    const { lake, log, telemetry } = this.#options
    const { commitId } = commit
    const standing = this.#standing.get(commitId) ?? new Set<string>()
    this.#standing.set(commitId, standing)
    const onPublished = (stagedPath: string): void => void standing.add(stagedPath)
    try {
      await publishCommit({ lake, log, call, onPublished }, commit)
      this.#standing.delete(commitId)
      this.#stuck.delete(commitId)
    } catch (error) {
      if (error instanceof Fault) {
        if (!this.#stuck.has(commitId)) {
          telemetry.log.error('commit not published', { commitId, reason: error.message })
        }
        this.#stuck.set(commitId, error)
      }
      throw error
    }
  }
}

/** What staging for a replay relies on. */
const lettersOf = ({ replay }: SealedCommit): Pick<StagingJournal, 'letters'> =>
  replay === undefined
    ? {}
    : { letters: replay.letters.map(({ day, commitId, stream }) => ({ day, commitId, stream })) }
