/**
 * The fold of the model: the product's, and beside it what the product has no entries for yet.
 *
 * `append`, the first `ready` and `delivered` are judged and folded by `src/protocol/`. `swap`,
 * `undo`, `forget` and later announcements are folded here, over the product's state: they change
 * its files, its version and its unpublished commits as an entry of the product would.
 */
import { hash } from 'node:crypto'
import { assert } from '../../src/base/assert.ts'
import { PersistentMap } from '../../src/base/persistent-map.ts'
import { zeroCounts } from '../../src/model/counts.ts'
import type { FoldedPartition, FoldState } from '../../src/model/fold-state.ts'
import type { CommitId } from '../../src/model/ids.ts'
import type { LogEntry } from '../../src/model/log-entry.ts'
import { sourceKey } from '../../src/model/topic-partition.ts'
import { emptyFold, foldEntry, headChecksumOf } from '../../src/protocol/fold.ts'
import { foldAppend } from '../../src/protocol/fold-append.ts'
import { foldDelivered, foldReady } from '../../src/protocol/fold-ready.ts'
import { brokenReliance } from '../../src/protocol/reliance.ts'
import {
  type Bits,
  bit,
  commitOf,
  holds,
  hour,
  lane,
  type ModelEntry,
  productEntryOf,
  productFile,
  sourceOf,
  stream,
} from './entry.ts'
import type { RulesOff } from './rules.ts'

export interface ModelFold {
  readonly state: FoldState
  readonly live: Bits
  /** Taken out by a swap, may come back. */
  readonly removed: Bits
  /** Never to come back. */
  readonly forgotten: Bits
  readonly commitOfFile: readonly CommitId[]
  /** Rows that were read when the partition was announced already. */
  readonly late: Bits
  readonly location: number
  readonly revision: number
  readonly announced: Bits
  readonly announcedLocation: number
  /** Newest revision that is known as delivered. */
  readonly delivered: number
  /** What an undo would take back. */
  readonly replaced: { readonly inputs: Bits; readonly file: number; readonly location: number }
}

/** Stands for files that were staged and never decided. */
const nobody = commitOf(0xffff, 0)

const nothingReplaced = { inputs: 0, file: -1, location: 0 }

export const emptyModelFold = (): ModelFold => ({
  state: emptyFold(),
  live: 0,
  removed: 0,
  forgotten: 0,
  commitOfFile: [],
  late: 0,
  location: 0,
  revision: 0,
  announced: 0,
  announcedLocation: 0,
  delivered: 0,
  replaced: nothingReplaced,
})

const partitionOf = ({ state }: ModelFold): FoldedPartition | undefined =>
  state.streams.get(stream)?.partitions.get(hour.path)

export const versionOf = (fold: ModelFold): CommitId | undefined => partitionOf(fold)?.version

/** Next offset of a topic-partition by the fold. */
export const nextOf = ({ state }: ModelFold, partition: number): number =>
  Number(state.positions.get(lane)?.get(sourceKey(sourceOf(partition)))?.next ?? 0n)

/** Files of the fold that are not known as published. */
export const unpublishedOf = (fold: ModelFold): Bits =>
  fold.commitOfFile.reduce(
    (bits, commitId, file) => (fold.state.unpublished.has(commitId) ? bits | bit(file) : bits),
    0,
  )

/** Whether `entry` holds over `fold`, as far as the rules that are on ask for it. */
export function holdsOver(fold: ModelFold, entry: ModelEntry, off: RulesOff): boolean {
  if (off.has('voids')) return true
  const product = productEntryOf(entry)
  return product === undefined
    ? modelHolds(fold, entry, off)
    : productHolds(fold.state, product, off)
}

function productHolds(state: FoldState, entry: LogEntry, off: RulesOff): boolean {
  if (entry.kind === 'append') {
    const ranges = off.has('relyNext') ? [] : entry.ranges
    const placeless = { places: [], body: { ...entry.body, files: [] } }
    const asked = off.has('relyPlace') ? { ...entry, ranges, ...placeless } : { ...entry, ranges }
    return brokenReliance(state, asked) === undefined
  }
  if (entry.kind === 'ready' && off.has('relyVersion')) return true
  return brokenReliance(state, entry) === undefined
}

function modelHolds(fold: ModelFold, entry: ModelEntry, off: RulesOff): boolean {
  const sameVersion = off.has('relyMoveVersion') || entry.version === versionOf(fold)
  switch (entry.kind) {
    case 'swap': {
      const samePlace = off.has('relySwapPlace') || entry.revision === fold.revision
      const inputsLive = off.has('relyInputs') || (entry.inputs & ~fold.live) === 0
      return samePlace && inputsLive && (entry.revision === 0 || sameVersion)
    }
    case 'undo': {
      const alive = off.has('noRevive') || (entry.inputs & fold.forgotten) === 0
      return sameVersion && alive && fold.replaced.file === entry.file
    }
    case 'forget':
      return off.has('forgetRemoved') || (sameVersion && holds(fold.removed, entry.file))
    default:
      return sameVersion && entry.revision === fold.revision
  }
}

export interface ModelStep {
  readonly fold: ModelFold
  readonly decided: boolean
}

/** Folds the next entry; a void one changes nothing but where the log ends. */
export function foldModelEntry(fold: ModelFold, entry: ModelEntry, off: RulesOff): ModelStep {
  const decided = holdsOver(fold, entry, off)
  const product = productEntryOf(entry)
  const head = headChecksumOf(Buffer.from(JSON.stringify(entry)))
  const state =
    product === undefined
      ? passed(fold.state, entry, head, decided)
      : productStep(fold.state, product, head, decided)
  if (!decided) return { fold: { ...fold, state }, decided }
  const folded = withEffect({ ...fold, state }, entry)
  assert(filesAgree(folded), 'the model and the product hold the same files live')
  return { fold: folded, decided }
}

