/** Captured messages of a batch become text: joined from their pieces, rendered, put into slots. */
import { assert, present } from '../base/assert.ts'
import type { MessageSchema } from '../model/event-schema.ts'
import type { RefusalReason, RowRefusal } from '../model/row-batch.ts'
import type { LinearMemory } from './linear-memory.ts'
import type { LeafPlan } from './plan-parts.ts'

/** What a captured message comes to. */
type RenderedMessage =
  | { readonly kind: 'text'; readonly text: string }
  /** All is well but for required fields, which a message that is replaced may lack. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }

/**
 * Writes a message as text.
 *
 * @param depth of the message below the event: 1 directly within it.
 */
export type RenderMessage = (
  message: MessageSchema,
  bytes: Uint8Array,
  depth: number,
) => RenderedMessage

/** Rows are numbered from 0 among those that were accepted. */
export type TextsOutcome =
  /** `release` is called when the batch is encoded. */
  | { readonly kind: 'written'; readonly release: () => void }
  /** The rows are to be parsed once more: without `refused`, and below `next` only, if given. */
  | {
      readonly kind: 'again'
      readonly refused: readonly RowRefusal[]
      /** Texts of this row and those before it have no room at once. */
      readonly next: number | undefined
    }

/** Must agree with `Piece` in kernel/capture.ts. */
const pieceWords = 7
/** Reads of whole vectors pass a text's end. */
const paddingBytes = 32
const textShareMax = 1 / 8

interface Piece {
  readonly slot: number
  readonly start: number
  readonly end: number
  /** Number of the piece before it, 0 for none. */
  readonly before: number
  readonly depth: number
  readonly row: number
  readonly leaf: number
}

interface Text {
  readonly slot: number
  readonly bytes: Uint8Array
}

/**
 * Turns what the last parse captured into text. Slots are filled only when all went well.
 *
 * Every row is judged before the answer, so that many refused ones cost one more parse, not one
 * each.
 */
export function writeMessageTexts(
  memory: LinearMemory,
  leaves: readonly LeafPlan[],
  render: RenderMessage | undefined,
): TextsOutcome {
  const count = memory.calls.captureCount()
  if (count === 0) return { kind: 'written', release: () => {} }
  assert(render !== undefined, 'a kernel whose tables have JSON columns is given a renderer')
  const pieces = readPieces(memory, count)
  const isContinued = new Uint8Array(count + 1)
  for (const { before } of pieces) isContinued[before] = 1
  const bytesMax = memory.memoryMaxBytes * textShareMax
  const texts: Text[] = []
  const refused: RowRefusal[] = []
  let totalBytes = 0
  for (const [index, piece] of pieces.entries()) {
    const { row, slot } = piece
    // A later piece of the same slot stands for this one too.
    if (isContinued[index + 1] === 1 || refused.at(-1)?.row === row) continue
    const message = present(leaves[piece.leaf]?.text, 'a captured leaf has a message')
    const rendered = judgedRender(render, message, partsOf(memory, pieces, piece), piece.depth)
    // What another member of its oneof took back is judged, as every decoder does, and not kept.
    const isKept = memory.u32[slot >>> 2] === index + 1
    if (rendered.kind === 'refused') refused.push({ row, reason: rendered.reason })
    else if (!isKept) continue
    else if (rendered.kind === 'incomplete') refused.push({ row, reason: 'malformed' })
    else {
      const bytes = Buffer.from(rendered.text, 'utf8')
      totalBytes += bytes.length
      if (totalBytes > bytesMax) return { kind: 'again', refused, next: row }
      texts.push({ slot, bytes })
    }
  }
  if (refused.length > 0) return { kind: 'again', refused, next: undefined }
  const next = halfOf(pieces)
  return placeTexts(memory, texts, totalBytes) ?? { kind: 'again', refused, next }
}

/** The row in the middle, or the second one with pieces: the first is tried alone in the end. */
function halfOf(pieces: readonly Piece[]): number {
  const { row } = present(pieces[pieces.length >> 1], 'a piece in the middle')
  return row > 0 ? row : (pieces.find((piece) => piece.row > 0)?.row ?? 0)
}

function readPieces(memory: LinearMemory, count: number): readonly Piece[] {
  const list = memory.calls.captureList() >>> 2
  const words = memory.u32
  return Array.from({ length: count }, (_, index) => {
    const at = list + index * pieceWords
    const word = (place: number): number => present(words[at + place], 'a piece is in memory')
    return {
      slot: word(0),
      start: word(1),
      end: word(2),
      before: word(3),
      depth: word(4),
      row: word(5),
      leaf: word(6),
    }
  })
}

/** A message given several times: each piece is whole by itself, joined they are the merged one. */
function judgedRender(
  render: RenderMessage,
  message: MessageSchema,
  parts: readonly Uint8Array[],
  depth: number,
): RenderedMessage {
  if (parts.length > 1) {
    for (const part of parts) {
      const rendered = render(message, part, depth)
      if (rendered.kind === 'refused') return rendered
    }
  }
  return render(message, Buffer.concat(parts), depth)
}

function partsOf(
  memory: LinearMemory,
  pieces: readonly Piece[],
  last: Piece,
): readonly Uint8Array[] {
  const parts: Uint8Array[] = []
  for (let piece: Piece | undefined = last; piece !== undefined; piece = pieces[piece.before - 1]) {
    parts.push(memory.view(piece.start, piece.end - piece.start))
  }
  return parts.toReversed()
}

/** @returns undefined where there is no room for them. */
function placeTexts(
  memory: LinearMemory,
  texts: readonly Text[],
  totalBytes: number,
): TextsOutcome | undefined {
  const sizeBytes = totalBytes + paddingBytes
  const block = memory.tryAllocate(sizeBytes)
  if (block === undefined) return undefined
  let at = block
  for (const { slot, bytes } of texts) {
    memory.u8.set(bytes, at)
    memory.u32[slot >>> 2] = at
    memory.u32[(slot >>> 2) + 1] = bytes.length
    at += bytes.length
  }
  return { kind: 'written', release: () => memory.release(block, sizeBytes) }
}
