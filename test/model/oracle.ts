/** What must hold in every state of the world. Looks at what was decided and at the storage. */
import { commitIdParts } from '../../src/model/ids.ts'
import { type Bits, bit, commitOf, holds, rowBit, rowsIn } from './entry.ts'
import { type ModelFold, nextOf, unpublishedOf } from './fold.ts'
import { readFresh } from './reading.ts'
import type { Bounds } from './scenarios.ts'
import type { Tables } from './tables.ts'
import { published, staged, type World } from './world.ts'

export const rowsOf = (world: World, tables: Tables, file: number): Bits => {
  const entry = world.files[file]?.entry ?? 0
  return entry === 0 ? 0 : rowsIn(tables.entry(entry), file)
}

/** Files that stand published in a location. */
export function filesIn(world: World, tables: Tables, location: number): Bits {
  let files = 0
  for (const [index, { at, entry }] of world.files.entries()) {
    if ((at & published) === 0 || entry === 0) continue
    if (tables.entry(entry).toLocation === location) files |= bit(index)
  }
  return files
}

/** The first promise that is broken, in words. */
export function violationOf(world: World, tables: Tables, bounds: Bounds): string | undefined {
  const fold = tables.fold(world.ghost)
  return (
    rowsWrong(world, tables, fold, bounds) ??
    readerWrong(world, tables, fold) ??
    rowsHidden(world, tables, fold) ??
    directoryWrong(world, tables, fold) ??
    closedWrong(world, fold, bounds) ??
    toldWrong(world, fold, bounds) ??
    targetWrong(world, tables, fold) ??
    formatWrong(world, tables, fold)
  )
}

function rowsWrong(
  world: World,
  tables: Tables,
  fold: ModelFold,
  { rows }: Bounds,
): string | undefined {
  if ((fold.late & fold.givenUp) !== 0) return 'DOUBLED: a row was given up and counted as late'
  let seen = fold.late | fold.givenUp
  for (const file of world.files.keys()) {
    if (!holds(fold.live, file)) continue
    const inFile = rowsOf(world, tables, file)
    if ((seen & inFile) !== 0) return `DOUBLED: a row of f${file} lies in two places`
    seen |= inFile
    const at = world.files[file]?.at ?? 0
    const isGone = (at & (published | staged)) === 0 && !holds(world.lost, file)
    if (isGone) return `LOST: f${file} was decided and is gone`
  }
  for (const [partition, count] of rows.entries()) {
    const move = fold.moves[partition]
    const next = nextOf(fold, partition)
    const first = readingWrong(seen, partition, { first: 0, next: move?.before ?? next, count })
    if (first !== undefined) return first
    if (move === undefined) continue
    const second = readingWrong(seen, partition, { first: move.to, next, count, epoch: 1 })
    if (second !== undefined) return `${second}, after the move`
  }
  return undefined
}

/** Of one reading of a topic-partition all rows in [first, next) are there, and no others. */
function readingWrong(
  seen: Bits,
  partition: number,
  reading: { readonly first: number; readonly next: number; count: number; epoch?: number },
): string | undefined {
  const { first, next, count, epoch = 0 } = reading
  for (let row = 0; row < count; row++) {
    const there = (seen & rowBit(partition, row, epoch)) !== 0
    const wanted = row >= first && row < next
    if (wanted && !there) return `LOST: row ${row} of p${partition} lies below next, nowhere`
    if (!wanted && there) return `DOUBLED: row ${row} of p${partition} is read once more`
  }
  return undefined
}

/** What left the state can be found by its list alone, and nothing is left to do for it. */
function closedWrong(world: World, fold: ModelFold, bounds: Bounds): string | undefined {
  const { closed } = fold
  if (closed === undefined) return undefined
  if (closed !== fold.live) return 'CLOSED: the list does not name the live files'
  const missing = world.files.some(({ at }, file) => holds(closed, file) && (at & published) === 0)
  if (missing) return 'CLOSED: a file of the list does not stand'
  if (fold.removed !== 0) return 'CLOSED: nobody can forget what was swapped out'
  if (fold.delivered !== fold.revision) return 'CLOSED: nobody can acknowledge the announcement'
  if (fold.announced !== closed) return 'CLOSED: a file of the list is named by no revision'
  if (bounds.late === undefined || holds(world.manifests, fold.revision)) return undefined
  return `CLOSED: nobody can make the manifest of revision ${fold.revision}`
}

