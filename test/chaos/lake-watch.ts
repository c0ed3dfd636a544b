/**
 * What the workers of a chaos run have done, watched from outside on their lake. It steers kills
 * and waits; it does not judge: the checker reads the lake without any of lakeward's code.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { SystemRandom } from '../../src/adapters/local/system-random.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import { entryFolder, folderOfEntry } from '../../src/protocol/log-paths.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { type CommitPhase, stagedCommits } from '../support/commit-phase.ts'
import { pipeline, streams } from './numbered.ts'

/** What stood on the lake before a worker was looked at: it belongs to others. */
export interface Known {
  readonly puts: ReadonlySet<string>
}

export class LakeWatch {
  readonly #lake: string
  readonly #log: CommitLog

  private constructor(lake: string, log: CommitLog) {
    this.#lake = lake
    this.#log = log
  }

  static async open(lake: string): Promise<LakeWatch> {
    const log = await openCommitLog({
      lake: new LocalLake(`file:${lake}`),
      pipeline,
      clock: new SystemClock(),
      random: new SystemRandom(),
      telemetry: new SimTelemetry(),
      readOnly: true,
    })
    return new LakeWatch(lake, log)
  }

  known(): Known {
    return { puts: new Set(this.#putNames()) }
  }

  /** True while a commit of this writer is staged, decided or not. */
  isCommitting(writer: string): boolean {
    return this.#stagedNames(writer).length > 0
  }

  /** Changes when this writer goes on to another phase of a commit. */
  trace(writer: string): string {
    const staged = this.#stagedNames(writer)
    // The log's folder is long: it is looked through only while the writer may be putting.
    const puts = staged.length === 0 ? [] : this.#putNames()
    return `${staged.join()} ${puts.join()}`
  }

  /** A partition stands unannounced that could be announced. */
  async isAnyDue(): Promise<boolean> {
    const fold = await this.#log.refresh()
    return streams.some((stream) => isDue(fold, stream))
  }

  #stagedNames(writer: string): readonly string[] {
    return streams.flatMap((table) => {
      const commits = namesIn(join(this.#lake, table, '_staging'))
      return commits
        .filter((commit) => commit.startsWith(writer))
        .flatMap((commit) => [commit, ...namesIn(join(this.#lake, table, '_staging', commit))])
    })
  }

  /** The phase that a stopped or killed writer is in; see docs/protocol.md. */
  async phaseOf(writer: string, known: Known): Promise<CommitPhase> {
    const fold = await this.#log.refresh()
    const open = [...fold.unpublished.values()].filter(({ commitId }) =>
      commitId.startsWith(writer),
    )
    const paths = open.flatMap(({ files }) => files.map(({ path }) => path))
    if (paths.some((path) => !existsSync(join(this.#lake, path)))) return 'decided but unpublished'
    if (this.#puts(known).some((text) => text.includes(writer))) return 'put in flight'
    const decided = new Set<string>(open.map(({ commitId }) => commitId))
    const staged = streams
      .flatMap((table) => stagedCommits(this.#lake, table))
      .filter((commit) => commit.startsWith(writer) && !decided.has(commit))
    if (staged.length > 0) return 'staged'
    return streams.some((stream) => isDue(fold, stream))
      ? 'published but unannounced'
      : 'accumulating'
  }

  /** The bytes of puts in flight, as far as they are written. */
  #puts(known: Known): readonly string[] {
    return this.#putNames()
      .filter((name) => !known.puts.has(name))
      .map((name) => readText(join(this.#logFolder, name)))
  }

  #putNames(): readonly string[] {
    return namesIn(this.#logFolder).filter((name) => name.endsWith('.put'))
  }

  /** Where the next entry is put. */
  get #logFolder(): string {
    return join(this.#lake, entryFolder(pipeline, folderOfEntry(this.#log.state.next)))
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
    const { state } = this.#log
    const positions = [...(state.positions.get('lake')?.values() ?? [])]
    const nexts = positions.map(({ source, next }) => `${source.partition}:${next}`).join(' ')
    const due = streams.filter((stream) => isDue(state, stream)).join()
    return `entry ${state.next}, next ${nexts}, due ${due || 'none'}, undelivered ${state.undelivered.length}`
  }

  /** Attempts that were given up because somebody else was there first. */
  get discardedCount(): number {
    return [...this.#log.state.writers.values()].reduce(
      (sum, writer) => sum + writer.discardedCount,
      0,
    )
  }
}

/** Other workers go on while one is looked at: what they staged may be gone by now. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** A put ends whenever it likes: its file may be gone by now. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
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
