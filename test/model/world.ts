/**
 * A state of the world: the log, the checkpoints, the files, and what each process is at.
 *
 * Small numbers only, and values: a step makes a new world and leaves the old one as it was.
 * Processes that could change places are kept in one order, so that symmetric worlds are one.
 */
import type { Bits } from './entry.ts'
import type { EntryId, FoldId } from './tables.ts'

/** Where a file lies, as bits. */
export const staged = 1
export const published = 2
export const quarantined = 4

export interface StoredFile {
  /** Any of `staged`, `published`, `quarantined`. */
  readonly at: Bits
  /** The entry it was staged for, which is its journal as well. */
  readonly entry: EntryId
}

/** What a process does next. The order gives each its number. */
const processSteps = [
  'idle',
  'put',
  'put-again',
  'fold-after-put',
  'deed',
  'second-deed',
  'third-deed',
  'finish',
  'unlink',
  'clean',
  'clean-late',
  'quarantine',
  'quarantine-late',
  'checkpoint',
  'deliver',
  'read-back',
] as const

export interface Process {
  readonly step: (typeof processSteps)[number]
  /** 0 before its first step, and after a crash. */
  readonly writer: number
  readonly fold: FoldId
  readonly entry: EntryId
  /** Where its put went. */
  readonly index: number
  /** Files that it has seen or works on. */
  readonly files: Bits
  /** The newest format that it reads and writes. */
  readonly knows: number
}

/** How often each thing may still happen. */
export const budgetNames = [
  'append',
  'ready',
  'merge',
  'replace',
  'undo',
  'forget',
  'clean',
  'checkpoint',
  'trim',
  'crash',
  'lost',
  'quarantine',
  'deliver',
  'finish',
  'unreadable',
  'close',
  'move',
  'home',
  'refill',
  'giveUp',
  'loss',
  'compact',
  'raise',
] as const
export type BudgetName = (typeof budgetNames)[number]
export type Budget = Readonly<Record<BudgetName, number>>

export interface World {
  /** What was decided: the fold of the first entry that ever stood at each index. */
  readonly ghost: FoldId
  /** 0 where nothing stands. */
  readonly log: readonly EntryId[]
  /** Newest first, at most two. */
  readonly checkpoints: readonly FoldId[]
  readonly newestUnreadable: boolean
  /** A put without an answer that may still land. */
  readonly inFlight: { readonly entry: EntryId; readonly index: number } | undefined
  readonly files: readonly StoredFile[]
  readonly processes: readonly Process[]
  readonly writersNext: number
  readonly commitsNext: number
  readonly locationsNext: number
  /** What a metastore shows. */
  readonly target: { readonly revision: number; readonly location: number; readonly files: Bits }
  /** Revisions whose manifests stand; kept in worlds with late rows only. */
  readonly manifests: Bits
  /** Files that the storage lost before they were published. */
  readonly lost: Bits
  /** Rows whose records Kafka does not have any more. */
  readonly compacted: Bits
  readonly left: Budget
}

export const idleProcess: Process = {
  step: 'idle',
  writer: 0,
  fold: 0,
  entry: 0,
  index: 0,
  files: 0,
  knows: 1,
}

const stepNumbers = new Map(processSteps.map((step, number) => [step, number]))
const numberOf = (step: Process['step']): number => stepNumbers.get(step) ?? -1

/** An order of processes by all that they are: zero for equal ones only. */
export const compareProcesses = (a: Process, b: Process): number =>
  numberOf(a.step) - numberOf(b.step) ||
  a.writer - b.writer ||
  a.fold - b.fold ||
  a.entry - b.entry ||
  a.index - b.index ||
  a.files - b.files ||
  a.knows - b.knows

/** Processes in one order: which of two equal ones did what makes no difference. */
export const canonical = (world: World): World => ({
  ...world,
  processes: world.processes.toSorted(compareProcesses),
})

/** All of a world as numbers, in a fixed order. */
function numbersOf(world: World): readonly number[] {
  const { inFlight, target, left } = world
  const numbers = [world.ghost, world.log.length, ...world.log, world.checkpoints.length]
  numbers.push(...world.checkpoints, Number(world.newestUnreadable), world.files.length)
  for (const { at, entry } of world.files) numbers.push(at, entry)
  for (const { step, writer, fold, entry, index, files, knows } of world.processes) {
    numbers.push(numberOf(step), writer, fold, entry, index, files, knows)
  }
  numbers.push(inFlight?.entry ?? 0, inFlight?.index ?? 0)
  numbers.push(world.writersNext, world.commitsNext, world.locationsNext)
  numbers.push(target.revision, target.location, target.files)
  numbers.push(world.manifests, world.lost, world.compacted)
  for (const name of budgetNames) numbers.push(left[name])
  return numbers
}

/** 64 bits that stand for a world, as two words. Two worlds in 2^64 share them. */
export function fingerprintOf(world: World): readonly [number, number] {
  let [low, high] = [0x811c9dc5, 0x9e3779b9]
  for (const number of numbersOf(world)) {
    low = mixed(low ^ number, 0x85ebca6b)
    high = mixed(high ^ (number + low), 0xc2b2ae35)
  }
  return [low >>> 0, high >>> 0]
}

function mixed(word: number, factor: number): number {
  const product = Math.imul(word ^ (word >>> 15), factor)
  return product ^ (product >>> 13)
}

export const withProcess = (world: World, at: number, change: Partial<Process>): World => ({
  ...world,
  processes: world.processes.map((one, index) => (index === at ? { ...one, ...change } : one)),
})

/** The process keeps its writer id and forgets everything else. */
export const withIdle = (world: World, at: number): World =>
  withProcess(world, at, {
    ...idleProcess,
    writer: world.processes[at]?.writer ?? 0,
    knows: world.processes[at]?.knows ?? 1,
  })

/** Changes where files lie. */
export const withFiles = (
  world: World,
  files: Bits,
  change: { readonly add?: Bits; readonly remove?: Bits },
): World => ({
  ...world,
  files: world.files.map((file, index) =>
    (files & (1 << index)) === 0
      ? file
      : { ...file, at: (file.at & ~(change.remove ?? 0)) | (change.add ?? 0) },
  ),
})

export const withEntryAt = (world: World, index: number, entry: EntryId): World => {
  const log = [...world.log]
  while (log.length <= index) log.push(0)
  log[index] = entry
  return { ...world, log }
}

export const spent = (world: World, name: BudgetName): World => ({
  ...world,
  left: { ...world.left, [name]: world.left[name] - 1 },
})
