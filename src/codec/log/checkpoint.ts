/**
 * Folded states ⇄ bytes: lines of JSON, compressed with zstd.
 *
 *     {"line":"head","foldVersion":1,"next":42000,"checksum":"7f83…","lineCount":118,…}
 *     {"line":"position","lane":"lake","position":{"source":{…},"next":"90",…}}
 *     {"line":"partition","stream":"app_events","partition":{"files":[…],"place":"open",…}}
 *
 * Invariants:
 * - equal states give equal bytes, whatever they were folded from: keys and lines are sorted,
 *   but for lists whose order means something;
 * - a state that is read is whole: the head says how many lines follow, zstd checks the content;
 * - no text is longer than one item: a state may grow past what one string can hold.
 *
 * `foldVersion` is the format in force. It changes with any change of the fold's meaning or of
 * these lines, so that who can read the log's newest entry can read its checkpoints.
 * Source: docs/protocol.md, "Checkpoints".
 */
import { zstdDecompressSync } from 'node:zlib'
import { type ZodType, z } from 'zod'
import { Fault } from '../../base/fault.ts'
import type { FoldedPartition, FoldState } from '../../model/fold-state.ts'
import { entryFormat } from '../../model/log-entry.ts'
import {
  type CheckpointHead,
  type CheckpointLine,
  checkpointHeadShape,
  checkpointLineShape,
} from './checkpoint-lines.ts'
import { stateOf } from './checkpoint-state.ts'
import { encodeCanonicalJson, type ParseOutcome, parseJson, parseShape } from './json.ts'
import { packed } from './packed.ts'

const newline = 10
/**
 * Large, for the pieces are put together in the end; but no larger than what such JSON unpacks to,
 * or a small checkpoint would take as much memory as a large one.
 */
const unpackedAtOnceBytes = { min: 65_536, max: 4 * 1_024 * 1_024 }
const unpackedToPacked = 16

/** @returns the object's bytes: equal for equal states. */
export function encodeCheckpoint(state: FoldState): Uint8Array {
  const lines = linesOf(state)
  const { next, checksum, voidCount } = state
  const { format: foldVersion, ...config } = state.config
  const lineCount = lines.length
  const head: CheckpointHead = {
    line: 'head',
    foldVersion,
    next,
    checksum,
    config,
    voidCount,
    lineCount,
  }
  const texts = [encodeCanonicalJson(head), ...lines.map(textOf)]
  const bytes = Buffer.concat(texts.map((text) => Buffer.from(`${text}\n`)))
  return packed(bytes)
}

/** Lines of announced partitions, which hardly change: most of a checkpoint is as it was before. */
const textsKnown = new WeakMap<FoldedPartition, string>()

function textOf(line: CheckpointLine): string {
  if (line.line !== 'partition' || line.partition.place !== 'announced') {
    return encodeCanonicalJson(line)
  }
  const text = textsKnown.get(line.partition) ?? encodeCanonicalJson(line)
  textsKnown.set(line.partition, text)
  return text
}

/**
 * @param path of the object, for the message of the fault.
 * @param newestKnown what is newer is refused.
 * @throws {Fault} `LOG_CHECKPOINT_UNREADABLE`: torn or not ours; `LOG_FORMAT_TOO_NEW`.
 */
export function parseCheckpoint(
  bytes: Uint8Array,
  path: string,
  newestKnown: number = entryFormat,
): FoldState {
  const [first, ...rest] = textLinesOf(unpacked(bytes, path))
  const { foldVersion: format } = lineOf(foldVersionShape, first ?? Buffer.alloc(0), path)
  if (format > newestKnown) throw new Fault('LOG_FORMAT_TOO_NEW', { path, format, newestKnown })
  const head = lineOf(checkpointHeadShape, first ?? Buffer.alloc(0), path)
  if (head.lineCount !== rest.length) {
    throw unreadable(path, `it has ${rest.length} lines, its head says ${head.lineCount}`)
  }
  return stateOf(
    head,
    rest.map((line) => lineOf(checkpointLineShape, line, path)),
  )
}

const foldVersionShape = z.looseObject({ foldVersion: z.int() })

const byKey = <V>([a]: readonly [string, V], [b]: readonly [string, V]): number => (a < b ? -1 : 1)
const sortedEntries = <K extends string, V>(map: ReadonlyMap<K, V>): readonly [K, V][] =>
  [...map].sort(byKey)

function linesOf(state: FoldState): CheckpointLine[] {
  const lines: CheckpointLine[] = []
  for (const [lane, ofLane] of sortedEntries(state.positions)) {
    for (const [, position] of sortedEntries(ofLane))
      lines.push({ line: 'position', lane, position })
  }
  for (const [stream, folded] of sortedEntries(state.streams)) {
    const { announcedNextMs, progress, partitions, closed, skipped } = folded
    lines.push({ line: 'stream', stream, announcedNextMs })
    if (closed !== undefined) lines.push({ line: 'closed', stream, closed })
    if (skipped !== undefined) lines.push({ line: 'skipped', stream, skipped: [...skipped] })
    for (const [, item] of sortedEntries(progress))
      lines.push({ line: 'progress', stream, progress: item })
    for (const [, partition] of sortedEntries(partitions)) {
      lines.push({ line: 'partition', stream, partition })
    }
  }
  for (const [, evidence] of sortedEntries(state.evidence))
    lines.push({ line: 'evidence', evidence })
  for (const [writerId, writer] of sortedEntries(state.writers)) {
    lines.push({ line: 'writer', writerId, writer })
  }
  for (const [, commit] of sortedEntries(state.unpublished))
    lines.push({ line: 'unpublished', commit })
  for (const announcement of state.undelivered) lines.push({ line: 'undelivered', announcement })
  for (const entry of state.voids) lines.push({ line: 'void', void: entry })
  for (const entry of state.steppedOver) lines.push({ line: 'stepped-over', entry })
  for (const commitId of [...state.forgotten].sort()) lines.push({ line: 'forgotten', commitId })
  return lines
}

function unpacked(bytes: Uint8Array, path: string): Buffer {
  const { min, max } = unpackedAtOnceBytes
  const chunkSize = Math.min(max, Math.max(min, bytes.length * unpackedToPacked))
  try {
    return zstdDecompressSync(bytes, { chunkSize })
  } catch (error) {
    throw unreadable(path, error instanceof Error ? error.message : String(error))
  }
}

function textLinesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = []
  for (let first = 0; first < bytes.length; ) {
    const end = bytes.indexOf(newline, first)
    const next = end === -1 ? bytes.length : end
    lines.push(bytes.subarray(first, next))
    first = next + 1
  }
  return lines
}

function lineOf<T>(shape: ZodType<T>, bytes: Uint8Array, path: string): T {
  const json = parseJson(bytes)
  const outcome: ParseOutcome<T> = json.kind === 'refused' ? json : parseShape(shape, json.value)
  if (outcome.kind === 'refused') throw unreadable(path, outcome.reason)
  return outcome.value
}

const unreadable = (path: string, reason: string): Fault =>
  new Fault('LOG_CHECKPOINT_UNREADABLE', { path, reason })
