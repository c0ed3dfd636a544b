/**
 * Which topic-partitions have not passed a partition's end, and by which rule each holds it back.
 *
 * Asked of each topic-partition of each stream at each decision: what streams share is judged once,
 * and what they do not is compared by numbers that lie beside each other.
 */
import { present } from '../base/assert.ts'
import { later, type UnixMs, unixMs } from '../base/time.ts'
import type { NextOffset } from '../model/offset.ts'
import { topicPartitionName } from '../model/topic-partition.ts'
import {
  type CommittedSource,
  isUnread,
  type ReadinessFacts,
  type ReadyStream,
  type SourceView,
} from './readiness-facts.ts'
import type { CommittedSources, StreamViews } from './readiness-views.ts'
import { allReadAtMs, idleFromMs, isIdleBy, isPassedBy } from './watermark.ts'

/** Which rule is told when several topic-partitions block, the most telling first. */
const sourceRules = ['refused', 'unassigned', 'lagging', 'idle-without-proof', 'delay'] as const
type SourceRule = (typeof sourceRules)[number]

interface SourceBlock {
  readonly rule: SourceRule
  readonly sinceMs: UnixMs
}

interface WaitingSource extends SourceBlock {
  readonly view: SourceView
}

/**
 * Spans of silence after which a topic-partition counts as read by nobody. A reader that is stuck
 * must show itself within them: see `stuckIntervals` in evidence.ts.
 */
export const silentIntervals = 2
const silentGraceMs = 5_000

/** What is the same for all topic-partitions that one partition of a stream waits for. */
interface Asked {
  readonly stream: ReadyStream
  readonly lakeNowMs: UnixMs
  /** The partition's end, event time, exclusive. */
  readonly endMs: UnixMs
  /** The end plus delay, which the lake's time has passed. */
  readonly dueMs: UnixMs
  readonly silentMs: number
}

/** What a stream's rows say of one topic-partition. */
interface Seen {
  readonly watermarkMs: number
  readonly quietSinceMs: number
}

/**
 * The topic-partition that tells most, among those that have not passed an end.
 *
 * @param endMs of a partition, which the lake's time has passed by `ready.delay`.
 * @returns undefined where all have passed it.
 */
export function waitingSource(
  facts: ReadinessFacts,
  stream: ReadyStream,
  endMs: UnixMs,
  views: StreamViews,
): WaitingSource | undefined {
  const dueMs = later(endMs, stream.readyDelayMs)
  const { lakeNowMs } = facts
  const asked = { stream, lakeNowMs, endMs, dueMs, silentMs: silentAfterMs(facts) }
  let worst: SourceBlock | undefined
  let worstPlace = 0
  const all = signsOf(facts, views.committed)
  for (let place = 0; place < all.length; place++) {
    const signs = present(all[place], onePlace)
    const watermarkMs = present(views.seen.watermarksMs[place], onePlace)
    const rowsAtMs = present(views.seen.rowsAtMs[place], onePlace)
    const seen = { watermarkMs, quietSinceMs: quietSinceIn(rowsAtMs, signs) }
    if (hasPassed(asked, signs, seen)) continue
    const found = ruleOf(asked, signs, seen)
    if (worst !== undefined && !tellsMore(found, worst)) continue
    worst = found
    worstPlace = place
  }
  return worst && { ...worst, view: views.viewAt(worstPlace) }
}

const onePlace = 'each topic-partition has its place'

/** As `quietSinceOf` says; NaN where it is unknown. */
const quietSinceIn = (rowsAtMs: number, { reading }: SourceSigns): number =>
  Number.isNaN(rowsAtMs) && reading !== undefined ? reading.sinceMs : rowsAtMs

/** As `passageOf` says. */
function hasPassed({ stream, endMs }: Asked, { allReadMs }: SourceSigns, seen: Seen): boolean {
  if (isPassedBy(seen.watermarkMs, stream, endMs)) return true
  return allReadMs !== undefined && isIdleBy(allReadMs, stream, unixMs(seen.quietSinceMs), endMs)
}

/** By its rule; of two by one rule the older. */
function tellsMore(one: SourceBlock, other: SourceBlock): boolean {
  if (one.rule === other.rule) return one.sinceMs < other.sinceMs
  return sourceRules.indexOf(one.rule) < sourceRules.indexOf(other.rule)
}

