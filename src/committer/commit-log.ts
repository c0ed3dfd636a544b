import { assert } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import { Mutex } from '../base/mutex.ts'
import type { UnixMs } from '../base/time.ts'
import { type EncodedEntry, encodeEntry } from '../codec/log/entry.ts'
import { encodeWriterNote } from '../codec/log/writer-note.ts'
import type { FoldState } from '../model/fold-state.ts'
import { type CommitId, commitIdOf, commitIdParts, type WriterId, writerId } from '../model/ids.ts'
import {
  type DiscardedAttempt,
  type EntryBase,
  type EntryIndex,
  entryFormat,
  type LogEntry,
} from '../model/log-entry.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog, EntryDraft, PutEntryOutcome } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Random } from '../ports/random.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import type { BrokenReliance } from '../protocol/broken-reliance.ts'
import { raceOverMs } from '../protocol/commit-times.ts'
import { headChecksumOf } from '../protocol/fold.ts'
import { bodyPath, clockPath, entryPath } from '../protocol/log-paths.ts'
import { brokenReliance } from '../protocol/reliance.ts'
import { LakeTime } from './lake-time.ts'
import { LogReader } from './log-reader.ts'
import { type RetryContext, untilAnswered } from './retry.ts'
import { Troubles } from './troubles.ts'

const writerIdBytes = 16
/** Of silence of all others: longer than they are silent between two commits, as a rule. */
const aloneAfterMs = 600_000
/** Attempts given up that are remembered until an entry tells of them. */
const discardedKeptMax = 1_000

export interface CommitLogOptions {
  readonly lake: Lake
  /** Names the log: the business unit. */
  readonly pipeline: string
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  /** Puts nothing on the lake, not even to read its clock. */
  readonly readOnly?: boolean
  /** Entries between two checkpoints; absent: by the size of the state. */
  readonly checkpointEvery?: number
  /** A longer body of an entry is an object of its own; absent: as the codec says. */
  readonly inlineBytesMax?: number
  /** Newest format of the log that is read and written; absent: what this version knows. */
  readonly newestFormat?: number
  /** Aborted when the process must end with its outcome unknown: a put then throws its fault. */
  readonly signal?: AbortSignal
}

/** What a put asks for besides what every entry does. */
interface Wish {
  /** A newer format, that this entry raises the log to. */
  readonly format?: number
  /** Whether what the entry was decided on holds over this fold. */
  readonly holds: (state: FoldState) => boolean
}

/**
 * Folds the log to its tail, from the newest checkpoint.
 *
 * @throws {Fault} `LAKE_…`: try again; `LOG_…`: the log cannot be read by this version, or at all.
 */
export async function openCommitLog(options: CommitLogOptions): Promise<CommitLog> {
  const log = new LakeCommitLog(options)
  await log.open()
  return log
}

class LakeCommitLog implements CommitLog {
  readonly writerId: WriterId
  readonly newestFormat: number
  readonly #options: CommitLogOptions
  readonly #reader: LogReader
  readonly #time: LakeTime
  readonly #mutex = new Mutex()
  readonly #troubles = new Troubles()
  readonly #retry: RetryContext
  readonly #publishedHere = new Set<CommitId>()
  #discarded: readonly DiscardedAttempt[] = []
  #counterNext = 0

  constructor(options: CommitLogOptions) {
    const { lake, clock, random, pipeline, telemetry, signal } = options
    const readOnly = options.readOnly === true
    const checkpointEvery = readOnly ? 0 : (options.checkpointEvery ?? 'by-size')
    this.#options = options
    this.newestFormat = options.newestFormat ?? entryFormat
    const { newestFormat } = this
    this.writerId = writerId(Buffer.from(random.bytes(writerIdBytes)).toString('hex'))
    this.#reader = new LogReader({ lake, pipeline, telemetry, checkpointEvery, newestFormat })
    const note = encodeWriterNote(newestFormat)
    this.#time = new LakeTime(lake, clock, clockPath(pipeline, this.writerId), note)
    this.#retry = { clock, random, troubles: this.#troubles, signal }
  }

  get state(): FoldState {
    return this.#reader.state
  }

  get trouble(): Fault | undefined {
    return this.#troubles.any
  }

  get publishedHere(): ReadonlySet<CommitId> {
    return this.#publishedHere
  }

