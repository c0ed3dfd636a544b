import { hash } from 'node:crypto'
import { Fault, isFault } from '../base/fault.ts'
import { encodeCheckpoint, parseCheckpoint } from '../codec/log/checkpoint.ts'
import {
  completeEntry,
  type EncodedEntry,
  parseEntryHead,
  storedBodyOf,
} from '../codec/log/entry.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { EntryIndex, LogEntry } from '../model/log-entry.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { decideCheckpoint, isCheckpointDue, newestFirst } from '../protocol/checkpoint-choice.ts'
import { type EntryVerdict, emptyFold, foldEntry } from '../protocol/fold.ts'
import {
  type CheckpointName,
  checkpointFolder,
  checkpointName,
  entryPath,
  parseCheckpointPath,
} from '../protocol/log-paths.ts'
import { examineEntry } from './examine-entry.ts'

/** Entries that are read ahead at a time once a log turns out to be long. */
const waveMax = 32

/** Looks at the checkpoints whose names were listed and gone before they could be read. */
const beginTriesMax = 5

export interface LogReaderOptions {
  readonly lake: Lake
  readonly pipeline: string
  readonly telemetry: Telemetry
  /** Entries between two checkpoints; 0 to write none. */
  readonly checkpointEvery: number | 'by-size'
  /** Newer entries and checkpoints stop the reader. */
  readonly newestFormat: number
}

/** What this reader made of an entry. */
export interface FoldedEntry {
  /** SHA-256 of the head's bytes, hex. */
  readonly headChecksum: string
  readonly verdict: EntryVerdict
}

interface ReadEntry {
  readonly entry: LogEntry
  readonly headChecksum: string
}

/** What was read since the checkpoints were last looked at: not to be relied on before that. */
interface Round {
  /** First index that was read, whether an entry was there or not. */
  readonly firstRead: EntryIndex
  readonly folded: Map<EntryIndex, FoldedEntry>
  /** Running checksums, by the number of entries they are over. */
  readonly checksums: Map<EntryIndex, string>
}

/** Folds the commit log as it grows. One call at a time. */
export class LogReader {
  readonly #options: LogReaderOptions
  #state: FoldState = emptyFold()
  /** Under way, or broken off by a fault: the next call goes on with it. */
  #round: Round | undefined
  /** Entries folded by the last round that came to its end. */
  #folded: ReadonlyMap<EntryIndex, FoldedEntry> = new Map()
  /** The newest state that is due to be written down. */
  #due: FoldState | undefined
  /** Checkpoints over an entry that was stepped over, by who could read it. */
  readonly #belied = new Set<string>()

  constructor(options: LogReaderOptions) {
    this.#options = options
  }

  get state(): FoldState {
    return this.#state
  }

  /** What the last `foldToTail` made of an entry; undefined when it did not fold it. */
  foldedAt(index: EntryIndex): FoldedEntry | undefined {
    return this.#folded.get(index)
  }

  /**
   * Begins at the newest checkpoint that can be read, and folds to the tail.
   *
   * One that landed late, of a process that could read an entry which was stepped over since, is
   * belied by the notice above it, and left aside.
   */
  async open(): Promise<void> {
    for (;;) {
      const name = await this.#beginAtNewest()
      try {
        return await this.foldToTail()
      } catch (error) {
        const isVoided = isFault(error, 'LOG_ENTRY_VOIDED')
        if (name === undefined || !isVoided || error.facts.entry >= name.next) throw error
        this.#belied.add(name.path)
        this.#options.telemetry.log.warn('checkpoint is belied', { reason: error.message })
        this.#state = emptyFold()
        this.#round = undefined
      }
    }
  }

  async #beginAtNewest(): Promise<CheckpointName | undefined> {
    for (const name of newestFirst(await this.#checkpoints())) {
      if (await this.#beginAt(name)) return name
    }
    return undefined
  }

  /**
   * Folds what was put since. After a fault it may be called again.
   *
   * Reads to the tail, then lists checkpoints: an index whose entry was deleted can be won again by
   * a writer that slept, and only the checkpoint above it tells that such an entry is garbage.
   *
   * @param pains `few`: what follows nothing is believed unlisted. Who slept until the next entry
   *   was deleted then goes on with an old state, which a put finds out, and a fold that takes all.
   */
  foldToTail(pains: 'all' | 'few' = 'all'): Promise<void> {
    return this.#foldOn((round) => this.#readToTail(round), pains)
  }

  /**
   * Folds the entry that this process has put at `index`, without reading it back. What others put
   * behind it is left to the next fold.
   */
  foldOwn(index: EntryIndex, { head, readBack: entry }: EncodedEntry): Promise<void> {
    // A notice must be weighed against what it speaks of, and a round that broke off be ended.
    const isPlain = entry.kind !== 'void' && this.#round === undefined
    if (!isPlain || this.#state.next !== index) return this.foldToTail()
    const headChecksum = hash('sha256', head, 'hex')
    return this.#foldOn((round) => {
      this.#fold(round, { entry, headChecksum })
      return Promise.resolve(true)
    }, 'all')
  }

