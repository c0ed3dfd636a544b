/** What happens to the world from outside: old entries go, and what was stored is lost. */
import type { Emit } from './beginning.ts'
import { bit, holds, rowBit } from './entry.ts'
import { nextOf, unpublishedOf } from './fold.ts'
import type { Bounds } from './scenarios.ts'
import type { Tables } from './tables.ts'
import { published, spent, staged, type World, withEntryAt, withFiles } from './world.ts'

export interface Explored {
  readonly tables: Tables
  readonly bounds: Bounds
}

export interface Context extends Explored {
  readonly world: World
  readonly emit: Emit
}

/** Deletes old entries: one of them, or all. */
export function trims({ world, tables, emit }: Context): void {
  if (world.left.trim === 0) return
  const { off } = tables
  const nexts = world.checkpoints.map((fold) => tables.fold(fold).state.next)
  // One alone may be the one that cannot be read: nothing below it is deleted yet.
  const allowed = off.has('deleteOlder') || off.has('two') ? nexts[0] : nexts[1]
  const next = off.has('deleteBelow') ? tables.fold(world.ghost).state.next : (allowed ?? 0)
  const standing = world.log.slice(0, next).flatMap((entry, index) => (entry === 0 ? [] : [index]))
  for (const index of standing) {
    const without = withEntryAt(spent(world, 'trim'), index, 0)
    emit(without, () => `entry ${index} is deleted`)
  }
  if (standing.length < 2) return
  const log = world.log.map((entry, index) => (index < next ? 0 : entry))
  emit({ ...spent(world, 'trim'), log }, () => `all entries below ${next} are deleted`)
}

export function lossOfCheckpoint({ world, emit }: Context): void {
  if (world.left.unreadable === 0 || world.newestUnreadable || world.checkpoints.length === 0)
    return
  const lost = { ...spent(world, 'unreadable'), newestUnreadable: true }
  emit(lost, () => 'the newest checkpoint cannot be read any more')
}

/** Decided and gone before it was published: a rule of the bucket, a broken disk. */
export function lossOfFiles({ world, tables, emit }: Context): void {
  if (world.left.loss === 0) return
  const decided = unpublishedOf(tables.fold(world.ghost))
  for (const [file, { at }] of world.files.entries()) {
    if (!holds(decided, file) || (at & staged) === 0 || (at & published) !== 0) continue
    const without = withFiles(spent(world, 'loss'), bit(file), { remove: staged })
    emit({ ...without, lost: without.lost | bit(file) }, () => `staged f${file} is lost`)
  }
}

/** Kafka takes a record away that was read: compaction, which leaves no trace. */
export function lossOfRecords({ world, tables, bounds, emit }: Context): void {
  if (world.left.compact === 0) return
  const ghost = tables.fold(world.ghost)
  for (const partition of bounds.rows.keys()) {
    for (let row = 0; row < nextOf(ghost, partition); row++) {
      const compacted = world.compacted | rowBit(partition, row)
      const next = { ...spent(world, 'compact'), compacted }
      emit(next, () => `Kafka compacts row ${row} of p${partition} away`)
    }
  }
}
