/**
 * Messages that become text: where they lie in the payload is kept, and the host writes the text.
 *
 * A slot holds the number, from 1, of the last piece that was given for it; a piece names the one
 * before it, so that a message given twice is the pieces in order: joined, they are the merged
 * message. A slot that was cleared begins anew, and pieces that no slot leads to are dead.
 */
import { Buffer, release, tryAllocate } from './memory'
import { addRow, CAPTURES_FULL, fail, failFull } from './row-sets'
import { Entry, Failure, Operation, RowSet } from './structures'
import { depth, enter, groupStop, leave, readLength, skipGroup } from './unknown'
import { varintValue } from './varint'

/** Must agree with `pieceWords` in src/kernel/message-texts.ts. */
@unmanaged
class Piece {
  slot: usize
  start: usize
  end: usize
  before: u32
  depth: u32
  /** Of the batch's rows that were taken. */
  row: u32
  leaf: u32
}

/** Bounds what one call keeps: a row with more pieces than this is too large. */
const PIECES_MAX: u32 = 1 << 18

const pieces = memory.data(8, 8)
let pieceCount: u32 = 0
let rootRow: u32 = 0

export function captureCount(): u32 {
  return pieceCount
}
export function captureList(): usize {
  return changetype<Buffer>(pieces).start
}
export function forgetCaptures(): void {
  pieceCount = 0
}
/** Pieces before a row, which starts here. */
export function keptCaptures(row: u32): u32 {
  rootRow = row
  return pieceCount
}
export function dropCaptures(kept: u32): void {
  pieceCount = kept
}

/** Room for one more piece. False when there is none: the batch is cut, or the row refused. */
function hasRoom(): bool {
  const list = changetype<Buffer>(pieces)
  const used = pieceCount * offsetof<Piece>()
  const old = list.capacity
  if (pieceCount >= PIECES_MAX) return false
  if (used + offsetof<Piece>() <= old) return true
  const capacity = old ? old << 1 : 4096
  const start = tryAllocate(capacity)
  if (!start) return false
  memory.copy(start, list.start, used)
  release(list.start, old)
  list.start = start
  list.capacity = capacity
  return true
}

function addPiece(): Piece {
  const list = changetype<Buffer>(pieces).start
  return changetype<Piece>(list + pieceCount++ * offsetof<Piece>())
}

/** Takes note of a message whose tag was read; of its bytes only the framing is looked at. */
export function capture(
  e: Entry,
  tag: u32,
  operation: u32,
  p: usize,
  end: usize,
  row: u32,
): usize {
  if (!hasRoom()) return failFull(CAPTURES_FULL)
  if (!enter()) return fail(Failure.TOO_DEEP)
  const below = depth
  leave()
  const isGroup = operation >= <u32>Operation.CAPTURE_GROUP
  let start = p
  let stop = p
  if (isGroup) {
    p = skipGroup(p, end, tag >> 3)
    stop = groupStop
  } else {
    p = readLength(p, end)
    start = p
    p += p ? <usize>varintValue : 0
    stop = p
  }
  if (!p) return 0
  if (p > end) return fail(Failure.TRUNCATED)
  if (operation & 1) {
    const element = addRow(changetype<RowSet>(e.rowSet), row)
    if (element < 0) return 0
    row = element
  }
  const piece = addPiece()
  const slot = e.slots + (row << 3)
  piece.slot = slot
  piece.start = start
  piece.end = stop
  piece.before = load<u32>(slot)
  piece.depth = below
  piece.row = rootRow
  piece.leaf = e.detail
  store<u64>(slot, pieceCount)
  store<u8>(e.presence + row, 1)
  return p
}
