/**
 * The fold of the model: the product's, and beside it what an oracle wants to know of it.
 *
 * Every entry is judged and folded by `src/protocol/`. What the model keeps beside it (which files
 * are live, removed, forgotten) is folded here from the entries alone, and must agree with the
 * product's in each step; so must the judgement of those kinds whose rules can be switched off.
 */
import { assert } from '../../src/base/assert.ts'
import { PersistentMap } from '../../src/base/persistent-map.ts'
import type { FoldedPartition, FoldState } from '../../src/model/fold-state.ts'
import type { CommitId } from '../../src/model/ids.ts'
import type { AppendEntry, LogEntry } from '../../src/model/log-entry.ts'
import { sourceKey } from '../../src/model/topic-partition.ts'
import { noteOrigins } from '../../src/protocol/file-origins.ts'
import { emptyFold, foldEntry, headChecksumOf } from '../../src/protocol/fold.ts'
import { foldAppend } from '../../src/protocol/fold-append.ts'
import { foldClosedLate } from '../../src/protocol/fold-closed.ts'
import { foldDelivered, foldReady } from '../../src/protocol/fold-ready.ts'
import { foldSource } from '../../src/protocol/fold-source.ts'
import { foldForgottenFiles, foldSwap } from '../../src/protocol/fold-swap.ts'
import { brokenReliance } from '../../src/protocol/reliance.ts'
import {
  type Bits,
  bit,
  countOf,
  fileOf,
  filesAdded,
  holds,
  hour,
  lane,
  type ModelEntry,
  productEntryOf,
  sourceOf,
  stream,
} from './entry.ts'
import type { RulesOff } from './rules.ts'

/** A topic-partition that is read on from elsewhere. */
interface Move {
  /** Next offset of the reading that ended. */
  readonly before: number
  readonly to: number
}

export interface ModelFold {
  readonly state: FoldState
  readonly live: Bits
  /** Taken out by a swap, may come back. */
  readonly removed: Bits
  /** Never to come back. */
  readonly forgotten: Bits
  /** Rows that were read when the partition was announced already. */
  readonly late: Bits
  /** Rows of lost files that an operator gave up. */
  readonly givenUp: Bits
  readonly location: number
  readonly revision: number
  readonly announced: Bits
  readonly announcedLocation: number
  /** Newest revision that is known as delivered. */
  readonly delivered: number
  /** What an undo would take back. */
  readonly replaced: { readonly inputs: Bits; readonly file: number; readonly location: number }
  /** Files that the list names with which the partition left the state; undefined: it has not. */
  readonly closed: Bits | undefined
  /** By topic-partition; absent where nobody moved it. */
  readonly moves: readonly (Move | undefined)[]
  /** By path of a file the append whose rows it holds: the product's word. */
  readonly origins: ReadonlyMap<string, ModelEntry>
  /** An entry of one format was decided where another one was in force. */
  readonly mixed: boolean
  /** Files that were added to what was announced. */
  readonly appendedLate: Bits
  /** Files that any revision added, and those that two of them did. */
  readonly told: Bits
  readonly toldTwice: Bits
}

const nothingReplaced = { inputs: 0, file: -1, location: 0 }

export const emptyModelFold = (): ModelFold => ({
  state: emptyFold(),
  live: 0,
  removed: 0,
  forgotten: 0,
  late: 0,
  givenUp: 0,
  location: 0,
  revision: 0,
  announced: 0,
  announcedLocation: 0,
  delivered: 0,
  replaced: nothingReplaced,
  closed: undefined,
  moves: [],
  origins: new Map(),
  mixed: false,
  appendedLate: 0,
  told: 0,
  toldTwice: 0,
})

const partitionOf = ({ state }: ModelFold): FoldedPartition | undefined =>
  state.streams.get(stream)?.partitions.get(hour.path)

export const versionOf = (fold: ModelFold): CommitId | undefined => partitionOf(fold)?.version

/** Next offset of a topic-partition by the fold. */
export const nextOf = ({ state }: ModelFold, partition: number): number =>
  Number(state.positions.get(lane)?.get(sourceKey(sourceOf(partition)))?.next ?? 0n)

/** How often a topic-partition was moved. */
export const epochOf = ({ state }: ModelFold, partition: number): number =>
  state.positions.get(lane)?.get(sourceKey(sourceOf(partition)))?.resetEpoch ?? 0

/** Files of the fold that are not known as published. */
export function unpublishedOf({ state }: ModelFold): Bits {
  let files = 0
  for (const commit of state.unpublished.values()) {
    for (const { path } of commit.files) files |= bit(fileOf(path))
  }
  return files
}

/** Whether `entry` holds over `fold`, as far as the rules that are on ask for it. */
export function holdsOver(fold: ModelFold, entry: ModelEntry, off: RulesOff): boolean {
  if (off.has('voids')) return true
  const product = inAnyFormat(fold, productEntryOf(entry), off)
  if (product.kind === 'append') {
    return brokenReliance(fold.state, relaxed(fold, product, off)) === undefined
  }
  if (entry.kind === 'ready' && off.has('relyVersion')) return true
  const isSound = brokenReliance(fold.state, product) === undefined
  const wanted = modelHolds(fold, entry, off)
  if (wanted === undefined) return isSound
  assert(off.size > 0 || wanted === isSound, `the product judges ${entry.kind} as the model does`)
  return wanted
}

