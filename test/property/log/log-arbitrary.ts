/** Histories of a log: what writers, right and faulty ones, might put, drawn at random. */
import { hash } from 'node:crypto'
import fc from 'fast-check'
import { unixMs } from '../../../src/base/time.ts'
import { zeroCounts } from '../../../src/model/counts.ts'
import { deadLetterStream } from '../../../src/model/dead-letter.ts'
import type { FoldState } from '../../../src/model/fold-state.ts'
import { commitIdOf, parseCommitId, type WriterId, writerId } from '../../../src/model/ids.ts'
import { type LakePartition, partitionPath } from '../../../src/model/lake-partition.ts'
import type { AppendRange, EntryBase, LogEntry } from '../../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import { isClosed, newestListOf } from '../../../src/protocol/fold-closed.ts'
import { isLate } from '../../../src/protocol/late.ts'
import {
  appendEntry,
  configEntry,
  entryBase,
  lane,
  namedFiles,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleSource,
  stream,
} from '../../support/log-samples.ts'

const moveKinds = [
  'append',
  'append',
  'append',
  'start',
  'ready',
  'delivered',
  'config',
  'source',
  'source',
  'source',
  'void',
  'forget',
  'closed-late',
  'letters',
  'replay',
] as const

/** Numbers from which one entry is made, over whatever state the log is in by then. */
export interface Move {
  readonly kind: (typeof moveKinds)[number]
  readonly writer: number
  readonly at: number
  readonly hour: number
  readonly length: number
  /** Makes the entry rely on something else than what holds. */
  readonly faulty: boolean
  readonly telling: boolean
}

export const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.record({
    kind: fc.constantFrom(...moveKinds),
    writer: fc.nat(2),
    at: fc.nat(2),
    hour: fc.nat(4),
    length: fc.nat(9),
    faulty: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
    telling: fc.boolean(),
  }),
  { maxLength: 40 },
)

const writerOf = (number: number): WriterId => writerId(`${number}`.repeat(32))

/** The entry that a move makes over `state`. */
export function entryOf(state: FoldState, move: Move): LogEntry {
  const writer = writerOf(move.writer)
  const counter = state.writers.get(writer)?.counterNext ?? 0
  const commitId = commitIdOf(writer, counter)
  const base = entryBase(commitId, {
    publishedNext: move.telling ? counter : 0,
    published: move.telling ? [...state.unpublished.keys()].slice(0, 1) : [],
    discarded: move.faulty ? [{ commitId, because: 'range-moved' }] : [],
  })
  switch (move.kind) {
    case 'start':
    case 'append':
      return append(state, move, base)
    case 'ready':
      return ready(state, move, base)
    case 'letters':
      return letters(state, move, base)
    case 'replay':
      return replay(state, move, base)
    case 'delivered': {
      const partitionPath = sampleHour(move.hour).path
      const known = state.streams.get(stream)?.partitions.get(partitionPath)?.revision ?? 1
      const revision = Math.max(1, known) + (move.faulty ? 1 : 0)
      const target = move.telling ? 'webhook' : 'success-file'
      const deliveries = [{ stream, partitionPath, revision, target }]
      return { kind: 'delivered', ...base, deliveries }
    }
    case 'source':
      return source(state, move, base)
    case 'void': {
      // A stand-in of itself, or a notice: of one that was stepped over, or of any other.
      const known = state.steppedOver[move.at]
      const named = move.faulty ? Math.max(0, state.next - 1 - move.length) : (known ?? state.next)
      const sha256 = 'f'.repeat(64)
      return { kind: 'void', ...base, entry: named, sha256, why: move.telling ? 'torn' : '' }
    }
    case 'forget': {
      // The next attempt of some writer, which then is void, or, wrongly, what is decided.
      const decided = [...state.unpublished.keys()][0]
      const next = commitIdOf(writer, counter + 1 + move.at)
      const commits = move.faulty && decided !== undefined ? [decided] : [next]
      return { kind: 'forget', ...base, why: 'its topic is gone', commits, files: [] }
    }
    case 'closed-late':
      return closedLate(state, move, base)
    case 'config': {
      const fromVersion = state.config.version + (move.faulty ? 1 : 0)
      return { ...configEntry(commitId, fromVersion), ...base }
    }
  }
}

/** A reset to anywhere, the end of what is read, or the beginning of what is not. */
/** Closes an hour whatever state it is in: faulty ones follow a list that is not the newest. */
function closedLate(state: FoldState, move: Move, base: EntryBase): LogEntry {
  const partition = sampleHour(move.hour)
  const version = state.streams.get(stream)?.partitions.get(partition.path)?.version
  const previous = move.faulty ? 'f'.repeat(64) : newestListOf(state, stream)
  const sha256 = hash('sha256', base.commitId, 'hex')
  const list = { path: `closed/${sha256}`, sizeBytes: 4, sha256, previous }
  const closings = [{ stream, partition, version: version ?? base.commitId, list }]
  return { kind: 'closed-late', ...base, closings }
}

