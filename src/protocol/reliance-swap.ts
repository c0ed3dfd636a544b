/**
 * Whether what a swap, or a `forget` of files, relies on holds over everything below it.
 *
 * Invariants: those of reliance.ts. Besides:
 * - no row is lost or doubled by a merge, a move or an undo: rows out equal rows in, and a refill
 *   says how many are lost;
 * - nothing that was forgotten comes back, and nothing that is live is forgotten.
 *
 * Source: docs/protocol.md, "Swaps".
 */
import type { DataFile } from '../model/data-file.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { ForgottenFiles } from '../model/repair-entry.ts'
import type { SwapEntry } from '../model/swap-entry.ts'
import { type BrokenReliance, broken } from './broken-reliance.ts'
import { isAnnouncedAsItIs, isBeforeAnnouncement, locationOf } from './partition-place.ts'

export function brokenSwap(state: FoldState, entry: SwapEntry): BrokenReliance | undefined {
  const { stream, partition, place } = entry
  const name = `"${stream}" ${partition.path}`
  const known = state.streams.get(stream)?.partitions.get(partition.path)
  if (known?.place !== place) {
    return broken('place-changed', `${name} is ${known?.place ?? 'not there'}, not ${place}`)
  }
  const live = new Map(known.files.map((file) => [file.path, file]))
  const dead = entry.inputs.find((path) => !live.has(path))
  if (dead !== undefined) return broken('place-changed', `${name}: "${dead}" is not live`)
  return (
    malformedSwap(known, entry) ??
    (place === 'open' ? undefined : brokenAnnounced(state, known, entry))
  )
}

/**
 * After the announcement: over the version that was planned on, and every live file of it, unless
 * nobody was told of those it takes.
 */
function brokenAnnounced(
  state: FoldState,
  known: FoldedPartition,
  entry: SwapEntry,
): BrokenReliance | undefined {
  const name = `"${entry.stream}" ${entry.partition.path}`
  if (known.version !== entry.version) {
    const both = `has version ${known.version}, the entry names ${entry.version ?? 'none'}`
    return broken('place-changed', `${name} ${both}`)
  }
  if (isBeforeAnnouncement(known, entry)) return undefined
  if (entry.inputs.length !== known.files.length) {
    const both = `${known.files.length} files are live, it takes ${entry.inputs.length}`
    return broken('malformed', `${name}: ${both}`)
  }
  if (entry.why === 'undo') return brokenUndo(state, known, entry)
  if (!isAnnouncedAsItIs(known)) {
    return broken('place-changed', `${name}: a live file is not announced`)
  }
  return undefined
}

function brokenUndo(
  state: FoldState,
  known: FoldedPartition,
  { stream, partition, inputs, restored, location }: SwapEntry,
): BrokenReliance | undefined {
  const name = `"${stream}" ${partition.path}`
  const { replaced, removed = [] } = known
  if (replaced === undefined) return broken('place-changed', `${name}: nothing can be taken back`)
  const isSame =
    sameSet(inputs, replaced.outputs) &&
    sameSet(restored, replaced.inputs) &&
    location === replaced.location
  if (!isSame) return broken('place-changed', `${name}: another swap is the newest`)
  const standing = new Set(removed.map(({ file }) => file.path))
  const forgotten = restored.find((path) => !standing.has(path))
  if (forgotten !== undefined) return broken('forgotten', `${name}: "${forgotten}" is forgotten`)
  const taken = new Set(inputs)
  for (const { files, entry } of state.unpublished.values()) {
    const open = files.find(({ path }) => taken.has(path))
    if (open === undefined) continue
    return broken('place-changed', `"${open.path}" of entry ${entry} is not known as published`)
  }
  return undefined
}

function malformedSwap(known: FoldedPartition, entry: SwapEntry): BrokenReliance | undefined {
  const { why, place, inputs, restored, lostRowCount, location, body } = entry
  const name = `"${entry.stream}" ${entry.partition.path}`
  const undoes = why === 'undo'
  const wrong = (because: string): BrokenReliance => broken('malformed', `${name}: ${because}`)
  if (new Set(inputs).size !== inputs.length || inputs.length === 0) {
    return wrong(`${inputs.length} inputs, each must stand once`)
  }
  if (undoes !== restored.length > 0) return wrong(`${why} brings back ${restored.length} files`)
  if (undoes && (place === 'open' || body.files.length > 0)) return wrong('undo of what is open')
  if (lostRowCount > 0 && why !== 'refill') return wrong(`${why} loses ${lostRowCount} rows`)
  if (!undoes && body.files.length === 0 && lostRowCount === 0) return wrong('nothing comes out')
  if (isBeforeAnnouncement(known, entry) !== (location === locationOf(known))) {
    return wrong(`${place}, and lies in "${location}" after`)
  }
  return misplacedOutput(known, entry) ?? uneven(known, entry)
}

function misplacedOutput(known: FoldedPartition, entry: SwapEntry): BrokenReliance | undefined {
  const standing = [...known.files, ...(known.removed ?? []).map(({ file }) => file)]
  const seen = new Set(standing.map(({ path }) => path))
  for (const file of entry.body.files) {
    const { stream, table, partitionPath, path, base } = file
    const isHere =
      stream === entry.stream &&
      table === known.table &&
      partitionPath === entry.partition.path &&
      base === undefined &&
      path.startsWith(`${entry.location}/`) &&
      !seen.has(path)
    if (!isHere) return broken('malformed', `"${path}" is no new file of "${entry.location}"`)
    seen.add(path)
  }
  return undefined
}

/** A backfill may bring other rows, and an undo brings back what was counted before. */
function uneven(known: FoldedPartition, entry: SwapEntry): BrokenReliance | undefined {
  if (entry.why === 'replace' || entry.why === 'undo') return undefined
  const taken = new Set(entry.inputs)
  const rowsIn = rowsOf(known.files.filter(({ path }) => taken.has(path)))
  const rowsOut = rowsOf(entry.body.files) + entry.lostRowCount
  if (rowsIn === rowsOut) return undefined
  return broken('malformed', `${entry.why} of ${rowsIn} rows gives ${rowsOut}`)
}

/** A file that is live, or was given up before, is not forgotten. */
export function brokenForgottenFiles(
  state: FoldState,
  { stream, partitionPath, version, paths }: ForgottenFiles,
): BrokenReliance | undefined {
  const name = `"${stream}" ${partitionPath}`
  const known = state.streams.get(stream)?.partitions.get(partitionPath)
  if (known?.version !== version) {
    const both = `has version ${known?.version ?? 'none'}, the entry names ${version}`
    return broken('place-changed', `${name} ${both}`)
  }
  const removed = new Set(known.removed?.map(({ file }) => file.path))
  const kept = paths.find((path) => !removed.has(path))
  if (kept === undefined) return undefined
  return broken('place-changed', `${name}: "${kept}" is not swapped out`)
}

const rowsOf = (files: readonly DataFile[]): number =>
  files.reduce((sum, { rowCount }) => sum + rowCount, 0)

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && new Set([...a, ...b]).size === a.length