/** As if it were of the format in force. */
function inAnyFormat({ state }: ModelFold, entry: LogEntry, off: RulesOff): LogEntry {
  if (!off.has('relyFormat') || entry.kind === 'config') return entry
  return { ...entry, format: state.config.format }
}

/** An append that relies on nothing whose rule is off. */
function relaxed({ state, closed }: ModelFold, entry: AppendEntry, off: RulesOff): AppendEntry {
  const placeless = { places: [], body: { ...entry.body, files: [] } }
  const ranges = off.has('relyNext')
    ? []
    : entry.ranges.map(({ resetEpoch: named, ...range }) => {
        const known = state.positions.get(lane)?.get(sourceKey(range.source))?.resetEpoch
        const resetEpoch = off.has('relyEpoch') ? known : named
        return resetEpoch === undefined ? range : { ...range, resetEpoch }
      })
  const isAnywhere = off.has('relyPlace') || (off.has('lateClosed') && closed !== undefined)
  return { ...entry, ranges, ...(isAnywhere ? placeless : {}) }
}

/** The model's own judgement; undefined for kinds that it leaves to the product. */
function modelHolds(fold: ModelFold, entry: ModelEntry, off: RulesOff): boolean | undefined {
  const sameVersion = off.has('relyMoveVersion') || entry.version === versionOf(fold)
  const isHere = fold.closed === undefined
  switch (entry.kind) {
    case 'append':
    case 'ready':
    case 'delivered':
    case 'move':
    case 'raise':
      return undefined
    case 'swap':
      return isHere && swapHolds(fold, entry, off)
    case 'home':
    case 'refill':
      return isHere && swapHolds(fold, entry, off) && isEven(fold, entry, off)
    case 'undo': {
      const alive = off.has('noRevive') || (entry.inputs & fold.forgotten) === 0
      const isKnown = off.has('undoPublished') || !holds(unpublishedOf(fold), entry.file)
      return isHere && sameVersion && alive && isKnown && fold.replaced.file === entry.file
    }
    case 'forget':
      if (off.has('forgetRemoved')) return true
      return isHere && sameVersion && holds(fold.removed, entry.file)
    case 'close':
      return isHere && closeHolds(fold, entry, off)
    case 'announce': {
      const asPlanned = off.has('revisionVersion') || sameVersion
      return isHere && asPlanned && entry.revision === fold.revision
    }
  }
}

function swapHolds(fold: ModelFold, entry: ModelEntry, off: RulesOff): boolean {
  const samePlace = off.has('relySwapPlace') || entry.revision === fold.revision
  const inputsLive = off.has('relyInputs') || (entry.inputs & ~fold.live) === 0
  if (entry.revision === 0) return samePlace && inputsLive
  const sameVersion = off.has('relyMoveVersion') || entry.version === versionOf(fold)
  const isWhole = off.has('swapAll') || off.has('relyMoveVersion') || entry.inputs === fold.live
  const isTold = off.has('swapTold') || off.has('relyMoveVersion') || fold.live === fold.announced
  return samePlace && inputsLive && sameVersion && isWhole && isTold
}

/** As many rows as were taken come back, or are said to be lost. */
function isEven(fold: ModelFold, { inputs, rows }: ModelEntry, off: RulesOff): boolean {
  const isLoose = off.has('refillWhole') || off.has('refillOrigin') || off.has('refillSame')
  if (isLoose || off.has('relyInputs')) return true
  let rowCount = 0
  for (const file of partitionOf(fold)?.files ?? []) {
    if (holds(inputs, fileOf(file.path))) rowCount += file.rowCount
  }
  return rowCount === countOf(rows)
}

function closeHolds(fold: ModelFold, entry: ModelEntry, off: RulesOff): boolean {
  const { undelivered, unpublished } = fold.state
  const sameVersion = off.has('closeVersion') || entry.version === versionOf(fold)
  const isForgotten = off.has('closeForgotten') || fold.removed === 0
  const isTold = off.has('closeDelivered') || undelivered.length === 0
  const isNamed = off.has('closeTold') || off.has('closeVersion') || fold.announced === fold.live
  const isDue = fold.revision > 0 && unpublished.size === 0
  return isDue && sameVersion && isForgotten && isTold && isNamed
}

export interface ModelStep {
  readonly fold: ModelFold
  readonly decided: boolean
}

/** Folds the next entry; a void one changes nothing but where the log ends. */
export function foldModelEntry(fold: ModelFold, entry: ModelEntry, off: RulesOff): ModelStep {
  const decided = holdsOver(fold, entry, off)
  const head = headChecksumOf(Buffer.from(JSON.stringify(entry)))
  const state = productStep(fold.state, productEntryOf(entry), head, decided)
  if (!decided) return { fold: { ...fold, state }, decided }
  const mixed = fold.mixed || (entry.format ?? 1) !== state.config.format
  const folded = { ...withEffect(fold, entry), state, mixed, origins: originsOf(fold, entry) }
  assert(filesAgree(folded), 'the model and the product hold the same files live')
  return { fold: folded, decided }
}