function source(state: FoldState, move: Move, base: EntryBase): LogEntry {
  const at = sampleSource(move.at)
  const known = state.positions.get(lane)?.get(sourceKey(at))
  const relied = { lane, source: at, expected: known?.next }
  const resetEpoch = (known?.resetEpoch ?? 0) + (move.faulty ? 1 : 0)
  const ends = move.telling && known !== undefined && known.ended !== true
  const next = ends ? undefined : nextOffset(BigInt(move.length))
  const moved = { ...relied, resetEpoch, next, cause: 'drawn' }
  return { kind: 'source', ...base, action: 'reset', why: 'drawn at random', moves: [moved] }
}

function append(state: FoldState, move: Move, base: EntryBase): LogEntry {
  const source = sampleSource(move.at)
  const position = state.positions.get(lane)?.get(sourceKey(source))
  const known = position?.next
  const resetEpoch = position?.resetEpoch
  const first = (known ?? 0n) + (move.faulty ? 1n : 0n)
  const isStart = known === undefined
  const range: AppendRange = {
    lane,
    source,
    expected: isStart ? undefined : nextOffset(first),
    first: offset(first),
    next: nextOffset(first + (isStart ? 0n : BigInt(move.length))),
    leaderEpoch: move.length === 0 ? -1 : move.length,
    ...(resetEpoch === undefined ? {} : { resetEpoch }),
  }
  const { commitId } = base
  const partition = sampleHour(move.hour)
  const withRows = !isStart && move.length > 0
  const eventWatermarkMs = unixMs(partition.startMs + move.length)
  // Late rows are appended, or, wrongly, put as if they were in time.
  const late = move.telling && isLate(state.streams.get(stream), partition)
  const cell = sampleCell(move.hour, move.length)
  const lateAppended = late && withRows ? cell.counts.written : 0
  const place = late ? { stream, partition, late } : { stream, partition }
  return appendEntry(commitId, {
    ...base,
    ranges: [range],
    places: withRows ? [place] : [],
    configVersion: state.config.version,
    body: {
      files: withRows ? [sampleFile(commitId, move.hour)] : [],
      counts: isStart ? [] : [{ ...cell, counts: { ...cell.counts, lateAppended } }],
      progress: withRows ? [{ stream, source, eventWatermarkMs }] : [],
      evidence: [
        { source, highWatermark: nextOffset(first), askedAtMs: unixMs(move.hour * 1_000) },
      ],
    },
  })
}

const letterDay: LakePartition = {
  path: partitionPath('dt=2026-11-20'),
  startMs: sampleHour(0).startMs,
  nextMs: sampleHour(24).startMs,
}

/** Late events that are kept as dead letters, in a file that has one row for each. */
function letters(state: FoldState, move: Move, base: EntryBase): LogEntry {
  const { commitId } = base
  const late = move.length + 1
  const file = sampleFile(commitId, move.hour)
  const at = { stream: deadLetterStream, table: 'letters', partitionPath: letterDay.path }
  const partition = sampleHour(move.hour)
  return appendEntry(commitId, {
    ...base,
    places: [{ stream: deadLetterStream, partition: letterDay }],
    configVersion: state.config.version,
    body: {
      files: [{ ...file, ...at, path: `letters/${file.path}`, rowCount: late }],
      counts: [{ stream, partition, counts: { ...zeroCounts, read: late, late } }],
    },
  })
}

/** Takes in what one of the files of letters has, or, wrongly, one more; none where none is. */
function replay(state: FoldState, move: Move, base: EntryBase): LogEntry {
  const days = state.streams.get(deadLetterStream)?.partitions
  const file = days?.get(letterDay.path)?.files.at(-1 - move.at)
  const { commitId } = base
  if (file === undefined)
    return appendEntry(commitId, { ...base, replay: { why: '', letters: [] } })
  const hour = Math.round((file.eventTimeMs.min - sampleHour(0).startMs) / 3_600_000)
  const partition = sampleHour(hour)
  const count = file.rowCount + (move.faulty ? 1 : 0)
  const of = parseCommitId(file.stagedPath.split('/')[2] ?? '')
  const unit = { day: letterDay.path, commitId: of, stream, cells: [{ partition, count }] }
  const known = state.streams.get(stream)
  const late = isLate(known, partition)
  const isAway = isClosed(known, partition)
  const fate = isAway ? { late: count } : { written: count, lateAppended: late ? count : 0 }
  const counts = { ...zeroCounts, read: count, ...fate }
  const place = { stream, partition, ...(late ? { late } : {}) }
  return appendEntry(commitId, {
    ...base,
    places: isAway ? [] : [place],
    configVersion: state.config.version,
    replay: { why: 'drawn at random', letters: [unit] },
    body: {
      files: isAway ? [] : [sampleFile(commitId, hour)],
      counts: [{ stream, partition, counts }],
    },
  })
}

function ready(state: FoldState, move: Move, base: EntryBase): LogEntry {
  const partition = sampleHour(move.hour)
  const folded = state.streams.get(stream)?.partitions.get(partition.path)
  const version = move.faulty ? base.commitId : folded?.version
  const targets = move.telling ? ['webhook', 'success-file'] : []
  const revision = (folded?.revision ?? 0) + 1
  const told = namedFiles(folded?.files ?? [], folded?.manifest)
  const manifest = { ...sampleManifest(move.hour, revision), ...told }
  return {
    kind: 'ready',
    ...base,
    announcements: [{ stream, partition, version, manifest, targets }],
  }
}