  async open(): Promise<void> {
    if (this.#options.readOnly !== true) await this.#time.read()
    await this.#reader.open()
  }

  refresh(): Promise<FoldState> {
    return this.#mutex.run(async () => {
      if (this.#options.readOnly !== true) await this.#time.readIfOld()
      await this.#fold()
      return this.state
    })
  }

  readOn(): Promise<FoldState> {
    return this.#mutex.run(async () => {
      if (this.#options.readOnly !== true) await this.#time.readIfOld()
      await this.#fold(this.#reader.foldToTail('few'))
      return this.state
    })
  }

  nextCommitId(): CommitId {
    return commitIdOf(this.writerId, this.#counterNext++)
  }

  lakeNowMs(): UnixMs {
    return this.#time.nowMs()
  }

  markPublished(commitId: CommitId): void {
    if (this.state.unpublished.has(commitId)) this.#publishedHere.add(commitId)
  }

  markDiscarded(attempt: DiscardedAttempt): void {
    this.#discarded = [...this.#discarded, attempt].slice(-discardedKeptMax)
  }

  put(draft: EntryDraft, holds: Wish['holds'] = () => true): Promise<PutEntryOutcome> {
    assert(this.#options.readOnly !== true, 'a log opened for reading is not put to')
    return this.#mutex.run(() => this.#put(draft, { holds }))
  }

  raiseFormat(format: number, holds: Wish['holds']): Promise<PutEntryOutcome> {
    assert(format <= this.newestFormat, 'a format that is raised to is known')
    const { version, checksum, streams } = this.state.config
    const commitId = this.nextCommitId()
    const next = { fromVersion: version, version: version + 1, checksum }
    const configured = streams.map(({ sinceMs: _sinceMs, ...stream }) => stream)
    const draft = { kind: 'config', commitId, ...next, streams: configured } as const
    return this.#mutex.run(() => this.#put(draft, { format, holds }))
  }

  async #put(draft: EntryDraft, wish: Wish): Promise<PutEntryOutcome> {
    await untilAnswered(this.#retry, () => this.#time.read())
    // Who is alone need not look first: the put itself finds out that somebody came.
    if (!this.#isAlone) {
      await untilAnswered(this.#retry, () => this.#fold(this.#reader.foldToTail('few')))
    }
    const format = wish.format ?? this.state.config.format
    const entry: LogEntry = { ...draft, ...this.#base(), format }
    const broken = this.#broken(entry, wish)
    if (broken !== undefined) return this.#discard(entry, broken)
    const { pipeline, inlineBytesMax } = this.#options
    const bodyPathOf = (sha256: string) => bodyPath(pipeline, entry.commitId, sha256)
    const encoded = encodeEntry(entry, bodyPathOf, inlineBytesMax)
    await this.#putBody(encoded)
    return this.#putHead(entry, encoded, wish)
  }

  /** No other writer has put anything lately: that somebody has won the next index is unlikely. */
  get #isAlone(): boolean {
    const sinceMs = this.lakeNowMs() - aloneAfterMs
    for (const [writer, { lastEntryAtMs }] of this.state.writers) {
      if (writer !== this.writerId && lastEntryAtMs >= sinceMs) return false
    }
    return true
  }

  /**
   * The bytes stay the same whatever happens: an answer that did not come may still be a put that
   * lands, and the log must not hold two entries of one commit.
   */
  async #putHead(entry: LogEntry, encoded: EncodedEntry, wish: Wish): Promise<PutEntryOutcome> {
    const checksum = headChecksumOf(encoded.head)
    for (let racesLost = 0; ; racesLost++) {
      await this.#standAside(racesLost)
      const broken = this.#broken(entry, wish)
      if (broken !== undefined) return this.#discard(entry, broken)
      const index = this.state.next
      await untilAnswered(this.#retry, () => this.#occupy(index, encoded))
      const folded = this.#reader.foldedAt(index)
      if (folded?.headChecksum === checksum) return this.#settled(entry, index, folded.verdict)
      if (folded === undefined) return this.#overtaken(entry, index)
      // Somebody else's entry stands there: once more, one further.
    }
  }

  #broken(entry: LogEntry, { holds }: Wish): BrokenReliance | undefined {
    const found = brokenReliance(this.state, entry)
    if (found !== undefined || holds(this.state)) return found
    const reason = entry.kind === 'config' ? 'config-changed' : 'place-changed'
    return { reason, because: `${reason}: what it was decided on does not hold any more` }
  }

  /** What others put meanwhile is folded: the next put is made at the end, and if it still fits. */
  async #standAside(racesLost: number): Promise<void> {
    if (racesLost === 0) return
    const { clock, random, telemetry, signal } = this.#options
    telemetry.metrics.count('lakeward_log_races_lost_total', 1)
    const pauseMs = raceOverMs(racesLost, random.fraction())
    if (pauseMs === 0) return
    telemetry.log.warn('log contended', { racesLost, next: this.state.next })
    await clock.sleep(pauseMs, signal)
    await untilAnswered(this.#retry, () => this.#fold())
  }

  /** Puts the head and folds, whoever's entry it is that stands at the index then. */
  async #occupy(index: EntryIndex, encoded: EncodedEntry): Promise<void> {
    const path = entryPath(this.#options.pipeline, index)
    const put = await this.#options.lake.putIfAbsent(path, encoded.head)
    const isOwn = put.kind === 'created'
    await this.#fold(isOwn ? this.#reader.foldOwn(index, encoded) : this.#reader.foldToTail())
    if (this.state.next > index) return
    const reason = 'it was put, or stood already, and is not there to be read'
    throw new Fault('LAKE_UNAVAILABLE', { operation: 'read', path, reason })
  }

  #settled(
    entry: LogEntry,
    index: EntryIndex,
    verdict: { readonly kind: 'decided' } | ({ readonly kind: 'void' } & BrokenReliance),
  ): PutEntryOutcome {
    const told = new Set(entry.discarded)
    this.#discarded = this.#discarded.filter((attempt) => !told.has(attempt))
    if (verdict.kind === 'decided') {
      return { kind: 'decided', entry: index, commitId: entry.commitId }
    }
    this.#rememberDiscarded(entry, 'void')
    return { kind: 'void', entry: index, because: verdict.because }
  }

  /**
   * A checkpoint stands above the entry, which itself cannot be read any more. If the checkpoint
   * does not hold its files as unpublished, it may have been decided and published, or may be
   * garbage: whoever put it reads on from where the log says, which is right in both cases.
   */
  #overtaken(entry: LogEntry, index: EntryIndex): PutEntryOutcome {
    const known = this.state.unpublished.get(entry.commitId)
    if (known !== undefined)
      return { kind: 'decided', entry: known.entry, commitId: entry.commitId }
    return { kind: 'void', entry: index, because: 'overtaken: a checkpoint stands above it' }
  }

  #discard(entry: LogEntry, { reason, because }: BrokenReliance): PutEntryOutcome {
    this.#rememberDiscarded(entry, reason)
    return { kind: 'discarded', because }
  }

  /** Other kinds are decided anew from the log each time: losing such a race is no news. */
  #rememberDiscarded({ kind, commitId }: LogEntry, because: DiscardedAttempt['because']): void {
    if (kind === 'append' || kind === 'swap') this.markDiscarded({ commitId, because })
  }

  async #putBody({ body }: EncodedEntry): Promise<void> {
    if (body === undefined) return
    await untilAnswered(this.#retry, () => this.#options.lake.putIfAbsent(body.path, body.bytes))
  }

  async #fold(folding: Promise<void> = this.#reader.foldToTail()): Promise<void> {
    await folding
    for (const id of this.#publishedHere) {
      if (!this.state.unpublished.has(id)) this.#publishedHere.delete(id)
    }
  }

  #base(): Omit<EntryBase, 'commitId' | 'format'> {
    const publishedNext = this.#publishedNext()
    // By name also what of our own is published above a commit that a table refuses.
    const named = [...this.#publishedHere].filter((id) => {
      const { writer, counter } = commitIdParts(id)
      return writer !== this.writerId || counter >= publishedNext
    })
    return {
      writerId: this.writerId,
      stagedAtMs: this.lakeNowMs(),
      publishedNext,
      published: named,
      discarded: this.#discarded,
    }
  }

  #publishedNext(): number {
    const own = this.state.writers.get(this.writerId)?.unpublished ?? []
    const left = own.filter((id) => !this.#publishedHere.has(id))
    const counters = left.map((id) => commitIdParts(id).counter)
    return Math.min(this.#counterNext, ...counters)
  }
}