const filesAgree = (fold: ModelFold): boolean => {
  const paths = new Set(partitionOf(fold)?.files.map(({ path }) => path))
  const live = fold.commitOfFile.filter((_, file) => holds(fold.live, file))
  const ours = new Set(live.map((commitId) => productFile(commitId).path))
  return ours.size === paths.size && [...ours].every((path) => paths.has(path))
}

/** The product's own step; where a rule is off that it keeps, its effect without its judgement. */
function productStep(state: FoldState, entry: LogEntry, head: string, decided: boolean): FoldState {
  const { state: folded, verdict } = foldEntry(state, state.next, entry, head)
  if (decided === (verdict.kind === 'decided')) return folded
  switch (entry.kind) {
    case 'append':
      return foldAppend(folded, state.next, entry)
    case 'ready':
      return foldReady(folded, state.next, entry)
    case 'delivered':
      return foldDelivered(folded, entry)
    case 'config':
    case 'source':
    case 'void':
    case 'forget':
    case 'closed-late':
    case 'swap':
      return folded
  }
}

/** What any entry does, of a kind that the product does not have. */
function passed(state: FoldState, entry: ModelEntry, head: string, decided: boolean): FoldState {
  const checksum = hash('sha256', state.checksum + head, 'hex')
  const unpublished = decided ? withoutKeys(state.unpublished, entry.published) : state.unpublished
  return { ...state, next: state.next + 1, checksum, unpublished }
}

const withoutKeys = <K extends string, V>(
  map: ReadonlyMap<K, V>,
  keys: readonly K[],
): ReadonlyMap<K, V> => keys.reduce((left, key) => left.without(key), PersistentMap.of(map))

function withEffect(fold: ModelFold, entry: ModelEntry): ModelFold {
  const { kind, file, inputs, rows } = entry
  switch (kind) {
    case 'append':
      return file === -1 ? { ...fold, late: fold.late | rows } : withLive(fold, entry)
    case 'ready':
    case 'announce': {
      const { location } = fold
      const revision = fold.revision + 1
      const announced = { ...fold, revision, announced: inputs, announcedLocation: location }
      return kind === 'ready' ? announced : withPartition(announced, entry)
    }
    case 'delivered':
      return { ...fold, delivered: entry.revision }
    case 'swap':
      return withPartition(swapped(withLive(fold, entry), entry), entry)
    case 'undo':
      return withPartition(undone(fold, entry), entry)
    case 'forget':
      return withPartition(forgot(fold, file), entry)
  }
}

function withLive(fold: ModelFold, { file, commitId }: ModelEntry): ModelFold {
  const commitOfFile = [...fold.commitOfFile]
  for (let known = commitOfFile.length; known < file; known++) commitOfFile.push(nobody)
  commitOfFile[file] = commitId
  return { ...fold, live: fold.live | bit(file), commitOfFile }
}

function swapped(fold: ModelFold, entry: ModelEntry): ModelFold {
  const { inputs, file, revision, toLocation } = entry
  const commits = fold.commitOfFile.filter((_, one) => holds(inputs, one))
  const commit = { commitId: entry.commitId, entry: fold.state.next - 1, stagedAtMs: hour.startMs }
  const unpublished = PersistentMap.of(withoutKeys(fold.state.unpublished, commits)).with(
    entry.commitId,
    { ...commit, files: [productFile(entry.commitId)] },
  )
  const live = fold.live & ~inputs
  const swap = { ...fold, live, location: toLocation, state: { ...fold.state, unpublished } }
  // Before the announcement a swap is itself the forget of its inputs.
  if (revision === 0) return { ...swap, forgotten: fold.forgotten | inputs }
  const replaced = { inputs, file, location: fold.location }
  return { ...swap, removed: fold.removed | inputs, replaced }
}

const undone = (fold: ModelFold, { inputs, file }: ModelEntry): ModelFold => ({
  ...fold,
  live: (fold.live | inputs) & ~bit(file),
  removed: (fold.removed & ~inputs) | bit(file),
  location: fold.replaced.location,
  replaced: nothingReplaced,
})

const forgot = (fold: ModelFold, file: number): ModelFold => ({
  ...fold,
  live: fold.live & ~bit(file),
  removed: fold.removed & ~bit(file),
  forgotten: fold.forgotten | bit(file),
})

/** Puts files, revision and version into the product's partition. */
function withPartition(fold: ModelFold, { kind, commitId }: ModelEntry): ModelFold {
  const { state, live, commitOfFile, revision } = fold
  const ofStream = state.streams.get(stream)
  const known = partitionOf(fold)
  if (ofStream === undefined || known === undefined) return fold
  const files = commitOfFile.filter((_, file) => holds(live, file)).map(productFile)
  const version = kind === 'forget' ? known.version : commitId
  const { table, partition, place, manifest } = known
  const fields = { table, partition, place, manifest, counts: zeroCounts }
  const changed: FoldedPartition = { ...fields, files, version, revision }
  const partitions = PersistentMap.of(ofStream.partitions).with(hour.path, changed)
  const streams = PersistentMap.of(state.streams).with(stream, { ...ofStream, partitions })
  return { ...fold, state: { ...state, streams } }
}

/** A checkpoint that does not say how files are published. */
export const withoutRecipes = (fold: ModelFold): ModelFold => ({
  ...fold,
  state: { ...fold.state, unpublished: PersistentMap.empty() },
})