function originsOf({ origins }: ModelFold, entry: ModelEntry): ModelFold['origins'] {
  const known = new Map(origins)
  noteOrigins(known, productEntryOf(entry), entry)
  return known
}

function filesAgree(fold: ModelFold): boolean {
  const partition = partitionOf(fold)
  // What is added to a closed one, where no rule is against it, opens it anew.
  if (fold.closed !== undefined) return partition === undefined || fold.live !== fold.closed
  const setOf = (paths: readonly { readonly path: string }[]): Bits =>
    paths.reduce((bits, { path }) => bits | bit(fileOf(path)), 0)
  const removed = partition?.removed?.map(({ file }) => file) ?? []
  return setOf(partition?.files ?? []) === fold.live && setOf(removed) === fold.removed
}

/** The product's own step; where a rule is off that it keeps, its effect without its judgement. */
function productStep(state: FoldState, entry: LogEntry, head: string, decided: boolean): FoldState {
  const { next } = state
  const { state: folded, verdict } = foldEntry(state, next, entry, head)
  if (decided === (verdict.kind === 'decided')) return folded
  switch (entry.kind) {
    case 'append':
      return foldAppend(folded, next, entry)
    case 'ready':
      return foldReady(folded, next, entry)
    case 'delivered':
      return foldDelivered(folded, entry)
    case 'source':
      return foldSource(folded, entry)
    case 'forget':
      return foldForgottenFiles(folded, next, entry)
    case 'closed-late':
      return foldClosedLate(folded, entry)
    case 'swap':
      return foldSwap(folded, next, entry)
    case 'config':
    case 'void':
      return folded
  }
}

function withEffect(fold: ModelFold, entry: ModelEntry): ModelFold {
  const { kind, file, inputs, rows } = entry
  switch (kind) {
    case 'append':
      if (file === -1) return { ...fold, late: fold.late | rows }
      return appended(fold, entry)
    case 'ready':
    case 'announce': {
      const { location, told } = fold
      const added = kind === 'ready' ? inputs : inputs & ~rows
      const announced = { announced: inputs, announcedLocation: location }
      const revision = fold.revision + 1
      const toldTwice = fold.toldTwice | (added & told)
      return { ...fold, ...announced, revision, told: told | added, toldTwice }
    }
    case 'delivered':
      return { ...fold, delivered: entry.revision }
    case 'swap':
    case 'home':
      return swapped(fold, entry)
    case 'refill':
      if (file !== -1) return swapped(fold, entry)
      return givenUp(fold, entry)
    case 'undo':
      return undone(fold, entry)
    case 'forget':
      return forgot(fold, file)
    case 'close':
      return { ...fold, closed: inputs }
    case 'move':
      return moved(fold, entry)
    case 'raise':
      return fold
  }
}

const appended = (fold: ModelFold, entry: ModelEntry): ModelFold => ({
  ...fold,
  live: fold.live | filesAdded(entry),
  appendedLate: fold.appendedLate | (entry.late ? filesAdded(entry) : 0),
})

const givenUp = (fold: ModelFold, { inputs, rows }: ModelEntry): ModelFold => ({
  ...fold,
  live: fold.live & ~inputs,
  forgotten: fold.forgotten | inputs,
  givenUp: fold.givenUp | rows,
})

function swapped(fold: ModelFold, entry: ModelEntry): ModelFold {
  const { inputs, file, revision, toLocation } = entry
  const live = (fold.live & ~inputs) | bit(file)
  // Before the announcement a swap is itself the forget of its inputs.
  if (revision === 0) {
    return { ...fold, live, location: toLocation, forgotten: fold.forgotten | inputs }
  }
  const replaced = { inputs, file, location: fold.location }
  const removed = fold.removed | fold.live
  return { ...fold, live: bit(file), location: toLocation, removed, replaced }
}

/** What was forgotten does not come back, whoever says so. */
const undone = (fold: ModelFold, { inputs, toLocation }: ModelEntry): ModelFold => ({
  ...fold,
  live: inputs & fold.removed,
  removed: (fold.removed & ~inputs) | fold.live,
  location: toLocation,
  replaced: nothingReplaced,
  // What comes back is told once more.
  told: fold.told & ~inputs,
})

const forgot = (fold: ModelFold, file: number): ModelFold => ({
  ...fold,
  removed: fold.removed & ~bit(file),
  forgotten: fold.forgotten | bit(file),
})

function moved(fold: ModelFold, { ranges }: ModelEntry): ModelFold {
  const moves = ranges.map((range, partition) =>
    range === undefined
      ? fold.moves[partition]
      : { before: nextOf(fold, partition), to: range.next },
  )
  return { ...fold, moves }
}

/** A checkpoint that does not say how files are published. */
export const withoutRecipes = (fold: ModelFold): ModelFold => ({
  ...fold,
  state: { ...fold.state, unpublished: PersistentMap.empty() },
})
