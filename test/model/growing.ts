/**
 * Files that grow, explored to the end of small worlds: tails that are staged, decided, and joined
 * by anyone who finds them undone.
 *
 * The log is folded and judged by the product (`foldEntry`, `brokenReliance`, `growthOf`), and so
 * is a length that does not fit (`judgeLength`). A join is two steps, a look at the length and the
 * CONCAT, as `LakeTails.join` is. Each append covers one record, and brings one row of one byte.
 */
import { growthOf, judgeLength } from '../../src/protocol/growth.ts'
import {
  begunLog,
  type Fold,
  foldLog,
  partitionIn,
  pathOfRoot,
  pieceIn,
  rootIn,
  type Table,
} from './growing-log.ts'
import type { GrowthRule } from './rules.ts'

export interface GrowingBounds {
  readonly name: string
  readonly processes: number
  /** Records there are, and how many of them must stand before the announcement. */
  readonly rows: number
  readonly onTime: number
  readonly left: Left
  /** A writer goes on with a file whose newest tail waits still. */
  readonly hasty?: true
  /** A writer goes on with what it only sealed: it must be told that this is not what stands. */
  readonly sealed?: true
}

interface Left {
  readonly append: number
  readonly merge: number
  readonly ready: number
  readonly crash: number
  readonly lost: number
  readonly finish: number
  /** Joins that the table refuses: the tail stays staged. */
  readonly refuse: number
}

/** One staged piece of a file: its beginning, or a tail. */
export interface Piece {
  readonly row: number
  /** The piece that begins its file: itself, where it does. */
  readonly root: number
  /** Rows of the file that it continues. */
  readonly base: number
  /** Of a merged file: the pieces that were copied; of others itself. */
  readonly holds: readonly number[]
  readonly writer: number
}

interface Process {
  readonly step: 'idle' | 'put' | 'put-again' | 'settle' | 'look' | 'join' | 'remove'
  readonly writer: number
  /** Its entry, -1: none. */
  readonly entry: number
  /** Where its put goes. */
  readonly index: number
  readonly piece: number
  /** The file that it goes on with, and its rows by what it sealed last; -1: none. */
  readonly root: number
  readonly rows: number
}

export interface GrowingWorld {
  readonly log: readonly number[]
  readonly pieces: readonly Piece[]
  readonly staged: readonly number[]
  /** By root: the pieces that lie in the file, in their order; null: it does not stand. */
  readonly content: readonly (readonly number[] | null)[]
  readonly processes: readonly Process[]
  readonly flight: { readonly entry: number; readonly index: number } | null
  readonly writersNext: number
  readonly left: Left
}

const idle: Omit<Process, 'writer'> = {
  step: 'idle',
  entry: -1,
  index: -1,
  piece: -1,
  root: -1,
  rows: 0,
}

export const worldOf = (bounds: GrowingBounds, table: Table): GrowingWorld => ({
  log: begunLog(table),
  pieces: [],
  staged: [],
  content: [],
  processes: Array.from({ length: bounds.processes }, (_, at) => ({ ...idle, writer: at + 1 })),
  flight: null,
  writersNext: bounds.processes + 1,
  left: bounds.left,
})

export interface Acting {
  readonly world: GrowingWorld
  readonly table: Table
  readonly bounds: GrowingBounds
  readonly off: ReadonlySet<GrowthRule>
  readonly emit: (world: GrowingWorld, say: string, broken?: string) => void
}

/** Every world that may follow. */
export function growingSteps(acting: Acting): void {
  const { world, emit } = acting
  const { flight, log } = world
  if (flight !== null && log.length === flight.index) {
    const landed = { ...world, flight: null, log: [...log, flight.entry] }
    emit(landed, `the late put lands at ${flight.index}`)
  }
  for (const [at, process] of world.processes.entries()) stepOf({ ...acting, at, process })
}

interface Stepping extends Acting {
  readonly at: number
  readonly process: Process
}

