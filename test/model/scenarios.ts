/** Bounded worlds, each small enough to be explored to its end, and what each is there to show. */
import { bit, commitOf, type ModelEntry, rowBit } from './entry.ts'
import type { Tables } from './tables.ts'
import {
  type Budget,
  type BudgetName,
  budgetNames,
  idleProcess,
  published,
  type StoredFile,
  type World,
} from './world.ts'

export interface Bounds {
  readonly name: string
  readonly processes: number
  /** Records of each topic-partition, and how many of them must stand before an announcement. */
  readonly rows: readonly number[]
  readonly onTime: readonly number[]
  readonly budget: Partial<Budget>
  /** Closing is planned also where it is too early, and must be void then. */
  readonly hasty?: true
  /** An append of several rows has two files, of the first row and of the others. */
  readonly split?: true
  /** How many of the processes know the second format; and whether all others sleep long. */
  readonly newer?: number
  readonly quiet?: true
  /** What becomes of rows that come after the announcement; undefined: they are dead letters. */
  readonly late?: 'append'
  /** What stands already: files, an announcement of them, its delivery. */
  readonly begun?: 'file' | 'files' | 'announced' | 'delivered' | 'delivered-one'
}

const one = { rows: [2], onTime: [2] }
const lateRow = { rows: [2, 1], onTime: [1, 1] }

/** Explored in `npm test`. */
export const quickScenarios: readonly Bounds[] = [
  {
    name: 'core',
    processes: 2,
    ...one,
    budget: { append: 3, clean: 1, crash: 1, lost: 1, finish: 1 },
  },
  {
    name: 'trim',
    processes: 2,
    ...one,
    budget: { append: 2, ready: 1, checkpoint: 2, trim: 1, lost: 1 },
  },
  {
    name: 'unreadable',
    processes: 1,
    ...one,
    budget: { append: 2, checkpoint: 2, trim: 1, unreadable: 1, crash: 1 },
  },
  {
    name: 'ready',
    processes: 2,
    ...lateRow,
    budget: { append: 2, ready: 1, crash: 1, finish: 1 },
  },
  {
    name: 'files',
    processes: 2,
    rows: [3],
    onTime: [2],
    budget: { append: 1, ready: 1, merge: 2, finish: 1, crash: 1 },
    begun: 'files',
  },
  {
    name: 'quarantine',
    processes: 2,
    ...one,
    budget: { append: 2, quarantine: 1, crash: 1, finish: 1 },
  },
  {
    name: 'after',
    processes: 2,
    ...one,
    budget: { ready: 2, replace: 1, undo: 1, forget: 1, deliver: 1, crash: 1 },
    begun: 'delivered',
  },
  {
    name: 'deliver',
    processes: 2,
    ...one,
    budget: { ready: 1, replace: 1, forget: 1, deliver: 3 },
    begun: 'announced',
  },
  {
    name: 'closing',
    processes: 2,
    rows: [1],
    onTime: [1],
    budget: { ready: 1, replace: 1, forget: 1, deliver: 1, close: 1 },
    hasty: true,
    begun: 'delivered-one',
  },
  {
    name: 'undoing',
    processes: 2,
    rows: [2],
    onTime: [1],
    budget: { append: 1, ready: 1, replace: 1, undo: 1, finish: 1 },
    begun: 'delivered-one',
  },
  {
    name: 'told',
    processes: 2,
    ...one,
    budget: { deliver: 1, close: 1, crash: 1 },
    hasty: true,
    begun: 'announced',
  },
  {
    name: 'overdue',
    processes: 2,
    rows: [2],
    onTime: [1],
    budget: { append: 1, ready: 1, replace: 1, forget: 1, deliver: 1, close: 1 },
    begun: 'delivered-one',
  },
  {
    name: 'moves',
    processes: 2,
    ...one,
    budget: { append: 2, move: 1, clean: 1, crash: 1, finish: 1 },
  },
  {
    name: 'merging',
    processes: 2,
    rows: [3],
    onTime: [3],
    budget: { append: 1, merge: 1, clean: 1, finish: 1 },
    begun: 'files',
  },
  {
    name: 'late',
    processes: 2,
    rows: [2],
    onTime: [1],
    budget: { append: 2, ready: 2, finish: 1, crash: 1 },
    late: 'append',
    begun: 'file',
  },
  {
    name: 'late-told',
    processes: 2,
    rows: [3],
    onTime: [1],
    budget: { append: 2, ready: 2, deliver: 1, lost: 1 },
    late: 'append',
    begun: 'delivered-one',
  },
  {
    name: 'late-closing',
    processes: 2,
    rows: [2],
    onTime: [1],
    budget: { append: 1, ready: 1, deliver: 1, close: 1, crash: 1, finish: 1 },
    hasty: true,
    late: 'append',
    begun: 'delivered-one',
  },
  {
    name: 'late-untold',
    processes: 1,
    rows: [2],
    onTime: [1],
    budget: { append: 1, ready: 1, deliver: 1, move: 1, close: 1, finish: 1, crash: 1 },
    hasty: true,
    late: 'append',
    begun: 'delivered-one',
  },
  {
    name: 'late-swap',
    processes: 2,
    rows: [2],
    onTime: [1],
    budget: { append: 1, ready: 1, replace: 1, finish: 1 },
    late: 'append',
    begun: 'delivered-one',
  },
  {
    name: 'formats',
    processes: 2,
    rows: [2],
    onTime: [1],
    budget: { append: 1, ready: 1, raise: 1, lost: 1, checkpoint: 1 },
    newer: 1,
    quiet: true,
    begun: 'file',
  },
  {
    name: 'raised',
    processes: 2,
    rows: [2],
    onTime: [1],
    budget: { append: 1, ready: 1, raise: 2, lost: 1 },
    newer: 2,
    begun: 'file',
  },
  {
    name: 'upgraded',
    processes: 3,
    ...one,
    budget: { append: 2, raise: 2, crash: 1 },
    newer: 2,
  },
  {
    name: 'refill',
    processes: 2,
    ...one,
    budget: { append: 1, ready: 1, loss: 2, refill: 2, giveUp: 1, finish: 1, crash: 1 },
    split: true,
  },
  {
    name: 'refill-merged',
    processes: 2,
    ...one,
    budget: { merge: 1, home: 1, loss: 1, refill: 1, finish: 1, ready: 1 },
    begun: 'files',
  },
  {
    name: 'refill-moved',
    processes: 2,
    rows: [2],
    onTime: [1],
    budget: { append: 2, move: 1, loss: 1, refill: 1 },
  },
  {
    name: 'refill-gone',
    processes: 2,
    ...one,
    budget: { append: 1, loss: 1, compact: 1, refill: 1, giveUp: 1, ready: 1, clean: 1 },
  },
]

