/** One step of one process, or of the outside: every world that may follow a world. */
import { assert, present } from '../../src/base/assert.ts'
import { type Emit, fileNames } from './beginning.ts'
import { bit, commitOf, filesAdded, holds, type ModelEntry } from './entry.ts'
import { holdsOver } from './fold.ts'
import { garbageIn } from './garbage-in.ts'
import { announcementWrong, filesIn, raiseWrong } from './oracle.ts'
import {
  type Context,
  type Explored,
  lossOfCheckpoint,
  lossOfFiles,
  lossOfRecords,
  trims,
} from './outside.ts'
import { planAll } from './plans.ts'
import { mayRaise } from './plans-raise.ts'
import { type Reading, readFresh, readOn } from './reading.ts'
import type { EntryId } from './tables.ts'
import {
  compareProcesses,
  type Process,
  published,
  quarantined,
  spent,
  staged,
  type World,
  withEntryAt,
  withFiles,
  withIdle,
  withProcess,
} from './world.ts'

/** The log does not grow beyond: budgets end before. */
const logMax = 20

export function successors(world: World, explored: Explored, emit: Emit): void {
  const context = { ...explored, world, emit }
  lateLanding(context)
  trims(context)
  lossOfCheckpoint(context)
  lossOfFiles(context)
  lossOfRecords(context)
  for (const [at, process] of world.processes.entries()) {
    // Processes stand in order: equal ones stand side by side.
    const before = world.processes[at - 1]
    const twin = before !== undefined && compareProcesses(before, process) === 0
    // Of processes in the same state one is as good as the other.
    if (twin && !explored.tables.off.has('ids')) continue
    stepOf({ ...context, at, process })
  }
}

interface Acting extends Context {
  readonly at: number
  readonly process: Process
}

/** Puts an entry; what is decided follows the log. Garbage below its end changes nothing. */
function landed(
  { tables, bounds }: Explored,
  world: World,
  put: { index: number; entry: EntryId },
): { readonly world: World; readonly broken: string | undefined } {
  let grown = withEntryAt(world, put.index, put.entry)
  for (;;) {
    const entry = grown.log[tables.fold(grown.ghost).state.next] ?? 0
    if (entry === 0) return { world: grown, broken: undefined }
    const { fold, decided } = tables.step(grown.ghost, entry)
    grown = { ...grown, ghost: fold }
    const { kind } = tables.entry(entry)
    if (!decided) continue
    const broken =
      kind === 'ready' || kind === 'announce'
        ? announcementWrong(grown, tables, tables.fold(fold), bounds)
        : kind === 'raise'
          ? raiseWrong(grown, tables.fold(fold), bounds)
          : undefined
    if (broken !== undefined) return { world: grown, broken }
  }
}

function lateLanding({ world, tables, bounds, emit }: Context): void {
  const put = world.inFlight
  if (put === undefined) return
  const without = { ...world, inFlight: undefined }
  const say = (): string => `the late put of ${tables.entry(put.entry).kind} lands at ${put.index}`
  if ((world.log[put.index] ?? 0) !== 0) return
  const after = landed({ tables, bounds }, without, put)
  emit(after.world, say, after.broken)
}

function stepOf(acting: Acting): void {
  const { world, tables, bounds, at, process, emit } = acting
  if (process.step !== 'idle' && world.left.crash > 0) {
    const crashed = withProcess(withIdle(spent(world, 'crash'), at), at, { writer: 0 })
    emit(crashed, () => `w${process.writer} dies`)
  }
  switch (process.step) {
    case 'idle':
      return planAll(world, at, { tables, bounds, emit })
    case 'put':
    case 'put-again':
      return put(acting)
    case 'fold-after-put':
      return settle(acting, 'reads on after its put')
    case 'deed':
      return deed(acting)
    case 'second-deed':
      return secondDeed(acting)
    case 'third-deed':
      return thirdDeed(acting)
    case 'finish':
      return finish(acting)
    case 'unlink':
      return unlink(acting)
    case 'clean':
      return clean(acting, process.files)
    case 'clean-late':
      return clean(acting, garbageIn(world, tables, tables.fold(process.fold)))
    case 'quarantine':
    case 'quarantine-late':
      return quarantine(acting)
    case 'checkpoint':
      return checkpoint(acting)
    case 'deliver':
      return deliver(acting)
    case 'read-back':
      return readBack(acting)
  }
}

