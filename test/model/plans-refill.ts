/**
 * Lost files: their rows are read again from Kafka, or an operator gives them up.
 *
 * Whose rows a file holds, whether reading gives them once more and what a swap may take is the
 * product's to say.
 */
import type { AppendRange } from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import { differsFrom, missingInKafka, planRefill } from '../../src/protocol/refill-plan.ts'
import type { BrokerPart } from '../../src/protocol/source-judgement.ts'
import { planSwap } from '../../src/protocol/swap-plan.ts'
import { type Beginning, beginEntry, beginFile, draft, fileNames, filesAt } from './beginning.ts'
import {
  type Bits,
  bit,
  commitOf,
  countOf,
  fileOf,
  holds,
  hour,
  type ModelEntry,
  pathOf,
  productEntryOf,
  rowBit,
  stream,
} from './entry.ts'
import { epochOf, unpublishedOf } from './fold.ts'
import { rowsOf } from './oracle.ts'
import { published, staged } from './world.ts'

const part = { stream, partitionPath: hour.path }

/** What the product would take by a swap of these files; nothing where it waits or refuses. */
function takenBy(from: Beginning, why: 'move' | 'refill', files: Bits): Bits {
  const { fold, world, writer } = from
  const paths = (bits: Bits): readonly string[] =>
    [...world.files.keys()].filter((file) => holds(bits, file)).map((file) => pathOf(file, 0))
  const plan = planSwap({
    state: fold.state,
    publishedHere: new Set(),
    standing: new Set(paths(filesAt(world, published))),
    commitId: commitOf(writer, 0),
    why,
    ...part,
    inputs: paths(files),
  })
  if (plan.kind !== 'swap') return 0
  return plan.swap.inputs.reduce((bits, path) => bits | bit(fileOf(path)), 0)
}

/** Files that their tables refused are brought home, one by one. */
export function planHome(from: Beginning): void {
  const { fold, world, tables } = from
  if (world.left.home === 0 || fold.revision > 0) return
  for (const [file, { entry }] of world.files.entries()) {
    if (!holds(fold.live, file) || tables.entry(entry).kind !== 'append') continue
    const inputs = takenBy(from, 'move', bit(file))
    if (inputs === 0) continue
    const planned = draft(from, { kind: 'home', inputs, rows: rowsOf(world, tables, file) })
    beginFile(from, planned, 'home', () => `the way home of f${file}`)
  }
}

export function planRefills(from: Beginning): void {
  const { fold, world, tables } = from
  if (world.left.refill + world.left.giveUp === 0) return
  const lost = fold.live & unpublishedOf(fold) & ~filesAt(world, published | staged)
  for (const file of world.files.keys()) {
    if (!holds(lost, file)) continue
    planReadAgain(from, file)
    const inputs = takenBy(from, 'refill', bit(file))
    if (inputs === 0) continue
    const entry = draft(from, { kind: 'refill', inputs, rows: rowsOf(world, tables, file) })
    beginEntry(from, entry, 'giveUp', () => `giving up the rows of f${file}`)
  }
}

function planReadAgain(from: Beginning, file: number): void {
  const { fold, tables } = from
  const { off } = tables
  const origin = originOf(from, file)
  const { state } = fold
  // No configuration but one: below the entry it is what it is here.
  const found = { index: 0, entry: productEntryOf(origin), below: state }
  const plan = planRefill(0, found, state.config.checksum)
  if (plan.kind === 'refuse') return
  const { ranges } = plan.entry
  const missing = missingInKafka(
    ranges,
    ranges.map((range) => partOf(from, range)),
  )
  if (missing !== undefined && !off.has('refillRecords')) return
  const rows = readAgain(from, origin)
  const made = { files: [{ ...part, rowCount: countOf(rows) }], counts: [] }
  if (differsFrom(plan.entry, made, part) !== undefined && !off.has('refillSame')) return
  const isLoose = off.has('refillWhole') || off.has('refillOrigin')
  const inputs = takenBy(from, 'refill', isLoose ? bit(file) : filesOf(from, origin))
  if (inputs === 0 || rows === 0) return
  const planned = draft(from, { kind: 'refill', inputs, rows })
  beginFile(from, planned, 'refill', () => `refill of ${fileNames(inputs)}`)
}

/** The append whose rows a file holds, or the entry that brought it. */
function originOf({ fold, world, tables }: Beginning, file: number): ModelEntry {
  const decider = tables.entry(world.files[file]?.entry ?? 0)
  const known = fold.origins.get(pathOf(file, 0))
  if (known !== undefined || !tables.off.has('refillOrigin')) return known ?? decider
  const first = [...world.files.keys()].find((input) => holds(decider.inputs, input)) ?? file
  return fold.origins.get(pathOf(first, 0)) ?? decider
}

/** Live files with rows of an append. */
const filesOf = ({ fold, world }: Beginning, origin: ModelEntry): Bits =>
  [...world.files.keys()]
    .filter((file) => holds(fold.live, file) && fold.origins.get(pathOf(file, 0)) === origin)
    .reduce((bits, file) => bits | bit(file), 0)

/** What the brokers have of a range: after a move the topic is another one. */
function partOf({ world, tables, bounds }: Beginning, range: AppendRange): BrokerPart | undefined {
  const { source, resetEpoch = 0 } = range
  if (epochOf(tables.fold(world.ghost), source.partition) !== resetEpoch) return undefined
  const end = nextOffset(BigInt(bounds.rows[source.partition] ?? 0))
  return { source, earliest: offset(0n), end, epochEnd: undefined }
}

/** Rows of the records that Kafka has at the offsets of an append. */
function readAgain({ world, tables }: Beginning, { ranges }: ModelEntry): Bits {
  const ghost = tables.fold(world.ghost)
  let rows = 0
  for (const [partition, range] of ranges.entries()) {
    const epoch = epochOf(ghost, partition)
    for (let row = range?.expected ?? 0; row < (range?.next ?? 0); row++)
      rows |= rowBit(partition, row, epoch)
  }
  return rows & ~world.compacted
}
