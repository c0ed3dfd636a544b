/** What an idle process may begin: any process may play any role, on a fold of its own. */
import { durationMs } from '../../src/base/time.ts'
import { type LateRule, rowFateOf } from '../../src/protocol/late.ts'
import {
  type Beginning,
  begin,
  beginEntry,
  beginFile,
  draft,
  type Emit,
  fileNames,
  filesAt,
} from './beginning.ts'
import { bit, holds, hour, type ModelEntry, type ModelRange, rowBit, stream } from './entry.ts'
import { epochOf, nextOf, unpublishedOf } from './fold.ts'
import { garbageIn } from './garbage-in.ts'
import { filesIn, rowsOf } from './oracle.ts'
import { planRaise } from './plans-raise.ts'
import { planHome, planRefills } from './plans-refill.ts'
import { readFresh } from './reading.ts'
import type { Bounds } from './scenarios.ts'
import type { Tables } from './tables.ts'
import { published, staged, type World, withFiles, withProcess } from './world.ts'

export function planAll(
  world: World,
  at: number,
  { tables, bounds, emit }: { tables: Tables; bounds: Bounds; emit: Emit },
): void {
  const { fold: foldId, stuck } = readFresh(world, tables, world.processes[at]?.knows)
  if (stuck) return
  const known = world.processes[at]?.writer ?? 0
  const fresh = tables.off.has('ids') ? at + 1 : world.writersNext
  const writer = known === 0 ? fresh : known
  const begun = withProcess(
    known === 0 ? { ...world, writersNext: world.writersNext + 1 } : world,
    at,
    { writer, fold: foldId },
  )
  const fold = tables.fold(foldId)
  const beginning = { world: begun, tables, bounds, at, writer, foldId, fold, emit }
  planAppends(beginning)
  planReady(beginning)
  planSwaps(beginning)
  planUndo(beginning)
  planHome(beginning)
  planRefills(beginning)
  planRaise(beginning)
  planForgets(beginning)
  planClose(beginning)
  planMoves(beginning)
  planFinishes(beginning)
  planClean(beginning)
  planOthers(beginning)
}

function planAppends(from: Beginning): void {
  if (from.world.left.append === 0) return
  for (const ranges of rangeChoices(from)) {
    let rows = 0
    for (const [partition, range] of ranges.entries()) {
      for (let row = range?.expected ?? 0; row < (range?.next ?? 0); row++)
        rows |= rowBit(partition, row, range?.epoch)
    }
    const what = (): string => `append of ${rangeNames(ranges)}`
    const entry = draft(from, { kind: 'append', ranges, rows })
    const fate = fateIn(from)
    if (fate === 'in-time') beginFile(from, inFiles(entry, from.bounds), 'append', what)
    else if (fate === 'append') beginFile(from, { ...entry, late: true }, 'append', what)
    else beginEntry(from, entry, 'append', () => `${what()}, late`)
  }
}

/** In one file, or the first row in one and the others in another. */
function inFiles(entry: ModelEntry, { split }: Bounds): ModelEntry {
  const others = entry.rows & (entry.rows - 1)
  if (split === undefined || others === 0) return entry
  return { ...entry, rows: entry.rows & ~others, also: { file: -1, rows: others } }
}

/** The product's word on rows that are read at this fold. */
function fateIn({ fold, bounds }: Beginning): ReturnType<typeof rowFateOf> {
  const policy = bounds.late ?? 'dead-letter'
  const rule: LateRule = { policy, closeAfterMs: durationMs(1) }
  return rowFateOf(fold.state.streams.get(stream), hour, rule, undefined)
}

const rangeNames = (ranges: readonly (ModelRange | undefined)[]): string =>
  ranges
    .flatMap((one, partition) => (one ? [`p${partition} [${one.expected}, ${one.next})`] : []))
    .join(' and ')

/** Every end of every subset of the topic-partitions, but nothing at all. */
function rangeChoices({ fold, bounds }: Beginning): readonly (ModelRange | undefined)[][] {
  let choices: (ModelRange | undefined)[][] = [[]]
  for (const [partition, count] of bounds.rows.entries()) {
    const expected = nextOf(fold, partition)
    const epoch = epochOf(fold, partition)
    const ends = Array.from({ length: count - expected }, (_, ahead) => expected + 1 + ahead)
    const ranges = [undefined, ...ends.map((next) => ({ expected, next, epoch }))]
    choices = choices.flatMap((chosen) => ranges.map((range) => [...chosen, range]))
  }
  return choices.filter((ranges) => ranges.some((range) => range !== undefined))
}