function clean(acting: Acting, files: number): void {
  const cleaned = withFiles(acting.world, files, { remove: staged })
  done(acting, cleaned, `removes staged ${fileNames(files)}`)
}

const entryOf = ({ tables, process }: Acting) => tables.entry(process.entry)

const removed = ({ world }: Acting, files: number): World =>
  withFiles(world, files, { remove: published })

/** The process is idle again. */
function done({ at, process, emit }: Acting, world: World, what: string): void {
  emit(withIdle(world, at), () => `w${process.writer} ${what}`)
}

/** Gives up what it staged. */
function dropped(acting: Acting, world: World): World {
  const { file, kind } = entryOf(acting)
  if (file === -1 || kind === 'forget' || kind === 'undo') return withIdle(world, acting.at)
  return withIdle(withFiles(world, filesAdded(entryOf(acting)), { remove: staged }), acting.at)
}

function put(acting: Acting): void {
  const { world, tables, at, process, emit } = acting
  const again = process.step === 'put-again'
  const index = again ? process.index : tables.fold(process.fold).state.next
  if (index >= logMax) return
  const who = `w${process.writer}`
  if ((world.log[index] ?? 0) !== 0) {
    return settle({ ...acting, process: { ...process, index } }, `finds ${index} taken`)
  }
  if (again && tables.off.has('unknown')) {
    const what = (): string => `${who} sees ${index} absent, takes it for failed, discards`
    return emit(dropped(acting, world), what)
  }
  const { kind } = entryOf(acting)
  const after = landed(acting, world, { index, entry: process.entry })
  const answered = withProcess(after.world, at, { step: 'fold-after-put', index })
  emit(answered, () => `${who} puts ${kind} at ${index}`, after.broken)
  if (again || world.left.lost === 0) return
  const lost = withProcess(spent(after.world, 'lost'), at, { step: 'put-again', index })
  emit(lost, () => `${who} puts ${kind} at ${index}: it lands, no answer`, after.broken)
  if (world.inFlight !== undefined) return
  const flying = withProcess(spent(world, 'lost'), at, { step: 'put-again', index })
  const inFlight = { entry: process.entry, index }
  emit({ ...flying, inFlight }, () => `${who} puts ${kind} at ${index}: no answer, under way`)
}

/** Folds on, and goes by what became of its entry. */
function settle(acting: Acting, what: string): void {
  const { world, tables, at, process, emit } = acting
  const from = { fold: process.fold, entry: process.entry, knows: process.knows }
  const reading = readOn(world, tables, from)
  if (reading.stuck) return
  const blind = process.step === 'put-again' && tables.off.has('readAgain')
  const fold = tables.fold(reading.fold)
  const text = (outcome: string) => (): string =>
    `w${process.writer} ${what}, folds to ${fold.state.next}: ${outcome}`
  const outcome = blind
    ? outcomeOf({ ...reading, own: undefined }, acting)
    : outcomeOf(reading, acting)
  switch (outcome) {
    case 'decided':
      return emit(
        withProcess(world, at, { step: 'deed', fold: reading.fold, index: 0 }),
        text(outcome),
      )
    case 'void':
    case 'overtaken':
    case 'unfit':
      emit(dropped(acting, world), text(`${outcome}, discards`))
      if (outcome !== 'unfit' || !tables.off.has('check')) return
      return emit(goOn(acting, reading), text('does not check'))
    case 'fits':
      return emit(goOn(acting, reading), text('still fits'))
  }
}

const goOn = ({ world, at }: Acting, reading: Reading): World =>
  withProcess(world, at, { step: 'put', fold: reading.fold, index: 0 })