const withProcess = (world: GrowingWorld, at: number, change: Partial<Process>): GrowingWorld => ({
  ...world,
  processes: world.processes.map((one, index) => (index === at ? { ...one, ...change } : one)),
})
/** Idle again; what it knows of its file stays. */
const ended = (world: GrowingWorld, at: number): GrowingWorld =>
  withProcess(world, at, { step: 'idle', entry: -1, index: -1, piece: -1 })
const spent = (world: GrowingWorld, name: keyof Left): GrowingWorld => ({
  ...world,
  left: { ...world.left, [name]: world.left[name] - 1 },
})
const without = (numbers: readonly number[], gone: number): readonly number[] =>
  numbers.filter((number) => number !== gone)
const foldIn = ({ world, table, off }: Acting): Fold => foldLog(table, world.log, off)

function stepOf(stepping: Stepping): void {
  const { world, at, process, emit } = stepping
  if (process.step !== 'idle' && world.left.crash > 0) {
    const next = { ...spent(world, 'crash'), writersNext: world.writersNext + 1 }
    const born = withProcess(next, at, { ...idle, writer: world.writersNext })
    emit(born, `w${process.writer} dies`)
  }
  switch (process.step) {
    case 'idle':
      return plan(stepping)
    case 'put':
    case 'put-again':
      return put(stepping)
    case 'settle':
      return settle(stepping)
    case 'look':
      return look(stepping)
    case 'join':
      return join(stepping)
    case 'remove':
      return remove(stepping)
  }
}

function plan(stepping: Stepping): void {
  const { world, at, process, emit } = stepping
  const fold = foldIn(stepping)
  planAppend(stepping, fold)
  planMerge(stepping, fold)
  planReady(stepping, fold)
  if (world.left.finish === 0) return
  for (const file of fold.open) {
    const piece = pieceIn(file)
    if (isIn(world, piece)) continue
    const next = withProcess(spent(world, 'finish'), at, { step: 'look', piece })
    emit(next, `w${process.writer} will publish piece ${piece} for its writer`)
  }
}

const isIn = ({ content, pieces }: GrowingWorld, piece: number): boolean =>
  content[pieces[piece]?.root ?? piece]?.includes(piece) ?? false

function planAppend(stepping: Stepping, fold: Fold): void {
  const { world, at, process, bounds, off, table, emit } = stepping
  if (world.left.append === 0 || fold.next >= bounds.rows) return
  const piece = world.pieces.length
  const partition = partitionIn(fold.state)
  const isAnnounced = partition?.place === 'announced'
  const path = pathOfRoot(process.root)
  const live = partition?.files.find((file) => file.path === path)?.rowCount ?? process.rows
  const known = off.has('growBase') ? live : process.rows
  const base = { sizeBytes: known, rowCount: known }
  const waits = fold.open.some(
    (file) => rootIn(file) === process.root && !isIn(world, pieceIn(file)),
  )
  const fits =
    growthOf(partition, path, base).kind === 'grows' || (off.has('growOpen') && isAnnounced)
  const grows = process.root !== -1 && fits && (bounds.hasty === true || !waits)
  const [root, rows] = grows ? [process.root, process.rows] : [piece, 0]
  const made = { row: fold.next, root, base: rows, holds: [piece], writer: process.writer }
  const pieces = [...world.pieces, made]
  const entry = table.append(made, piece, { late: isAnnounced, published: doneIn(world, fold) })
  let next: GrowingWorld = { ...spent(world, 'append'), pieces, staged: [...world.staged, piece] }
  if (off.has('growEntry')) next = joined(next, piece)
  const what = grows ? `a tail of file ${root}` : 'a file'
  const say = `w${process.writer} stages piece ${piece}, ${what}, for record ${fold.next}`
  const sealed = bounds.sealed === true ? { root, rows: rows + 1 } : {}
  const change = { step: 'put', entry, index: world.log.length, piece, ...sealed } as const
  emit(withProcess(next, at, change), say)
}

