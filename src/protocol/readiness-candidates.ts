/**
 * Which partitions of a stream are to be announced next, in order.
 *
 * Invariants:
 * - every open partition that has rows is a candidate, whatever the gap before it;
 * - candidates of a stream come in the order of their start;
 * - partitions without rows are bounded: a gap of more than `emptyRunMax` of them is not filled,
 *   and the candidate behind it says what is skipped; where nothing but the quiet of a topic says
 *   that event time went on, only streams whose rows were of their own day get any;
 * - from the end of what is announced on, each candidate begins where the one before it ends, or
 *   says what lies between.
 *
 * docs/readiness.md says the same for operators, with examples.
 */
import { type UnixMs, unixMs } from '../base/time.ts'
import type {
  FoldedPartition,
  FoldedPosition,
  FoldedProgress,
  FoldedStream,
  FoldState,
} from '../model/fold-state.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { Announcement } from '../model/log-entry.ts'
import { selectsTopic } from '../model/topic-selection.ts'
import { calendarOf, schemeSpanMs } from './calendar.ts'
import type { ReadinessFacts, ReadyStream } from './readiness-facts.ts'
import { type StreamViews, streamViewsOf } from './readiness-views.ts'
import type { Gap } from './skipped.ts'

const hourMs = 3_600_000

/** How far behind the lake's time rows may be and still be of their own day. */
const liveWindowMs = { hour: 48 * hourMs, day: 35 * 24 * hourMs } as const

export interface Candidate {
  readonly partition: LakePartition
  /** What the log knows of it; undefined for a partition that never had an event. */
  readonly folded: FoldedPartition | undefined
  /** What is not announced before it. Absent: nothing. */
  readonly skips?: Gap
}

/** The candidates of a stream, in order, made while they are asked for. */
export function* candidatesOf(facts: ReadinessFacts, stream: ReadyStream): Generator<Candidate> {
  const folded = facts.fold.streams.get(stream.name)
  const announcedNextMs = folded?.announcedNextMs
  const withRows = partitionsWithRows(folded)
  const passedOver = withRows.filter(({ partition }) => isPassedOver(partition, announcedNextMs))
  yield* passedOver
  const ahead = withRows.slice(passedOver.length)
  const startMs = announcedNextMs ?? ahead[0]?.partition.startMs ?? firstRowlessMs(facts, stream)
  if (startMs === undefined) return
  const longestGapMs = longestGapMsOf(stream)
  let cursorMs = startMs
  for (const candidate of ahead) {
    const { startMs: rowsFromMs, nextMs } = candidate.partition
    const gap = { firstMs: cursorMs, nextMs: rowsFromMs }
    const isSkipped = rowsFromMs - cursorMs > longestGapMs
    if (!isSkipped) yield* rowlessBetween(stream, folded, gap)
    yield isSkipped ? { ...candidate, skips: gap } : candidate
    cursorMs = nextMs
  }
  yield* rowlessAfter(facts, stream, cursorMs)
}

/**
 * False when rows have come to a partition before one of these, in its stream: it goes first. Asked
 * of the fold that the entry is put over, it keeps the order of first announcements in the log.
 */
export function keepsOrder(fold: FoldState, announcements: readonly Announcement[]): boolean {
  const own = new Set(announcements.map(({ stream, partition }) => `${stream} ${partition.path}`))
  return announcements.every(({ stream, partition, manifest }) => {
    if (manifest.revision > 1) return true
    const [first] = partitionsWithRows(fold.streams.get(stream)).filter(
      (candidate) => !own.has(`${stream} ${candidate.partition.path}`),
    )
    return first === undefined || first.partition.startMs > partition.startMs
  })
}

/** Rows came to it while a later one was announced by a writer that kept no order: it follows. */
const isPassedOver = (partition: LakePartition, announcedNextMs: UnixMs | undefined): boolean =>
  announcedNextMs !== undefined && partition.nextMs <= announcedNextMs

const rowsKnown = new WeakMap<FoldedStream, readonly Candidate[]>()

