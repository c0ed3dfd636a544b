/**
 * `log verify`: the log from the first entry that stands, from each checkpoint, and against the
 * files it names.
 *
 * A checkpoint must be the state that the entries below it give, byte for byte; from there on the
 * entries must give the same state again.
 */
import { Fault } from '../base/fault.ts'
import { encodeCheckpoint, parseCheckpoint } from '../codec/log/checkpoint.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { DiscardReason, EntryIndex } from '../model/log-entry.ts'
import type { Lake } from '../ports/lake.ts'
import { foldEntry } from '../protocol/fold.ts'
import type { CheckpointName } from '../protocol/log-paths.ts'
import { Check, type CheckResult, counted } from './check.ts'
import { checkClosed, checkRanges } from './commit-checks.ts'
import { checkFiles, listTables } from './file-checks.ts'
import {
  type DecidedAppend,
  type DecidedClosing,
  type DecidedMove,
  type DecidedSwap,
  listCheckpoints,
  openBase,
  readClosed,
  type WalkedEntry,
  walkEntries,
} from './walk-log.ts'

export interface LogVerdict {
  /** The first entry that stands and is checked: those below it are deleted. */
  readonly first: EntryIndex
  readonly checks: readonly CheckResult[]
  readonly voids: readonly { readonly entry: EntryIndex; readonly because: string }[]
  /** Attempts that their writers gave up, by the entry that tells of them. */
  readonly discards: readonly {
    readonly entry: EntryIndex
    readonly commitId: CommitId
    readonly because: DiscardReason
  }[]
}

export interface LogFacts {
  readonly lake: Lake
  readonly pipeline: string
  /** Tables of the log and of the configuration. */
  readonly tables: readonly string[]
}

/** @throws {Fault} `LAKE_…`: the lake cannot be read. What is wrong with the log is a finding. */
export async function verifyLog({ lake, pipeline, tables }: LogFacts): Promise<LogVerdict> {
  const listed = await listTables(lake, tables)
  const names = await listCheckpoints(lake, pipeline)
  const entries = new Check('entries')
  const base = await openBase(lake, pipeline)
  const folds = new FoldComparison(lake, names, base.next)
  const appends: DecidedAppend[] = []
  const moves: DecidedMove[] = []
  const closings: DecidedClosing[] = []
  const swaps: DecidedSwap[] = []
  const [voids, discards]: [LogVerdict['voids'][number][], LogVerdict['discards'][number][]] = [
    [],
    [],
  ]
  let state = base
  try {
    for await (const walked of walkEntries(lake, pipeline, base)) {
      const { index, entry, verdict } = walked
      state = walked.state
      await folds.step(walked)
      if (verdict.kind === 'void') voids.push({ entry: index, because: verdict.because })
      else if (entry.kind === 'append') appends.push({ index, entry })
      else if (entry.kind === 'source') moves.push({ index, entry })
      else if (entry.kind === 'closed-late') closings.push({ index, entry })
      else if (entry.kind === 'swap' || entry.kind === 'forget') swaps.push({ index, entry })
      for (const { commitId, because } of entry.discarded) {
        discards.push({ entry: index, commitId, because })
      }
    }
  } catch (error) {
    if (!(error instanceof Fault) || error.retry !== 'never') throw error
    entries.fail(error.message)
  }
  const checkpoints = folds.end(state)
  const closed = await readClosed({ lake, pipeline }, state)
  const walk = { base, state, appends, moves, swaps, closings, closed, trouble: undefined }
  const scope = { stream: undefined, spans: undefined }
  const { result } = await checkFiles({ lake, walk, scope, listed })
  const told = `${counted(voids.length, 'void')}, ${counted(discards.length, 'discarded attempt')}`
  const entriesResult = entries.result(`${foldedFrom(base.next, state.next)}, ${told}`)
  const checks = [entriesResult, checkpoints, checkRanges(walk), checkClosed(walk), result]
  return { first: base.next, checks, voids, discards }
}

const foldedFrom = (first: EntryIndex, next: EntryIndex): string =>
  first === 0
    ? `${next} folded from the first one`
    : `${next - first} folded from entry ${first} on, the ones below it are deleted`

/** Folds from the first entry and from the checkpoint before, side by side. */
class FoldComparison {
  readonly #lake: Lake
  readonly #byNext: ReadonlyMap<EntryIndex, readonly CheckpointName[]>
  readonly #check = new Check('checkpoints')
  readonly #count: number
  /** Folded on from the last checkpoint that could be read. */
  #other: FoldState | undefined

  /** @param first entry that is walked: a checkpoint at or below it has nothing to be held to. */
  constructor(lake: Lake, names: readonly CheckpointName[], first: EntryIndex) {
    this.#lake = lake
    this.#byNext = Map.groupBy(
      names.filter(({ next }) => next > first),
      ({ next }) => next,
    )
    this.#count = names.length
  }

  async step({ index, entry, headChecksum, state }: WalkedEntry): Promise<void> {
    if (this.#other !== undefined) {
      this.#other = foldEntry(this.#other, index, entry, headChecksum).state
    }
    for (const name of this.#byNext.get(state.next) ?? []) await this.#compare(name, state)
  }

  async #compare(name: CheckpointName, state: FoldState): Promise<void> {
    const bytes = await this.#lake.read(name.path)
    if (bytes === undefined) return this.#check.fail(`"${name.path}" is gone`)
    this.#compareOther(state)
    try {
      const parsed = parseCheckpoint(bytes, name.path)
      if (!isSame(parsed, state)) {
        this.#check.fail(
          `"${name.path}" holds another state than the ${name.next} entries below it`,
        )
      }
      this.#other = parsed
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#check.fail(`"${name.path}": ${error.message}`)
    }
    return undefined
  }

  #compareOther(state: FoldState): void {
    if (this.#other === undefined || isSame(this.#other, state)) return
    this.#check.fail(`from the checkpoint before, entry ${state.next - 1} gives another state`)
    this.#other = undefined
  }

  end(state: FoldState): CheckResult {
    this.#compareOther(state)
    for (const [next, [name]] of this.#byNext) {
      if (next > state.next) {
        this.#check.fail(`"${name?.path}" is over ${next} entries, the log has ${state.next}`)
      }
    }
    return this.#check.result(`${counted(this.#count, 'checkpoint')}, same state from each`)
  }
}

/** Equal states have equal bytes. */
const isSame = (a: FoldState, b: FoldState): boolean =>
  Buffer.from(encodeCheckpoint(a)).equals(encodeCheckpoint(b))