/** Commits whose pieces stand: the next entry tells so. */
const doneIn = (world: GrowingWorld, { state, open }: Fold): readonly string[] => {
  const waits = new Set(open.filter((file) => !isIn(world, pieceIn(file))).map(pieceIn))
  return [...state.unpublished.values()]
    .filter(({ files, removals = [] }) => {
      const isGone = removals.every(
        ({ path }) => (world.content[rootIn({ path })] ?? null) === null,
      )
      return isGone && files.every((file) => !waits.has(pieceIn(file)))
    })
    .map(({ commitId }) => commitId)
}

/** All of the partition into one file, as its files are on the lake. */
function planMerge(stepping: Stepping, fold: Fold): void {
  const { world, at, process, off, table, emit } = stepping
  const partition = partitionIn(fold.state)
  if (world.left.merge === 0 || partition?.place !== 'open' || partition.files.length === 0) return
  const roots = partition.files.map(rootIn)
  const isWhole = fold.open.every((file) => isIn(world, pieceIn(file)))
  if (!isWhole && !off.has('swapWhole')) return
  if (roots.some((root) => (world.content[root] ?? null) === null)) return
  const piece = world.pieces.length
  const holds = roots
    .flatMap((root) => world.content[root] ?? [])
    .flatMap((one) => world.pieces[one]?.holds ?? [])
  const rowCount = partition.files.reduce((sum, file) => sum + file.rowCount, 0)
  const made = { row: -1, root: piece, base: 0, holds, writer: process.writer }
  const entry = table.merge(process.writer, piece, {
    inputs: partition.files.map(({ path }) => path),
    rowCount,
    published: doneIn(world, fold),
  })
  const pieces = [...world.pieces, made]
  const next = { ...spent(world, 'merge'), pieces, staged: [...world.staged, piece] }
  const say = `w${process.writer} stages piece ${piece}, a merge of files ${roots.join(' ')}`
  emit(withProcess(next, at, { step: 'put', entry, index: world.log.length, piece }), say)
}

function planReady(stepping: Stepping, fold: Fold): void {
  const { world, at, process, bounds, table, emit } = stepping
  const partition = partitionIn(fold.state)
  const isWhole = fold.open.every((file) => isIn(world, pieceIn(file)))
  if (world.left.ready === 0 || partition?.place !== 'open' || fold.next < bounds.onTime) return
  const leftovers = [...fold.state.unpublished.values()].flatMap(({ removals = [] }) => removals)
  if (!isWhole || leftovers.some((file) => (world.content[rootIn(file)] ?? null) !== null)) return
  const entry = table.ready(process.writer, 8 + world.left.ready, partition, doneIn(world, fold))
  const next = withProcess(spent(world, 'ready'), at, {
    step: 'put',
    entry,
    index: world.log.length,
  })
  emit(next, `w${process.writer} announces ${partition.files.length} files`)
}

function put(stepping: Stepping): void {
  const { world, at, process, emit } = stepping
  const { entry, index } = process
  const who = `w${process.writer}`
  if (world.log.length > index) {
    return emit(withProcess(world, at, { step: 'settle' }), `${who} finds ${index} taken`)
  }
  const landed = { ...world, log: [...world.log, entry] }
  emit(withProcess(landed, at, { step: 'settle' }), `${who} puts at ${index}`)
  if (process.step === 'put-again' || world.left.lost === 0) return
  const lost = withProcess(spent(landed, 'lost'), at, { step: 'put-again' })
  emit(lost, `${who} puts at ${index}: it lands, no answer`)
  if (world.flight !== null) return
  const flying = withProcess(spent(world, 'lost'), at, { step: 'put-again' })
  emit({ ...flying, flight: { entry, index } }, `${who} puts at ${index}: under way`)
}

