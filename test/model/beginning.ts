/** What a process begins on a fold of its own, and how it stages files and plans entries. */
import { type Bits, bit, commitOf, fileOf, filesAdded, holds, type ModelEntry } from './entry.ts'
import { type ModelFold, versionOf } from './fold.ts'
import type { Bounds } from './scenarios.ts'
import type { FoldId, Tables } from './tables.ts'
import {
  type BudgetName,
  type Process,
  published,
  spent,
  staged,
  type World,
  withProcess,
} from './world.ts'

/** Takes a next world, how it came about, and a promise that was broken on the way there. */
export type Emit = (world: World, say: () => string, broken?: string) => void

/** Words for a trace, made only when one is told. */
export type Text = () => string

/** Files and counters are few bits. */
const filesMax = 7
const otherCommits = 16

export interface Beginning {
  readonly world: World
  readonly tables: Tables
  readonly bounds: Bounds
  readonly at: number
  readonly writer: number
  readonly foldId: FoldId
  readonly fold: ModelFold
  readonly emit: Emit
}

/** Spends of a budget and lets the process go on with `step`. */
export function begin(
  { emit, at }: Beginning,
  world: World,
  { budget, say, ...change }: { budget: BudgetName; say: () => string } & Partial<Process>,
): void {
  if (world.left[budget] > 0) emit(spent(withProcess(world, at, change), budget), say)
}

export function draft(
  from: Beginning,
  change: Partial<ModelEntry> & Pick<ModelEntry, 'kind'>,
): ModelEntry {
  const { fold, world, writer } = from
  const { revision, location } = fold
  const { version, format } = fold.state.config
  return {
    commitId: commitOf(writer, otherCommits + world.commitsNext),
    ranges: [],
    file: -1,
    rows: 0,
    inputs: 0,
    version: versionOf(fold),
    revision,
    location,
    toLocation: location,
    published: doneIn(fold, world),
    ...(version === 0 ? {} : { configVersion: version }),
    ...(format === 1 ? {} : { format }),
    ...change,
  }
}

/** Commits whose files stand and whose removals are gone: the next entry tells so. */
function doneIn({ state }: ModelFold, world: World): ModelEntry['published'] {
  const at = (path: string): Bits => world.files[fileOf(path)]?.at ?? 0
  return [...state.unpublished.values()]
    .filter(({ files, removals = [] }) => {
      const isGone = removals.every(({ path }) => (at(path) & (published | staged)) === 0)
      return isGone && files.every(({ path }) => (at(path) & published) !== 0)
    })
    .map(({ commitId }) => commitId)
}

export const filesAt = (world: World, place: Bits): Bits =>
  world.files.reduce((bits, { at }, file) => ((at & place) === 0 ? bits : bits | bit(file)), 0)

/** An entry without a file takes the next commit number. */
export function beginEntry(
  from: Beginning,
  entry: ModelEntry,
  budget: BudgetName,
  what: Text,
): void {
  const world = { ...from.world, commitsNext: from.world.commitsNext + 1 }
  const id = from.tables.idOf(entry)
  const say = (): string => `w${from.writer} folds to ${from.fold.state.next}, plans ${what()}`
  begin(from, world, { budget, say, step: 'put', entry: id })
}

/** Stages a file. Without unique ids a restarted process takes its first name once more. */
export function beginFile(
  from: Beginning,
  planned: Omit<ModelEntry, 'commitId' | 'file'>,
  budget: BudgetName,
  what: Text,
): void {
  const { world, tables, at, writer, fold } = from
  const file = tables.off.has('ids') ? at : world.files.length
  const also = planned.also && { ...planned.also, file: file + 1 }
  if ((also?.file ?? file) >= filesMax) return
  const entry = { ...planned, file, commitId: commitOf(writer, file), ...(also && { also }) }
  const id = tables.idOf(entry)
  const files = [...world.files]
  while (files.length < file) files.push({ at: 0, entry: 0 })
  const known = files[file]?.at ?? 0
  files[file] = { at: known | (tables.off.has('firstEntry') ? published : staged), entry: id }
  if (also !== undefined) files[also.file] = { at: staged, entry: id }
  const say = (): string =>
    `w${writer} folds to ${fold.state.next}, stages ${fileNames(filesAdded(entry))} for ${what()}`
  begin(from, { ...world, files }, { budget, say, step: 'put', entry: id })
}

export const fileNames = (files: Bits): string =>
  Array.from({ length: filesMax }, (_, file) => file)
    .flatMap((file) => (holds(files, file) ? [`f${file}`] : []))
    .join(' ') || 'nothing'