function planReady(from: Beginning): void {
  const { fold, world, tables, bounds } = from
  const { off } = tables
  if (world.left.ready === 0 || fold.closed !== undefined) return
  const slack = off.has('evidence') ? 1 : 0
  const due = bounds.onTime.every(
    (count, p) => nextOf(fold, p) + slack >= count || (off.has('wholeSet') && p === 1),
  )
  const there = filesIn(world, tables, fold.location)
  const unpublished = fold.live & ~there
  // What a refill took may lie staged still, and be published by somebody who is slow.
  const mayCome = off.has('stagedNames') || (bounds.budget.refill ?? 0) === 0 ? 0 : staged
  const leftovers = (there | filesAt(world, mayCome)) & fold.forgotten
  if (!due || (unpublished !== 0 && !off.has('publishedReady'))) return
  if (leftovers !== 0 && !off.has('inputsGone')) return
  if (fold.announced === fold.live && fold.revision > 0) return
  const kind = fold.revision === 0 ? 'ready' : 'announce'
  const what = (): string => `${kind} ${fold.revision + 1} naming ${fileNames(fold.live)}`
  const before = { rows: fold.announced, toLocation: fold.announcedLocation }
  const told = kind === 'ready' ? {} : before
  const entry = draft(from, { kind, inputs: fold.live, ...told })
  beginEntry(withManifest(from, 'manifestFirst'), entry, 'ready', what)
}

/** The state holds the newest announcement only: its manifest stands before another comes. */
function withManifest(from: Beginning, rule: 'manifestFirst' | 'closeManifest'): Beginning {
  const { world, fold, tables, bounds } = from
  if (fold.revision === 0 || bounds.late === undefined || tables.off.has(rule)) return from
  return { ...from, world: { ...world, manifests: world.manifests | bit(fold.revision) } }
}

function planSwaps(from: Beginning): void {
  const { fold, world, tables } = from
  const { off } = tables
  const { merge, replace } = world.left
  if (merge + replace === 0 || fold.closed !== undefined) return
  const ready = fold.revision > 0
  const usable = off.has('publishedSwap') ? fold.live : fold.live & filesAt(world, published)
  const unpublished = fold.live & ~usable
  const inputs = ready && off.has('swapAll') ? usable & -usable : usable
  const count = inputs.toString(2).replaceAll('0', '').length
  // After the announcement a swap takes every live file of the partition, or waits.
  const untold = off.has('swapTold') ? 0 : fold.live & ~fold.announced
  if (ready && (unpublished !== 0 || untold !== 0)) return
  let rows = 0
  for (const file of world.files.keys())
    if (holds(inputs, file)) rows |= rowsOf(world, tables, file)
  const moves = ready && !off.has('newLocation')
  const toLocation = moves ? world.locationsNext : fold.location
  const planned = draft(from, { kind: 'swap', inputs, rows, toLocation })
  const there = { ...from, world: { ...world, locationsNext: world.locationsNext + Number(moves) } }
  const where = ready ? ` into location ${toLocation}` : ''
  const what = (): string => `swap of ${fileNames(inputs)}${where}`
  if (count >= 2 && world.left.merge > 0) beginFile(there, planned, 'merge', what)
  if (ready && count >= 1 && world.left.replace > 0) beginFile(there, planned, 'replace', what)
}

/** Also of what was forgotten, or is not published: it must be void then. */
function planUndo(from: Beginning): void {
  const { fold, world } = from
  const { file, inputs } = fold.replaced
  if (world.left.undo === 0 || file === -1 || !holds(fold.live, file)) return
  if (fold.closed !== undefined) return
  const { location: toLocation } = fold.replaced
  const entry = draft(from, { kind: 'undo', file, inputs, toLocation })
  beginEntry(from, entry, 'undo', () => `undo of f${file}`)
}