/** Open partitions with rows, by start. Remembered as long as the stream's state is the same. */
function partitionsWithRows(folded: FoldedStream | undefined): readonly Candidate[] {
  if (folded === undefined) return []
  const known = rowsKnown.get(folded)
  if (known !== undefined) return known
  const found: Candidate[] = []
  for (const state of folded.partitions.values()) {
    if (state.place === 'announced' || state.files.length === 0) continue
    found.push({ partition: state.partition, folded: state })
  }
  found.sort((a, b) => a.partition.startMs - b.partition.startMs)
  rowsKnown.set(folded, found)
  return found
}

/**
 * The partitions of a span that have no rows. Those with events but no row (filtered, refused) are
 * among them: where such an event is counted says too little about event time to lead the way.
 */
function* rowlessBetween(
  stream: ReadyStream,
  folded: FoldedStream | undefined,
  span: { readonly firstMs: UnixMs; readonly nextMs: UnixMs },
): Generator<Candidate> {
  const calendar = calendarOf(stream.scheme)
  let partition = calendar.partitionAt(span.firstMs)
  while (partition.nextMs <= span.nextMs) {
    yield { partition, folded: folded?.partitions.get(partition.path) }
    partition = calendar.partitionAfter(partition)
  }
}

/** Partitions without rows beyond the last rows of a stream. */
function* rowlessAfter(
  facts: ReadinessFacts,
  stream: ReadyStream,
  fromMs: UnixMs,
): Generator<Candidate> {
  const nextMs = emptyHorizonMs(facts, stream, fromMs)
  if (nextMs === undefined) return
  const folded = facts.fold.streams.get(stream.name)
  const longestGapMs = longestGapMsOf(stream)
  if (nextMs - fromMs <= longestGapMs) {
    yield* rowlessBetween(stream, folded, { firstMs: fromMs, nextMs })
    return
  }
  const goesOnMs = nextMs - Math.min(liveWindowMs[stream.scheme.by], longestGapMs)
  const first = calendarOf(stream.scheme).partitionAt(unixMs(goesOnMs))
  const gap = { firstMs: fromMs, nextMs: first.startMs }
  for (const candidate of rowlessBetween(stream, folded, { firstMs: first.startMs, nextMs })) {
    const isBehindGap = candidate.partition.startMs === gap.nextMs && gap.firstMs < gap.nextMs
    yield isBehindGap ? { ...candidate, skips: gap } : candidate
  }
}

const longestGapMsOf = ({ emptyRunMax, scheme }: ReadyStream): number =>
  emptyRunMax * schemeSpanMs(scheme)

/**
 * Up to where partitions without rows are wanted: no further than event time is known to have gone.
 *
 * Watermarks of any stream on the same topics say so. Beyond them the lake's own time does, but
 * only for a stream whose newest rows were of their own day: one whose rows are of 2013 gets no
 * thousands of empty days up to today, and rows of 2014 do not come too late.
 *
 * @returns undefined where no partition without rows is wanted from `fromMs` on.
 */
function emptyHorizonMs(
  facts: ReadinessFacts,
  stream: ReadyStream,
  fromMs: UnixMs,
): UnixMs | undefined {
  const { ofTopics, ofStream = ofTopics } = newestIn(streamViewsOf(facts, stream))
  const windowMs = liveWindowMs[stream.scheme.by]
  const live = ofStream === undefined || ofStream.eventMs >= ofStream.lakeMs - windowMs
  const horizonMs = Math.max(
    ofTopics === undefined ? -Infinity : ofTopics.eventMs - stream.readyDelayMs,
    live ? facts.lakeNowMs : -Infinity,
  )
  const firstEndMs = calendarOf(stream.scheme).partitionAt(fromMs).nextMs
  return firstEndMs <= horizonMs ? unixMs(horizonMs) : undefined
}

/** How far event time was, and when on the lake's clock that was seen. */
interface EventTimeSeen {
  readonly eventMs: UnixMs
  readonly lakeMs: UnixMs
}

