/** Which staged files a fold calls garbage. */
import { nextOffset } from '../../src/model/offset.ts'
import type { StagingJournal } from '../../src/model/staging-journal.ts'
import { decideStaging } from '../../src/protocol/garbage.ts'
import { type Bits, bit, type ModelEntry, productEntryOf, productRanges } from './entry.ts'
import type { ModelFold } from './fold.ts'
import type { Tables } from './tables.ts'
import { staged, type World } from './world.ts'

/** Staged files that the fold calls garbage. */
export function garbageIn(world: World, tables: Tables, fold: ModelFold): Bits {
  let files = 0
  for (const [file, { at, entry }] of world.files.entries()) {
    if ((at & staged) === 0) continue
    if (isGarbage(fold, tables, tables.entry(entry))) files |= bit(file)
  }
  return files
}

/** The product's judgement of a journal. */
function isGarbage(fold: ModelFold, { off }: Tables, entry: ModelEntry): boolean {
  const { commitId } = entry
  if (off.has('garbage')) return !fold.state.unpublished.has(commitId)
  const ranges = productRanges(entry).map((range) =>
    off.has('garbageStrict') && range.expected !== undefined
      ? { ...range, expected: nextOffset(range.expected - 1n) }
      : range,
  )
  const journal = { pipeline: 'model', commitId, ranges, ...swapOf(entry) }
  return decideStaging(fold.state, commitId, journal).kind === 'garbage'
}

/** What a staged swap relies on, as its journal says it. */
function swapOf(entry: ModelEntry): Pick<StagingJournal, 'swap'> {
  const product = productEntryOf(entry)
  if (product.kind !== 'swap') return {}
  const { stream, partition, place, version, inputs } = product
  return { swap: { stream, partitionPath: partition.path, place, version, inputs } }
}
