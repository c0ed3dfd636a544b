/**
 * Topic-partitions of one stream go through event time side by side: what is further ahead of the
 * slowest than `alignment.maxSkew` is not read until the slowest has come near again.
 *
 * Invariants:
 * - the slowest of each stream is read, whatever another stream on its topics says: so every stream
 *   comes forward, and no two of them hold each other up;
 * - only what this process reads is compared: nobody waits for a process that may be dead;
 * - one that brings nothing holds nobody for ever: it is left out once its leader's end, asked
 *   `ready.idle` after its last rows, is committed, and until rows come again;
 * - what has brought no rows of a stream is neither slow nor ahead in it.
 *
 * Source: docs/adr/0031-watermark-alignment.md.
 */

import type { DurationMs } from '../base/time.ts'
import { isoOf, later, type UnixMs, unixMs } from '../base/time.ts'
import { formatDuration } from '../base/units.ts'
import type { NextOffset } from '../model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../model/topic-partition.ts'
import { selectsTopic } from '../model/topic-selection.ts'
import type { Telemetry } from '../ports/telemetry.ts'

/** A stream that wants its topic-partitions side by side. */
export interface AlignedStream {
  readonly name: string
  readonly topics: readonly string[]
  readonly maxSkewMs: DurationMs
  /** `ready.idle`. */
  readonly idleMs: DurationMs
  /** Its place in the table of positions. */
  readonly index: number
}

/** How far a stream is on a topic-partition that brought rows of it. */
export interface AlignedPart {
  readonly key: SourceKey
  /** Highest event time of its rows. */
  readonly eventMs: number
  /** It is known to have nothing more, or is read by nobody until an operator says so. */
  readonly leftOut: boolean
  /** It is paused for being ahead, by this decision before. */
  readonly paused: boolean
}

export interface StreamAlignment {
  /** Of those that count; undefined where none does. */
  readonly slowestMs: number | undefined
  readonly slowest: ReadonlySet<SourceKey>
  readonly ahead: ReadonlySet<SourceKey>
}

/** Of the skew: so near the slowest must have come before who was ahead is read again. */
const readAgainShare = 1 / 2

/** Who is too far ahead in one stream. Pure. */
export function decideAhead(maxSkewMs: number, parts: readonly AlignedPart[]): StreamAlignment {
  const counting = parts.filter(({ leftOut }) => !leftOut)
  const slowestMs = counting.reduce((low, { eventMs }) => Math.min(low, eventMs), Infinity)
  if (counting.length === 0) return { slowestMs: undefined, slowest: new Set(), ahead: new Set() }
  const slowest = new Set(counting.flatMap((at) => (at.eventMs === slowestMs ? [at.key] : [])))
  const ahead = new Set<SourceKey>()
  for (const { key, eventMs, paused } of parts) {
    const skewMs = paused ? maxSkewMs * readAgainShare : maxSkewMs
    if (eventMs - slowestMs > skewMs) ahead.add(key)
  }
  return { slowestMs, slowest, ahead }
}

/** What the log says of a leader's end and of what is committed below it. */
export interface CommittedEnd {
  readonly next: NextOffset | undefined
  readonly evidence: { readonly highWatermark: NextOffset; readonly askedAtMs: UnixMs } | undefined
}

export interface AlignmentParts {
  readonly aligned: readonly AlignedStream[]
  /** What is read, paused or not. */
  readonly sources: () => readonly SourcePartition[]
  /** Highest event time since the last seal, NaN for none; by the stream's place. */
  readonly eventMsMax: (source: SourcePartition) => Float64Array
  /** Another object for each time that a topic-partition was assigned. */
  readonly tenureOf: (source: SourcePartition) => object | undefined
  readonly committedEnd: (source: SourcePartition) => CommittedEnd
  readonly lakeNowMs: () => UnixMs
  /** These have stopped for another reason. */
  readonly isRefused: (source: SourcePartition) => boolean
  readonly pause: (sources: readonly SourcePartition[]) => void
  /** Called for what is not ahead any more; whether something else keeps it, others know. */
  readonly resume: (sources: readonly SourcePartition[]) => void
  readonly telemetry: Telemetry
}

/** What was seen of a stream on a topic-partition since it was assigned. */
interface Seen {
  eventMs: number
  /** Lake's clock when rows of it were seen last. */
  rowsAtMs: UnixMs
}

interface Paused {
  readonly source: SourcePartition
  readonly reason: string
}

export class Alignment {
  readonly #parts: AlignmentParts
  /** By tenure, then by the place in `aligned`. */
  readonly #seen = new WeakMap<object, (Seen | undefined)[]>()
  readonly #onTopic = new Map<string, readonly AlignedStream[]>()
  #paused: ReadonlyMap<SourceKey, Paused> = new Map()
  #holding: readonly SourcePartition[] = []

  constructor(parts: AlignmentParts) {
    this.#parts = parts
  }

  isPaused(source: SourcePartition): boolean {
    return this.#paused.size > 0 && this.#paused.has(sourceKey(source))
  }