const seenOn = (position: FoldedPosition | undefined): EventTimeSeen | undefined =>
  position?.eventWatermarkMs === undefined
    ? undefined
    : { eventMs: position.eventWatermarkMs, lakeMs: position.movedAtMs }

const seenIn = (progress: FoldedProgress | undefined): EventTimeSeen | undefined =>
  progress && { eventMs: progress.eventWatermarkMs, lakeMs: progress.rowsAtMs }

interface NewestSeen {
  /** In rows of any stream. */
  readonly ofTopics: EventTimeSeen | undefined
  /** In its own. */
  readonly ofStream: EventTimeSeen | undefined
}

const newestKnown = new WeakMap<StreamViews, NewestSeen>()

/** Remembered as long as the views are the same: each decision asks. */
function newestIn(views: StreamViews): NewestSeen {
  const known = newestKnown.get(views)
  if (known !== undefined) return known
  const newest = {
    ofTopics: newestOf(views.committed.map(({ position }) => seenOn(position))),
    ofStream: newestOf(views.seen.progress.map(seenIn)),
  }
  newestKnown.set(views, newest)
  return newest
}

/** The highest of each. */
function newestOf(seen: readonly (EventTimeSeen | undefined)[]): EventTimeSeen | undefined {
  let newest: EventTimeSeen | undefined
  for (const one of seen) {
    if (one === undefined) continue
    newest = {
      eventMs: unixMs(Math.max(one.eventMs, newest?.eventMs ?? one.eventMs)),
      lakeMs: unixMs(Math.max(one.lakeMs, newest?.lakeMs ?? one.lakeMs)),
    }
  }
  return newest
}

const configuredAtMs = (facts: ReadinessFacts, stream: ReadyStream): UnixMs | undefined =>
  facts.fold.config.streams.find(({ name }) => name === stream.name)?.sinceMs

/** Start of the partition in which a stream without any row begins. */
function firstRowlessMs(facts: ReadinessFacts, stream: ReadyStream): UnixMs | undefined {
  const beginMs = startOfRowless(facts, stream)
  if (beginMs === undefined) return undefined
  return calendarOf(stream.scheme).partitionAt(beginMs).startMs
}

/**
 * Where a stream without any row begins: with its first event, or the first rows that other streams
 * of its topics have, but not before the stream itself was configured if those were read before;
 * without either at the time it was configured.
 */
function startOfRowless(facts: ReadinessFacts, stream: ReadyStream): UnixMs | undefined {
  const sinceMs = configuredAtMs(facts, stream)
  const firstMs = firstEventsMs(facts, stream)
  if (firstMs === undefined || sinceMs === undefined) return firstMs ?? sinceMs
  return isOlderThan(facts, stream, sinceMs) && firstMs < sinceMs ? sinceMs : firstMs
}

/** True when a topic of the stream was read before the stream was configured. */
function isOlderThan(facts: ReadinessFacts, stream: ReadyStream, sinceMs: UnixMs): boolean {
  return streamViewsOf(facts, stream).committed.some(
    ({ position }) => position !== undefined && position.sinceMs < sinceMs,
  )
}

/** Start of the first partition that has events of this stream, or rows of one on its topics. */
function firstEventsMs(facts: ReadinessFacts, stream: ReadyStream): UnixMs | undefined {
  let firstMs: UnixMs | undefined
  for (const [name, folded] of facts.fold.streams) {
    const own = name === stream.name
    if (!own && !sharesTopic(folded, stream)) continue
    const closedMs = folded.closed?.firstMs
    if (closedMs !== undefined && (firstMs === undefined || closedMs < firstMs)) firstMs = closedMs
    for (const { partition, files } of folded.partitions.values()) {
      if (!own && files.length === 0) continue
      if (firstMs === undefined || partition.startMs < firstMs) firstMs = partition.startMs
    }
  }
  return firstMs
}

function sharesTopic(folded: FoldedStream, stream: ReadyStream): boolean {
  for (const { source } of folded.progress.values()) {
    if (selectsTopic(stream.topics, source.topic)) return true
  }
  return false
}
