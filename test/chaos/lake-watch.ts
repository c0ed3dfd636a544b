/**
 * What the workers of a chaos run have done, watched from outside on their lake. It steers kills
 * and waits; it does not judge: the checker reads the lake without any of lakeward's code.
 */
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import { entryFolder, folderOfEntry, journalRoot } from '../../src/protocol/log-paths.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import type { CommitPhase } from '../support/commit-phase.ts'
import type { LakeView } from './lake-view.ts'
import { pipeline, streams } from './numbered.ts'

/** What stood on the lake before a worker was looked at: it belongs to others. */
export interface Known {
  readonly puts: ReadonlySet<string>
}

export class LakeWatch {
  readonly #view: LakeView
  readonly #log: CommitLog

  private constructor(view: LakeView, log: CommitLog) {
    this.#view = view
    this.#log = log
  }

  static async open(view: LakeView): Promise<LakeWatch> {
    const log = await openCommitLog({
      lake: view.lake,
      pipeline,
      clock: new SystemClock(),
      random: new SystemRandom(),
      telemetry: new SimTelemetry(),
      readOnly: true,
    })
    return new LakeWatch(view, log)
  }

  async known(): Promise<Known> {
    return { puts: new Set(await this.#putNames()) }
  }

  /** True while a commit of this writer is staged, decided or not. */
  async isCommitting(writer: string): Promise<boolean> {
    return (await this.#stagedNames(writer)).length > 0
  }

  /** Changes when this writer goes on to another phase of a commit. */
  async trace(writer: string): Promise<string> {
    const staged = await this.#stagedNames(writer)
    // The log's folder is long: it is looked through only while the writer may be putting.
    const puts = staged.length === 0 ? [] : await this.#putNames()
    return `${staged.join()} ${puts.join()}`
  }

  /** A partition stands unannounced that could be announced. */
  async isAnyDue(): Promise<boolean> {
    const fold = await this.#log.refresh()
    return streams.some((stream) => isDue(fold, stream))
  }

  async #stagedNames(writer: string): Promise<readonly string[]> {
    const folders = streams.map((table) => `${table}/_staging/${pipeline}`)
    const names = await Promise.all(folders.map((folder) => this.#view.names(folder)))
    const staged = names.flat().filter((name) => name.startsWith(writer))
    return [...(await this.#stagedCommits(writer)), ...staged]
  }

  /** Commits whose journal stands. */
  async #stagedCommits(writer: string): Promise<readonly string[]> {
    const names = await this.#view.names(journalRoot(pipeline))
    const journals = names.filter((name) => name.startsWith(writer))
    return journals.map((name) => name.replace(/(-spill)?\.json$/, ''))
  }

  /** The phase that a stopped or killed writer is in; see docs/protocol.md. */
  async phaseOf(writer: string, known: Known): Promise<CommitPhase> {
    const fold = await this.#log.refresh()
    const open = [...fold.unpublished.values()].filter(({ commitId }) =>
      commitId.startsWith(writer),
    )
    const wanted = open.flatMap(({ files }) => files)
    const standing = await Promise.all(
      wanted.map(
        async ({ path, sizeBytes }) => ((await this.#view.sizeOf(path)) ?? 0) >= sizeBytes,
      ),
    )
    if (standing.includes(false)) return 'decided but unpublished'
    const puts = await this.#puts(known)
    if (puts.some((text) => text.includes(writer))) return 'put in flight'
    const decided = new Set<string>(open.map(({ commitId }) => commitId))
    const commits = await this.#stagedCommits(writer)
    if (commits.some((commit) => !decided.has(commit))) return 'staged'
    return streams.some((stream) => isDue(fold, stream))
      ? 'published but unannounced'
      : 'accumulating'
  }

  /** The bytes of puts in flight, as far as they are written. */
  async #puts(known: Known): Promise<readonly string[]> {
    const names = (await this.#putNames()).filter((name) => !known.puts.has(name))
    return Promise.all(names.map((name) => this.#view.textOf(`${this.#logFolder}/${name}`)))
  }

  async #putNames(): Promise<readonly string[]> {
    const names = await this.#view.names(this.#logFolder)
    return names.filter((name) => name.endsWith('.put'))
  }

  /** Where the next entry is put. */
  get #logFolder(): string {
    return entryFolder(pipeline, folderOfEntry(this.#log.state.next))
  }

  /** True when `counts` records are committed, announced as far as they are due, and delivered. */
  async isThrough(counts: readonly number[]): Promise<boolean> {
    const fold = await this.#log.refresh()
    const positions = [...(fold.positions.get('lake')?.values() ?? [])]
    const nextOf = (partition: number): number =>
      Number(positions.find(({ source }) => source.partition === partition)?.next ?? 0)
    if (counts.some((count, partition) => nextOf(partition) !== count)) return false
    if (fold.undelivered.length > 0) return false
    return streams.every((stream) => !isDue(fold, stream))
  }

  /** For messages: where the log stands. */
  get position(): string {
    return `entry ${this.#log.state.next}, ${this.progress}`
  }

  /** Changes when something was committed, announced or delivered, and with nothing else. */
  get progress(): string {
    const { state } = this.#log
    const positions = [...(state.positions.get('lake')?.values() ?? [])]
    const nexts = positions.map(({ source, next }) => `${source.partition}:${next}`).join(' ')
    const due = streams.filter((stream) => isDue(state, stream)).join()
    return `next ${nexts}, due ${due || 'none'}, undelivered ${state.undelivered.length}`
  }

  /** Attempts that were given up because somebody else was there first. */
  get discardedCount(): number {
    return [...this.#log.state.writers.values()].reduce(
      (sum, writer) => sum + writer.discardedCount,
      0,
    )
  }
}

/** A partition that ended by every committed watermark stands unannounced (delay 0). */
function isDue(fold: FoldState, stream: string): boolean {
  const folded = fold.streams.get(stream)
  if (folded === undefined) return false
  const watermarks = [...folded.progress.values()].map(({ eventWatermarkMs }) => eventWatermarkMs)
  const lowest = Math.min(...watermarks)
  return [...folded.partitions.values()].some(
    ({ place, partition }) => place === 'open' && partition.nextMs <= lowest,
  )
}