  /** Why topic-partitions are paused, by their names. */
  reasons(): ReadonlyMap<string, string> {
    const paused = [...this.#paused.values()]
    return new Map(paused.map(({ source, reason }) => [topicPartitionName(source), reason]))
  }

  /** Others wait for these, and they have been quiet: their leaders are to be asked for ends. */
  get questions(): readonly SourcePartition[] {
    return this.#holding
  }

  /** These are not ours any more. */
  forget(sources: readonly SourcePartition[]): void {
    const gone = new Set(sources.map(sourceKey))
    this.#paused = new Map([...this.#paused].filter(([key]) => !gone.has(key)))
    // Only its reader asks for an end: the answer is a sign of one.
    this.#holding = this.#holding.filter((at) => !gone.has(sourceKey(at)))
  }

  /** Takes in what was read since the last call, before it is sealed; pauses and resumes. */
  adjust(): void {
    const { aligned, pause, resume, telemetry } = this.#parts
    if (aligned.length === 0) return
    const sources = this.#parts.sources()
    for (const source of sources) this.#see(source)
    const before = this.#paused
    const now = this.#decide(sources)
    this.#paused = now
    const paused = [...now].filter(([key]) => !before.has(key)).map(([, { source }]) => source)
    const resumed = [...before].filter(([key]) => !now.has(key)).map(([, { source }]) => source)
    if (paused.length > 0) pause(paused)
    if (resumed.length > 0) resume(resumed)
    const named = (some: readonly SourcePartition[]) => some.map(topicPartitionName)
    if (paused.length > 0) telemetry.log.info('paused ahead', { topicPartitions: named(paused) })
    if (resumed.length > 0) telemetry.log.info('no more ahead', { topicPartitions: named(resumed) })
  }

  #see(source: SourcePartition): void {
    const { aligned, tenureOf, eventMsMax, lakeNowMs } = this.#parts
    const tenure = tenureOf(source)
    if (tenure === undefined) return
    const maxima = eventMsMax(source)
    const seen = this.#seen.get(tenure) ?? aligned.map(() => undefined)
    this.#seen.set(tenure, seen)
    for (const [at, { index }] of aligned.entries()) {
      const eventMs = maxima[index] ?? Number.NaN
      if (Number.isNaN(eventMs)) continue
      const known = seen[at]
      const rowsAtMs = lakeNowMs()
      if (known === undefined) seen[at] = { eventMs, rowsAtMs }
      else Object.assign(known, { eventMs: Math.max(known.eventMs, eventMs), rowsAtMs })
    }
  }

  #decide(sources: readonly SourcePartition[]): ReadonlyMap<SourceKey, Paused> {
    const { aligned } = this.#parts
    const paused = new Map<SourceKey, Paused>()
    const needed = new Set<SourceKey>()
    const quiet = new Map<SourceKey, SourcePartition>()
    for (const [at, stream] of aligned.entries()) {
      const views = sources.flatMap((source) => this.#viewOf(source, at, stream))
      const { slowestMs, slowest, ahead } = decideAhead(stream.maxSkewMs, views)
      for (const key of slowest) needed.add(key)
      for (const { key, source, eventMs, quietForIdle } of views) {
        if (ahead.size > 0 && slowest.has(key) && quietForIdle) quiet.set(key, source)
        if (!ahead.has(key) || slowestMs === undefined) continue
        paused.set(key, { source, reason: reasonOf(stream, eventMs, slowestMs) })
      }
      this.#gauge(stream, views, { slowestMs, aheadCount: ahead.size })
    }
    for (const key of needed) paused.delete(key)
    this.#holding = [...quiet.values()]
    return paused
  }

  #viewOf(source: SourcePartition, at: number, stream: AlignedStream): readonly AlignedView[] {
    const { tenureOf, committedEnd, isRefused, lakeNowMs } = this.#parts
    const tenure = tenureOf(source)
    const seen = tenure && this.#seen.get(tenure)?.[at]
    if (seen === undefined || !this.#streamsOn(source.topic).includes(stream)) return []
    const key = sourceKey(source)
    const idleFromMs = later(seen.rowsAtMs, stream.idleMs)
    const { next, evidence } = committedEnd(source)
    const proven =
      evidence !== undefined &&
      next !== undefined &&
      next >= evidence.highWatermark &&
      evidence.askedAtMs >= idleFromMs
    const leftOut = proven || isRefused(source)
    const { eventMs } = seen
    const quietForIdle = lakeNowMs() >= idleFromMs
    return [{ key, source, eventMs, leftOut, paused: this.#paused.has(key), quietForIdle }]
  }

  #streamsOn(topic: string): readonly AlignedStream[] {
    const known = this.#onTopic.get(topic)
    if (known !== undefined) return known
    const on = this.#parts.aligned.filter(({ topics }) => selectsTopic(topics, topic))
    this.#onTopic.set(topic, on)
    return on
  }

  #gauge(
    { name }: AlignedStream,
    views: readonly AlignedView[],
    found: { readonly slowestMs: number | undefined; readonly aheadCount: number },
  ): void {
    const { metrics } = this.#parts.telemetry
    const labels = { stream: name }
    const fastestMs = views.reduce((high, { eventMs }) => Math.max(high, eventMs), -Infinity)
    const skewMs = found.slowestMs === undefined ? 0 : fastestMs - found.slowestMs
    metrics.gauge('lakeward_event_skew_seconds', Math.max(0, skewMs) / 1_000, labels)
    metrics.gauge('lakeward_alignment_paused', found.aheadCount, labels)
  }
}

interface AlignedView extends AlignedPart {
  readonly source: SourcePartition
  readonly quietForIdle: boolean
}

const reasonOf = (stream: AlignedStream, eventMs: number, slowestMs: number): string =>
  `its event time is at ${isoOf(unixMs(eventMs))}, the slowest of stream "${stream.name}" at ` +
  `${isoOf(unixMs(slowestMs))}, and alignment.maxSkew is ${formatDuration(stream.maxSkewMs)}`
