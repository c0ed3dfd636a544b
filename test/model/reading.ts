/** How a process reads the log: to the tail, then the list of checkpoints. */
import { decideCheckpoint } from '../../src/protocol/checkpoint-choice.ts'
import type { CheckpointName } from '../../src/protocol/log-paths.ts'
import type { EntryId, FoldId, Tables } from './tables.ts'
import type { World } from './world.ts'

export interface Reading {
  readonly fold: FoldId
  /** What became of the reader's own entry where it was met; undefined: it was not met. */
  readonly own: 'decided' | 'void' | undefined
  /** True when it began again from a checkpoint. */
  readonly jumped: boolean
  /** True when no checkpoint that could be read leads to where the log goes on. */
  readonly stuck: boolean
}

const nameOf = (tables: Tables, fold: FoldId): CheckpointName => {
  const { next, checksum } = tables.fold(fold).state
  return { path: `${next}`, next, checksum16: checksum.slice(0, 16) }
}

/** The checkpoint that is read for a name, or an older one; undefined: none can be read. */
function readable(world: World, candidates: readonly FoldId[]): FoldId | undefined {
  return candidates.find((fold) => !(world.newestUnreadable && fold === world.checkpoints[0]))
}

/** Of a reader that knows every format. */
const everyFormat = 2

/** From nothing: what a process that starts comes to. */
export function readFresh(world: World, tables: Tables, knows = everyFormat): Reading {
  const fold = readable(world, world.checkpoints) ?? 0
  return readOn(world, tables, { fold, entry: 0, knows })
}

/**
 * Folds to the tail; whether it may stay there is the product's decision.
 *
 * @param from the fold it has, its own entry, which it looks for (0: none), and the newest format
 *   that it knows.
 */
export function readOn(
  world: World,
  tables: Tables,
  from: { readonly fold: FoldId; readonly entry: EntryId; readonly knows: number },
): Reading {
  let begun = from.fold
  for (;;) {
    const isKnown = tables.fold(begun).state.config.format <= from.knows
    const round = readRound(world, tables, { ...from, fold: begun })
    const stuck = !isKnown || round.stuck
    const stays = { fold: round.fold, own: round.own, jumped: begun !== from.fold, stuck }
    if (stuck) return stays
    if (tables.off.has('listAfter')) return stays
    const decision = decideCheckpoint({
      names: world.checkpoints.map((fold) => nameOf(tables, fold)),
      firstRead: tables.fold(begun).state.next,
      next: tables.fold(round.fold).state.next,
      grown: false,
      checksumAt: (next) => round.checksums.get(next),
    })
    if (decision.kind !== 'begin-again') return stays
    const nexts = new Set(decision.candidates.map(({ next }) => next))
    const standing = world.checkpoints.filter((fold) => nexts.has(tables.fold(fold).state.next))
    const again = readable(world, standing)
    if (again === undefined) return { ...stays, stuck: true }
    begun = again
  }
}

function readRound(
  world: World,
  tables: Tables,
  from: { readonly fold: FoldId; readonly entry: EntryId; readonly knows: number },
): { fold: FoldId; own: Reading['own']; checksums: Map<number, string>; stuck: boolean } {
  let fold = from.fold
  let own: Reading['own']
  const checksums = new Map([[tables.fold(fold).state.next, tables.fold(fold).state.checksum]])
  for (;;) {
    const { next } = tables.fold(fold).state
    const entry = world.log[next] ?? 0
    if (entry === 0) return { fold, own, checksums, stuck: false }
    const isKnown = (tables.entry(entry).format ?? 1) <= from.knows
    if (!isKnown && !tables.off.has('formatStops')) return { fold, own, checksums, stuck: true }
    const step = isKnown ? tables.step(fold, entry) : tables.skip(fold, entry)
    if (entry === from.entry) own = step.decided ? 'decided' : 'void'
    fold = step.fold
    checksums.set(next + 1, tables.fold(fold).state.checksum)
  }
}