/** Each late file is added by one revision, and each revision can be read. */
function toldWrong(world: World, fold: ModelFold, { late }: Bounds): string | undefined {
  if (late === undefined) return undefined
  const { appendedLate, live, told, toldTwice, revision } = fold
  if (toldTwice !== 0) return 'TOLD: a file is added by two revisions'
  if ((appendedLate & ~live & ~told) !== 0) return 'TOLD: a late file went before it was named'
  for (let earlier = 1; earlier < revision; earlier++) {
    if (holds(world.manifests, earlier)) continue
    return `TOLD: revision ${earlier} has no manifest, and nobody can make it`
  }
  return undefined
}

/** Whoever starts must come to what was decided, with a recipe for what is not published. */
function readerWrong(world: World, tables: Tables, fold: ModelFold): string | undefined {
  const fresh = readFresh(world, tables)
  if (fresh.stuck) return 'STUCK: no checkpoint that can be read leads on'
  if (fresh.fold === world.ghost) return undefined
  const read = tables.fold(fresh.fold)
  if (read.live !== fold.live || read.state.next !== fold.state.next) {
    return `READER: a fresh one comes to ${read.state.next}, decided is ${fold.state.next}`
  }
  const recipes = unpublishedOf(read)
  for (const [file, { at }] of world.files.entries()) {
    if (!holds(fold.live, file) || (at & published) !== 0 || holds(recipes, file)) continue
    return `LOST: f${file} was decided and staged, and nobody knows how to publish it`
  }
  return undefined
}

/** What was merged may go only once what it was merged into can be read. */
function rowsHidden(world: World, tables: Tables, fold: ModelFold): string | undefined {
  for (const [file, { at, entry }] of world.files.entries()) {
    if (!holds(fold.live, file) || (at & published) !== 0) continue
    const { kind, inputs } = tables.entry(entry)
    const gone = world.files.some((one, input) => holds(inputs, input) && one.at === 0)
    if ((kind === 'swap' || kind === 'home') && gone)
      return `HIDDEN: f${file} is not published, its inputs are deleted`
  }
  return undefined
}

function directoryWrong(world: World, tables: Tables, fold: ModelFold): string | undefined {
  if (fold.revision === 0) return undefined
  const files = filesIn(world, tables, fold.announcedLocation)
  if ((fold.announced & ~files) !== 0) return 'DIRECTORY: an announced file is missing'
  // Late files appear one by one, each once its append is decided.
  const known = fold.announced | (fold.appendedLate & fold.live)
  if ((files & ~known) !== 0) return 'DIRECTORY: a file that nobody announced'
  return undefined
}

function targetWrong(world: World, tables: Tables, fold: ModelFold): string | undefined {
  const { revision, location, files } = world.target
  if (revision === 0) return undefined
  if ((files & ~filesIn(world, tables, location)) !== 0) {
    return 'TARGET: it shows a location whose files are gone'
  }
  const busy = world.processes.some(({ step }) => step === 'deliver' || step === 'read-back')
  const behind = revision !== fold.revision && fold.delivered === fold.revision
  return behind && !busy ? 'TARGET: behind, though delivered, and nobody looks again' : undefined
}

/** One format at a time, and nobody folds what it does not know. */
function formatWrong(world: World, tables: Tables, { mixed }: ModelFold): string | undefined {
  if (mixed) return 'FORMAT: an entry of a format that is not in force is decided'
  const misled = world.processes.find(
    ({ fold, knows }) => tables.fold(fold).state.config.format > knows,
  )
  return misled && `FORMAT: w${misled.writer} folds what it does not know`
}

/** What must hold when a raise is decided: it stops nobody who is at work. */
export function raiseWrong(
  { processes }: World,
  { state }: ModelFold,
  { quiet }: Bounds,
): string | undefined {
  if (quiet === true) return undefined
  const atWork = new Set(state.writers.keys())
  const stopped = processes.find(
    ({ writer, knows }) =>
      knows < state.config.format && atWork.has(commitIdParts(commitOf(writer, 0)).writer),
  )
  return stopped && `FORMAT: the raise stops w${stopped.writer}, which is at work`
}

/** What must hold when an announcement is decided. */
export function announcementWrong(
  world: World,
  tables: Tables,
  fold: ModelFold,
  { onTime }: Bounds,
): string | undefined {
  let rows = fold.givenUp
  const there = filesIn(world, tables, fold.location) & fold.live & fold.announced
  for (const file of world.files.keys()) if (holds(there, file)) rows |= rowsOf(world, tables, file)
  for (const [partition, count] of onTime.entries()) {
    for (let row = 0; row < count; row++) {
      if ((rows & rowBit(partition, row)) === 0) return `EARLY: row ${row} of p${partition} misses`
    }
  }
  if ((fold.live & ~fold.announced) !== 0) return 'EARLY: a live file is not named'
  return (fold.live & ~fold.told) === 0 ? undefined : 'TOLD: no revision adds a live file'
}