/** Why one topic-partition has not passed. */
function ruleOf(asked: Asked, signs: SourceSigns, seen: Seen): SourceBlock {
  const { stream, lakeNowMs, endMs, dueMs, silentMs } = asked
  const { reading, isLagging } = signs
  if (signs.isRefused) return { rule: 'refused', sinceMs: reading?.movedAtMs ?? dueMs }
  if (reading === undefined) return { rule: 'unassigned', sinceMs: dueMs }
  const quietSinceMs = unixMs(seen.quietSinceMs)
  const provableMs = idleFromMs(stream, quietSinceMs, endMs)
  // A reader of what is quiet and known to be read owes no sign before the proof can be asked for.
  const signDueMs = isLagging || signs.isNeverRead ? dueMs : provableMs
  const silentFromMs = latest(reading.lastSignMs, signDueMs) + silentMs
  if (lakeNowMs > silentFromMs && !signs.isAssigned) {
    return { rule: 'unassigned', sinceMs: reading.lastSignMs }
  }
  const moving = lakeNowMs <= reading.movedAtMs + silentMs
  const within = seen.watermarkMs >= endMs
  if (within && lakeNowMs < provableMs && (moving || !isLagging)) {
    return { rule: 'delay', sinceMs: endMs }
  }
  if (isLagging) return { rule: 'lagging', sinceMs: dueMs }
  return { rule: 'idle-without-proof', sinceMs: quietSinceMs }
}

/** What the facts say of a topic-partition, whatever the stream. */
interface SourceSigns {
  readonly isRefused: boolean
  /** Records are known to be appended and not committed. */
  readonly isLagging: boolean
  readonly isNeverRead: boolean
  /** By this process. */
  readonly isAssigned: boolean
  /** As `allReadAtMs` says. */
  readonly allReadMs: UnixMs | undefined
  /** Undefined where no position is known. */
  readonly reading: SourceReading | undefined
}

interface SourceReading {
  readonly sinceMs: UnixMs
  readonly movedAtMs: UnixMs
  readonly lastSignMs: UnixMs
}

const signsKnown = new WeakMap<ReadinessFacts, Map<CommittedSources, readonly SourceSigns[]>>()

/** In their order. Remembered for one set of facts: many streams ask of the same ones. */
function signsOf(facts: ReadinessFacts, committed: CommittedSources): readonly SourceSigns[] {
  const ofFacts = signsKnown.get(facts) ?? new Map<CommittedSources, readonly SourceSigns[]>()
  signsKnown.set(facts, ofFacts)
  const known = ofFacts.get(committed)
  if (known !== undefined) return known
  const signs = committed.map((one): SourceSigns => {
    const { key, source, position, evidence } = one
    const lag = lagRecordsOf(facts, one)
    return {
      isRefused: facts.refused.has(topicPartitionName(source)),
      isLagging: lag !== undefined && lag > 0n,
      isNeverRead: isUnread(one),
      isAssigned: facts.assigned?.has(key) === true,
      allReadMs: allReadAtMs(one),
      reading: position && {
        sinceMs: position.sinceMs,
        movedAtMs: position.movedAtMs,
        lastSignMs: latest(position.movedAtMs, evidence?.askedAtMs),
      },
    }
  })
  ofFacts.set(committed, signs)
  return signs
}

const latest = (a: UnixMs, b: UnixMs | undefined): UnixMs => (b !== undefined && b > a ? b : a)

/**
 * How long a topic-partition that blocks may go without any sign in the log. Its reader would put
 * evidence or rows within one interval; the grace is for the slowness of brokers and storage, and
 * for the spread of commits around their place (`spreadMsMax` in commit-times.ts).
 */
const silentAfterMs = (facts: ReadinessFacts): number =>
  silentIntervals * facts.commitIntervalMs + silentGraceMs

/** Records known to be appended and not committed; undefined where no end is known. */
export function lagRecordsOf(
  facts: ReadinessFacts,
  { key, position, evidence }: CommittedSource,
): bigint | undefined {
  const end = endOf(facts, { key, evidence })
  if (end === undefined) return undefined
  const next = position?.next ?? 0n
  return end > next ? end - next : 0n
}

/** The highest end that a leader told; undefined where none did. */
export const endOf = (
  { ends }: Pick<ReadinessFacts, 'ends'>,
  { key, evidence }: Pick<CommittedSource, 'key' | 'evidence'>,
): NextOffset | undefined => highest(ends.get(key)?.highWatermark, evidence?.highWatermark)

const highest = (a: NextOffset | undefined, b: NextOffset | undefined): NextOffset | undefined =>
  a === undefined || (b !== undefined && b > a) ? b : a