function planForgets(from: Beginning): void {
  const { fold, world, tables, at } = from
  if (world.left.forget === 0 || fold.closed !== undefined) return
  for (const file of world.files.keys()) {
    const told = fold.delivered === fold.revision && !holds(fold.announced, file)
    if (!holds(fold.removed, file) || !(told || tables.off.has('deliveredFirst'))) continue
    const lies = tables.entry(world.files[file]?.entry ?? 0).toLocation
    const entry = draft(from, { kind: 'forget', file, location: lies })
    if (!tables.off.has('forgetEntry'))
      beginEntry(from, entry, 'forget', () => `forget of f${file}`)
    else {
      const say = (): string => `w${from.writer} will delete f${file} without an entry`
      const id = tables.idOf(entry)
      begin({ ...from, at }, world, { budget: 'forget', say, step: 'deed', entry: id })
    }
  }
}

/** With a list of the files that are live. */
function planClose(from: Beginning): void {
  const { fold, world, bounds } = from
  if (world.left.close === 0 || fold.closed !== undefined || fold.revision === 0) return
  const isTold = fold.delivered === fold.revision && fold.announced === fold.live
  const isDue = fold.removed === 0 && isTold
  if (!isDue && bounds.hasty !== true) return
  const what = (): string => `closing with ${fileNames(fold.live)}`
  const entry = draft(from, { kind: 'close', inputs: fold.live })
  beginEntry(withManifest(from, 'closeManifest'), entry, 'close', what)
}

/** An operator says where a topic-partition is read on: before, behind, or where it is. */
function planMoves(from: Beginning): void {
  const { fold, world, bounds } = from
  if (world.left.move === 0) return
  for (const [partition, count] of bounds.rows.entries()) {
    const expected = nextOf(fold, partition)
    const epoch = epochOf(fold, partition)
    for (let next = 0; next <= count; next++) {
      const ranges = bounds.rows.map((_, at) =>
        at === partition ? { expected, next, epoch } : undefined,
      )
      const entry = draft(from, { kind: 'move', ranges })
      beginEntry(from, entry, 'move', () => `move of p${partition} from ${expected} to ${next}`)
    }
  }
}

function planFinishes(from: Beginning): void {
  const { fold, world, writer } = from
  if (world.left.finish === 0) return
  for (const file of world.files.keys()) {
    if (!holds(unpublishedOf(fold) & ~filesAt(world, published), file)) continue
    const say = (): string => `w${writer} folds to ${fold.state.next}, will publish f${file}`
    begin(from, world, { budget: 'finish', say, step: 'finish', files: bit(file) })
  }
  const leftovers = fold.forgotten & filesAt(world, published)
  const merged = (fold.live & ~filesAt(world, published)) === 0
  if (leftovers === 0 || !(merged || from.tables.off.has('outputFirst'))) return
  const say = (): string => `w${writer} deletes forgotten ${fileNames(leftovers)}`
  const swept = withFiles(from.world, leftovers, { remove: published })
  begin(from, withProcess(swept, from.at, { fold: 0 }), { budget: 'finish', say })
}

function planClean(from: Beginning): void {
  const { fold, foldId, world, tables, writer } = from
  if (world.left.clean === 0) return
  if (tables.off.has('journalThenFold')) {
    const say = (): string => `w${writer} folds to ${fold.state.next} before it reads journals`
    return begin(from, world, { budget: 'clean', say, step: 'clean-late', fold: foldId })
  }
  const files = garbageIn(world, tables, fold)
  if (files === 0) return
  const say = (): string =>
    `w${writer} folds to ${fold.state.next}, takes ${fileNames(files)} for garbage`
  begin(from, world, { budget: 'clean', say, step: 'clean', files })
}

function planOthers(from: Beginning): void {
  const { fold, foldId, world, tables, writer } = from
  const folds = `w${writer} folds to ${fold.state.next}`
  const newest = world.checkpoints[0]
  if (newest === undefined || tables.fold(newest).state.next < fold.state.next) {
    const say = (): string => `${folds} for a checkpoint`
    begin(from, world, { budget: 'checkpoint', say, step: 'checkpoint' })
  }
  if (fold.revision === 0) {
    const files = filesIn(world, tables, fold.location)
    const late = tables.off.has('listThenFold')
    const say = (): string => (late ? `${folds} before it lists` : `w${writer} lists the directory`)
    const step = late ? 'quarantine-late' : 'quarantine'
    begin(from, world, { budget: 'quarantine', say, step, fold: late ? foldId : 0, files })
  }
  if (fold.revision > fold.delivered) {
    const say = (): string => `${folds}, will deliver revision ${fold.revision}`
    begin(from, world, { budget: 'deliver', say, step: 'deliver' })
  }
}