  /** @param look at what follows first; says whether it found entries. Then the tail is read. */
  async #foldOn(look: (round: Round) => Promise<boolean>, pains: 'all' | 'few'): Promise<void> {
    const begun = new Map<EntryIndex, number>()
    for (let isFirst = true; ; isFirst = false) {
      this.#round ??= newRound(this.#state)
      const round = this.#round
      const grown = await (isFirst ? look(round) : this.#readToTail(round))
      const nothingRead = round.firstRead === this.#state.next
      if (isFirst && nothingRead && pains === 'few') {
        this.#folded = round.folded
        this.#round = undefined
        return
      }
      // Also when nothing was there to be read: the next entry may have been deleted.
      const names = await this.#checkpoints()
      const decision = decideCheckpoint({
        names,
        firstRead: round.firstRead,
        next: this.#state.next,
        grown,
        checksumAt: (next) => round.checksums.get(next),
      })
      if (decision.kind === 'begin-again') {
        const { next } = this.#state
        begun.set(next, (begun.get(next) ?? 0) + 1)
        if ((begun.get(next) ?? 0) > beginTriesMax) throw endedBelow(decision.candidates, next)
        await this.#beginAgain(decision.candidates)
      }
      if (decision.kind !== 'stay') continue
      this.#folded = round.folded
      this.#round = undefined
      if (!nothingRead) await this.#writeDueCheckpoint(names)
      return
    }
  }