function outcomeOf(
  reading: Reading,
  { world, tables, bounds, at, process }: Acting,
): 'decided' | 'void' | 'overtaken' | 'unfit' | 'fits' {
  if (reading.own !== undefined) return reading.own
  const entry = tables.entry(process.entry)
  const fold = tables.fold(reading.fold)
  if (reading.jumped) {
    const kept = fold.state.unpublished.has(entry.commitId) && !tables.off.has('known')
    return kept ? 'decided' : 'overtaken'
  }
  const again = entry.kind === 'raise' && !tables.off.has('raiseHolds')
  if (again && !mayRaise(fold, { world, tables, bounds, at })) return 'unfit'
  return holdsOver(fold, entry, tables.off) ? 'fits' : 'unfit'
}

/** Whoever comes second finds nothing, which is right. */
function publish({ world, tables }: Acting, files: number): World {
  const there = world.files.reduce(
    (bits, { at }, file) => (holds(files, file) && (at & staged) !== 0 ? bits | bit(file) : bits),
    0,
  )
  const remove = tables.off.has('rename') ? 0 : staged
  return withFiles(world, there, { add: published, remove })
}

function deed(acting: Acting): void {
  const { world, tables, at, process, emit } = acting
  const { kind, file, inputs } = entryOf(acting)
  if (kind === 'append' || kind === 'swap' || kind === 'home' || kind === 'refill') {
    if (file === -1 && kind === 'append') return done(acting, world, 'goes on')
    const merges = isMerge(entryOf(acting))
    if (merges && tables.off.has('outputFirst')) {
      return done(acting, removed(acting, inputs), 'deletes the merged inputs first')
    }
    const next = publish(acting, filesAdded(entryOf(acting)))
    // What was swapped away meanwhile needs nothing; what is still live has nothing in its place.
    const isWanted = holds(tables.fold(readFresh(world, tables).fold).live, file)
    const isGone = file !== -1 && next.files[file]?.at === 0 && isWanted
    if (isGone && merges) return done(acting, next, `finds f${file} gone, deletes nothing`)
    const what = `publishes ${fileNames(filesAdded(entryOf(acting)))}`
    const linked = ((next.files[file]?.at ?? 0) & staged) !== 0
    if (!linked && !merges) return done(acting, next, what)
    const step = linked ? 'unlink' : 'second-deed'
    const change = { step, files: bit(file), fold: 0 } satisfies Partial<Process>
    return emit(withProcess(next, at, change), () => `w${process.writer} ${what}`)
  }
  if (kind === 'forget') return done(acting, removed(acting, bit(file)), `deletes f${file}`)
  if (acting.bounds.late !== undefined && (kind === 'ready' || kind === 'announce')) {
    const { revision } = entryOf(acting)
    const next = { ...world, manifests: world.manifests | bit(revision + 1) }
    return done(acting, next, `writes the manifest of revision ${revision + 1}`)
  }
  done(acting, world, 'goes on')
}

function unlink(acting: Acting): void {
  const { world, at, process, emit } = acting
  const next = withFiles(world, process.files, { remove: staged })
  const merges = process.entry !== 0 && isMerge(entryOf(acting))
  if (!merges) return done(acting, next, 'unlinks the staged')
  emit(
    withProcess(next, at, { step: 'second-deed' }),
    () => `w${process.writer} unlinks the staged`,
  )
}

/** A swap before the announcement: it is itself the forget of its inputs. */
const isMerge = ({ kind, revision }: ModelEntry): boolean =>
  (kind === 'swap' || kind === 'home' || kind === 'refill') && revision === 0

/** Only a refill takes what may be staged: by that name it goes first, or it could come back. */
function secondDeed(acting: Acting): void {
  const { world, tables, at, process, emit } = acting
  const { kind, inputs } = entryOf(acting)
  if (kind !== 'refill' || tables.off.has('stagedNames')) return thirdDeed(acting)
  const next = withProcess(withFiles(world, inputs, { remove: staged }), at, { step: 'third-deed' })
  emit(next, () => `w${process.writer} deletes staged ${fileNames(inputs)}`)
}