/** The verdict is the fold's. */
function settle(stepping: Stepping): void {
  const { world, table, at, process, off, emit } = stepping
  const fold = foldIn(stepping)
  const { entry, piece } = process
  const who = `w${process.writer} folds to ${world.log.length}`
  if (world.log.includes(entry)) {
    if (!fold.decided.has(entry)) return emit(dropped(world, at, process), `${who}: void`)
    if (piece === -1) return emit(ended(world, at), `${who}: announced`)
    const { root = -1, base = 0, row = -1 } = world.pieces[piece] ?? {}
    const known = row === -1 ? {} : { root, rows: base + 1 }
    const next = withProcess(world, at, { step: 'look', ...known })
    return emit(next, `${who}: decided, publishes piece ${piece}`)
  }
  if (table.holds(fold.state, entry, off)) {
    const again = withProcess(world, at, { step: 'put', index: world.log.length })
    return emit(again, `${who}: still fits`)
  }
  emit(dropped(world, at, process), `${who}: discards`)
}

const dropped = (world: GrowingWorld, at: number, { piece }: Process): GrowingWorld =>
  ended({ ...world, staged: without(world.staged, piece) }, at)

/** Looks how long the file is. */
function look(stepping: Stepping): void {
  const { world, at, process, off, emit } = stepping
  const { piece } = process
  const { root = piece, base = 0, row = -1 } = world.pieces[piece] ?? {}
  const who = `w${process.writer}`
  if (base === 0) {
    const next = world.staged.includes(piece) ? joined(world, piece) : world
    const step = row === -1 ? 'remove' : 'idle'
    const done = step === 'idle' ? ended(next, at) : withProcess(next, at, { step })
    return emit(done, `${who} publishes piece ${piece}`)
  }
  if (world.left.refuse > 0) {
    emit(ended(spent(world, 'refuse'), at), `${who} is refused, piece ${piece} stays staged`)
  }
  const length = world.content[root]?.length
  const isFit = length === base || (off.has('joinLength') && length !== undefined)
  if (isFit) return emit(withProcess(world, at, { step: 'join' }), `${who} finds ${length} bytes`)
  const fold = foldIn(stepping)
  const file = fold.open.find((one) => pieceIn(one) === piece)
  // Known as published by now, or swapped away.
  if (file === undefined || length === undefined) {
    return emit(ended(world, at), `${who} finds nothing to do for piece ${piece}`)
  }
  const verdict = judgeLength(fold.state, file, length)
  if (verdict.kind === 'behind') {
    const next = withProcess(world, at, { piece: pieceIn(verdict.earlier) })
    return emit(next, `${who} finds ${length} bytes, an earlier tail goes first`)
  }
  const broken =
    verdict.kind === 'wrong'
      ? `STUCK: file ${root} has ${length} bytes, no one explains`
      : undefined
  emit(ended(world, at), `${who} finds ${length} bytes: ${verdict.kind}`, broken)
}

/** The piece comes to the end of its file, whatever that is by then. */
function joined(world: GrowingWorld, piece: number): GrowingWorld {
  const { root = piece, base = 0 } = world.pieces[piece] ?? {}
  const content = [...world.content]
  while (content.length <= root) content.push(null)
  const before = content[root] ?? null
  if (base > 0 && before === null) return world
  content[root] = [...(before ?? []), piece]
  return { ...world, content, staged: without(world.staged, piece) }
}

/** CONCAT takes its source, once; it looks at no length. */
function join(stepping: Stepping): void {
  const { world, at, process, emit } = stepping
  const isThere = world.staged.includes(process.piece)
  const next = isThere ? joined(world, process.piece) : world
  emit(ended(next, at), `w${process.writer} joins piece ${process.piece}`)
}

/** What a merge gave up goes, and what is staged for it: as its entry says. */
function remove(stepping: Stepping): void {
  const { world, at, process, emit } = stepping
  const { state } = foldIn(stepping)
  const commit = [...state.unpublished.values()].find(({ files }) =>
    files.some((file) => pieceIn(file) === process.piece),
  )
  const content = [...world.content]
  let { staged } = world
  for (const { path, stagedPath } of commit?.removals ?? []) {
    content[rootIn({ path })] = null
    staged = without(staged, pieceIn({ stagedPath }))
  }
  emit(ended({ ...world, content, staged }, at), `w${process.writer} deletes what was merged`)
}