const noBudget = (): Record<BudgetName, number> => ({
  append: 0,
  ready: 0,
  merge: 0,
  replace: 0,
  undo: 0,
  forget: 0,
  clean: 0,
  checkpoint: 0,
  trim: 0,
  crash: 0,
  lost: 0,
  quarantine: 0,
  deliver: 0,
  finish: 0,
  unreadable: 0,
  close: 0,
  move: 0,
  home: 0,
  refill: 0,
  giveUp: 0,
  loss: 0,
  compact: 0,
  raise: 0,
})

function budgetOf(part: Partial<Budget>): Budget {
  const budget = noBudget()
  for (const name of budgetNames) budget[name] = part[name] ?? 0
  return budget
}

/** A writer long gone, which put what stands at the beginning. */
const firstWriter = 0xffe

const plainEntry: Omit<ModelEntry, 'kind' | 'commitId'> = {
  ranges: [],
  file: -1,
  rows: 0,
  inputs: 0,
  version: undefined,
  revision: 0,
  location: 0,
  toLocation: 0,
  published: [],
}

function entriesBegun({ rows, begun }: Bounds): readonly ModelEntry[] {
  const starts = rows.map(() => ({ expected: undefined, next: 0, epoch: 0 }))
  const id = (counter: number) => commitOf(firstWriter, counter)
  const start: ModelEntry = { ...plainEntry, kind: 'append', commitId: id(100), ranges: starts }
  if (begun === undefined) return [start]
  const count = begun === 'delivered-one' || begun === 'file' ? 1 : 2
  const files = Array.from({ length: count }, (_, file) => file).map(
    (file): ModelEntry => ({
      ...plainEntry,
      kind: 'append',
      commitId: id(file),
      ranges: [{ expected: file, next: file + 1, epoch: 0 }],
      file,
      rows: rowBit(0, file),
    }),
  )
  if (begun === 'files' || begun === 'file') return [start, ...files]
  const told = files.map(({ commitId }) => commitId)
  const [inputs, version] = [(1 << count) - 1, id(count - 1)]
  const named = { ...plainEntry, commitId: id(101), inputs, version, published: told }
  const delivered = { ...plainEntry, kind: 'delivered', commitId: id(102), revision: 1 } as const
  const announced = [start, ...files, { ...named, kind: 'ready' } as const]
  return begun === 'announced' ? announced : [...announced, delivered]
}

export function worldOf(bounds: Bounds, tables: Tables): World {
  const log = entriesBegun(bounds).map((entry) => tables.idOf(entry))
  const ghost = log.reduce((fold, entry) => tables.step(fold, entry).fold, 0)
  const files = log.flatMap((id): StoredFile[] =>
    tables.entry(id).file === -1 ? [] : [{ at: published, entry: id }],
  )
  const { delivered: shown, announced: shownFiles } = tables.fold(ghost)
  return {
    ghost,
    log,
    checkpoints: [],
    newestUnreadable: false,
    inFlight: undefined,
    files,
    processes: Array.from({ length: bounds.processes }, (_, at) => ({
      ...idleProcess,
      knows: at < bounds.processes - (bounds.newer ?? 0) ? 1 : 2,
    })),
    writersNext: tables.off.has('ids') ? bounds.processes + 1 : 1,
    commitsNext: 0,
    locationsNext: 1,
    target:
      shown === 0
        ? { revision: 0, location: 0, files: 0 }
        : { revision: 1, location: 0, files: shownFiles },
    manifests: bounds.late === undefined ? 0 : bit(shown),
    lost: 0,
    compacted: 0,
    left: budgetOf(bounds.budget),
  }
}