const thirdDeed = (acting: Acting): void =>
  done(acting, removed(acting, entryOf(acting).inputs), 'deletes the inputs')

function finish(acting: Acting): void {
  const { world, tables, at, process, emit } = acting
  const next = publish(acting, process.files)
  const what = `publishes ${fileNames(process.files)} for its writer`
  const file = next.files.find((_, index) => holds(process.files, index))
  if (file === undefined) return done(acting, world, 'finds nothing')
  if ((file.at & (staged | published)) === 0 && tables.off.has('finisherFolds')) {
    const made = withFiles(world, process.files, { add: published })
    return done(acting, made, `finds nothing, writes ${fileNames(process.files)} anew`)
  }
  if ((file.at & staged) === 0) return done(acting, next, what)
  emit(withProcess(next, at, { step: 'unlink', fold: 0 }), () => `w${process.writer} ${what}`)
}

function quarantine(acting: Acting): void {
  const { world, tables, process } = acting
  const late = process.step === 'quarantine-late'
  const fresh = readFresh(world, tables, process.knows)
  const reading = late ? { fold: process.fold, stuck: false } : fresh
  if (reading.stuck) return
  const fold = tables.fold(reading.fold)
  const listed = late ? filesIn(world, tables, fold.location) : process.files
  const unknown = listed & ~(fold.live | fold.removed | fold.forgotten)
  const next = withFiles(world, unknown, { add: quarantined, remove: published })
  done(acting, next, `quarantines ${fileNames(unknown)}`)
}

function checkpoint(acting: Acting): void {
  const { world, tables, process } = acting
  const [newest] = world.checkpoints
  const { next } = tables.fold(process.fold).state
  if (newest !== undefined && tables.fold(newest).state.next >= next) {
    return done(acting, world, `puts checkpoint ${next}, which nobody needs`)
  }
  const kept = tables.off.has('two') ? [] : world.checkpoints.slice(0, 1)
  const checkpoints = [tables.written(process.fold), ...kept]
  // The newest is another one: it can be read.
  done(acting, { ...world, checkpoints, newestUnreadable: false }, `puts checkpoint ${next}`)
}

function deliver(acting: Acting): void {
  const { world, tables, at, process, emit } = acting
  const { revision, announced: files, announcedLocation: location } = tables.fold(process.fold)
  const next = { ...world, target: { revision, location, files } }
  const what = `w${process.writer} writes revision ${revision} to the target`
  emit(withProcess(next, at, { step: 'read-back' }), () => what)
}

function readBack(acting: Acting): void {
  const { world, tables, at, process, emit } = acting
  const reading = tables.off.has('look')
    ? { fold: process.fold, stuck: false }
    : readFresh(world, tables, process.knows)
  if (reading.stuck) return
  const fold = tables.fold(reading.fold)
  const { revision } = fold
  const who = `w${process.writer} reads back`
  if (world.target.revision !== revision && !tables.off.has('look')) {
    const again = withProcess(world, at, { step: 'deliver', fold: reading.fold })
    return emit(again, () => `${who}: it shows ${world.target.revision}, delivers again`)
  }
  if (fold.delivered === revision) return done(acting, world, 'reads back: delivered already')
  // A deliverer of an older revision writes nothing after its deadline: this one waits for that.
  const older = world.processes.some(
    (other) => other.step === 'deliver' && tables.fold(other.fold).revision < revision,
  )
  if (older && !tables.off.has('deadline')) return
  const plan = present(world.processes[at], 'who acts is there')
  assert(plan.writer > 0, 'who delivers has an id')
  const entry = tables.idOf({
    kind: 'delivered',
    commitId: commitOf(plan.writer, 16 + world.commitsNext),
    ranges: [],
    file: -1,
    rows: 0,
    inputs: 0,
    version: undefined,
    revision,
    location: 0,
    toLocation: 0,
    published: [],
  })
  const next = { ...world, commitsNext: world.commitsNext + 1 }
  const change = { step: 'put', fold: reading.fold, entry } satisfies Partial<Process>
  emit(withProcess(next, at, change), () => `${who} revision ${revision}, plans delivered`)
}