  /** @returns true when it found entries. */
  async #readToTail(round: Round): Promise<boolean> {
    const before = this.#state.next
    for (let wave = 1; ; ) {
      const first = this.#state.next
      const indexes = Array.from({ length: wave }, (_, ahead) => first + ahead)
      const read = await Promise.all(indexes.map((index) => this.#readEntry(index)))
      const gap = read.indexOf(undefined)
      // What stands behind a gap was put after we looked into the gap: it is read again.
      for (const found of gap === -1 ? read : read.slice(0, gap)) {
        if (found === undefined) continue
        await this.#heedNotice(found.entry)
        this.#fold(round, found)
      }
      if (gap === 0) return this.#state.next > before
      // Never more ahead than were found: mostly it is one entry, and then nothing.
      wave = gap === -1 ? Math.min(waveMax, this.#state.next - before) : 1
    }
  }

  async #readEntry(index: EntryIndex): Promise<ReadEntry | undefined> {
    const { lake, pipeline, newestFormat } = this.#options
    const path = entryPath(pipeline, index)
    const bytes = await lake.read(path)
    if (bytes === undefined) return undefined
    const head = parseEntryHead(bytes, path, newestFormat)
    const body = storedBodyOf(head)
    const bodyBytes = body === undefined ? undefined : await lake.read(body.path)
    const lacksBody = body !== undefined && bodyBytes === undefined
    // Bodies are deleted before their heads: such an entry is as good as gone.
    if (lacksBody && (await this.#checkpoints()).some(({ next }) => next > index)) return undefined
    const entry = completeEntry(head, bodyBytes, path)
    return { entry, headChecksum: hash('sha256', bytes, 'hex') }
  }

  /**
   * Stops before a notice that an entry is void which this reader could read: what it folded is not
   * what others fold. A faulty writer's notice, of an entry that can be read, stops nobody.
   */
  async #heedNotice(notice: LogEntry): Promise<void> {
    if (notice.kind !== 'void') return
    const { entry } = notice
    const { next, steppedOver } = this.#state
    if (entry >= next || steppedOver.includes(entry)) return
    const { lake, pipeline, newestFormat } = this.#options
    const examined = await examineEntry(lake, pipeline, entry, newestFormat)
    // A stand-in names the index that it stands at; another notice is an entry like any other.
    const stands = examined.kind === 'whole' && !isStandIn(examined.entry, entry)
    if (stands || examined.kind === 'absent') return
    throw new Fault('LOG_ENTRY_VOIDED', { path: entryPath(pipeline, entry), entry, notice: next })
  }

  #fold(round: Round, { entry, headChecksum }: ReadEntry): void {
    const index = this.#state.next
    const { state, verdict } = foldEntry(this.#state, index, entry, headChecksum)
    this.#state = state
    round.folded.set(index, { headChecksum, verdict })
    round.checksums.set(state.next, state.checksum)
    const { checkpointEvery, telemetry } = this.#options
    if (isDue(state, checkpointEvery)) this.#due = state
    if (verdict.kind === 'void') {
      const fields = { entry: index, commitId: entry.commitId, because: verdict.because }
      telemetry.log.warn('log entry is void', fields)
    }
  }

  async #checkpoints(): Promise<readonly CheckpointName[]> {
    const { lake, pipeline } = this.#options
    const objects = await lake.list(checkpointFolder(pipeline))
    const names = objects.flatMap(({ path }) => parseCheckpointPath(path) ?? [])
    return this.#belied.size === 0 ? names : names.filter(({ path }) => !this.#belied.has(path))
  }

  async #beginAgain(candidates: readonly CheckpointName[]): Promise<void> {
    const fields = { next: this.#state.next, checkpoint: candidates[0]?.path }
    this.#options.telemetry.log.warn('log overtaken by a checkpoint', fields)
    let names = candidates
    for (let tries = 1; tries <= beginTriesMax; tries++) {
      for (const name of names) if (await this.#beginAt(name)) return
      // They may have been deleted since they were listed: newer ones stand then.
      const standing = newestFirst(await this.#checkpoints())
      const isSame = standing.every(({ path }) => names.some((name) => name.path === path))
      names = standing
      if (isSame) break
    }
    const path = names[0]?.path ?? candidates[0]?.path ?? ''
    const reason = 'the entries below it are gone and no newer checkpoint can be read'
    throw new Fault('LOG_CHECKPOINT_UNREADABLE', { path, reason })
  }

  /** @returns false when the checkpoint cannot be read; an older one then does. */
  async #beginAt(name: CheckpointName): Promise<boolean> {
    const bytes = await this.#options.lake.read(name.path)
    if (bytes === undefined) return false
    try {
      this.#state = checkedState(this.#parsed(bytes, name), name)
      this.#due = undefined
      this.#round = undefined
      return true
    } catch (error) {
      if (!(error instanceof Fault) || isFault(error, 'LOG_FORMAT_TOO_NEW')) throw error
      this.#options.telemetry.log.warn('checkpoint is unreadable', { reason: error.message })
      return false
    }
  }

  #parsed(bytes: Uint8Array, { path }: CheckpointName): FoldState {
    return parseCheckpoint(bytes, path, this.#options.newestFormat)
  }

  /** A checkpoint only saves work: when the lake fails, it is written after a later round. */
  async #writeDueCheckpoint(names: readonly CheckpointName[]): Promise<void> {
    const due = this.#due
    if (due === undefined) return
    const { lake, pipeline, telemetry } = this.#options
    if (!names.some(({ next }) => next >= due.next)) {
      const { path } = checkpointName(pipeline, due.next, due.checksum)
      try {
        await lake.putIfAbsent(path, encodeCheckpoint(due))
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        telemetry.log.warn('checkpoint not written', { path, reason: error.message })
        return
      }
    }
    if (this.#due === due) this.#due = undefined
  }
}

const isStandIn = (entry: LogEntry, index: EntryIndex): boolean =>
  entry.kind === 'void' && entry.entry === index

/** Each older checkpoint that can be read leads to the same missing entry. */
function endedBelow(candidates: readonly CheckpointName[], next: EntryIndex): Fault {
  const reason = `it cannot be read, and entry ${next} below it is missing`
  return new Fault('LOG_CHECKPOINT_UNREADABLE', { path: candidates[0]?.path ?? '', reason })
}

const isDue = (state: FoldState, every: LogReaderOptions['checkpointEvery']): boolean =>
  every === 'by-size' ? isCheckpointDue(state) : every > 0 && state.next % every === 0

const newRound = ({ next, checksum }: FoldState): Round => ({
  firstRead: next,
  folded: new Map(),
  checksums: new Map([[next, checksum]]),
})

function checkedState(state: FoldState, name: CheckpointName): FoldState {
  if (state.next === name.next && state.checksum.startsWith(name.checksum16)) return state
  const reason = `it holds ${state.next} entries with checksum "${state.checksum}"`
  throw new Fault('LOG_CHECKPOINT_UNREADABLE', { path: name.path, reason })
}
