/**
 * Event time ↔ partitions of the lake: which hour or day of which zone an event belongs to.
 *
 * Invariants:
 * - partitions of one scheme tile time: each ends where the next begins, none overlaps another;
 * - each path names one partition. An hour that a zone goes through twice (the clock is set back)
 *   is one partition that ends at its second end; what lies between its two runs belongs to it too
 *   (St John's went back at 00:01, so 23h, one minute of 00h, 23h again: all of it is 23h);
 * - an hour or day that a zone skips (the clock is set forward) never exists.
 *
 * Sample: Europe/Berlin 2026-10-25 goes back from 03:00 to 02:00, so "dt=2026-10-25/hour=02" is
 * `[2026-10-25T00:00Z, 2026-10-25T02:00Z)`, two hours long.
 *
 * How: the zone's wall clock is a number too, "as if it were UTC". A partition's label is its start
 * on the wall clock. `boundaryMs(W)` is the moment from which on the wall never again shows less
 * than W, so the partition of label L is `[boundaryMs(L), boundaryMs(L + span))`.
 *
 * Source: the zone database that `Intl` carries.
 */
import { assert } from '../base/assert.ts'
import { type UnixMs, unixMs } from '../base/time.ts'
import { type LakePartition, type PartitionScheme, partitionPath } from '../model/lake-partition.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** No zone was ever further from UTC than this; wall and UTC differ by less. */
const zoneOffsetMaxMs = 16 * hourMs

/** No clock was ever set back further than this (Alaska in 1867 had one date twice). */
const setBackMaxMs = 25 * hourMs

/** Zones do not change their offset and change it back within this span. */
const probeMs = 4 * hourMs

/** Years have four digits: times outside are put into the first or the last partition. */
export const calendarFirstMs = unixMs(Date.UTC(1000, 0, 3))
export const calendarLastMs = unixMs(Date.UTC(9999, 11, 29))

const partitionsKeptMax = 4_096

/** Span of wall time that one partition covers. */
export const schemeSpanMs = (scheme: PartitionScheme): number =>
  scheme.by === 'hour' ? hourMs : dayMs

/** True when `timezone` is an IANA name that this machine knows. */
export function timezoneKnown(timezone: string): boolean {
  try {
    wallFormat(timezone)
    return true
  } catch {
    return false
  }
}

function wallFormat(timezone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
}

/** What a zone's clock on the wall shows. */
class WallClock {
  /** Undefined for UTC, whose offset need not be asked for. */
  readonly #format: Intl.DateTimeFormat | undefined

  constructor(timezone: string) {
    this.#format = timezone === 'UTC' ? undefined : wallFormat(timezone)
  }

  /** Wall minus UTC at a moment, whole seconds. */
  offsetMs(atMs: number): number {
    if (this.#format === undefined) return 0
    const second = Math.floor(atMs / 1_000) * 1_000
    const part: Partial<Record<Intl.DateTimeFormatPartTypes, number>> = {}
    for (const { type, value } of this.#format.formatToParts(second)) part[type] = Number(value)
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second: seconds = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, seconds) - second
  }

  /** Spans of one offset that cover `[firstMs, nextMs)`, in order, with no gap. */
  segments(firstMs: number, nextMs: number): Segment[] {
    const found: Segment[] = []
    let startMs = firstMs
    let offsetMs = this.offsetMs(firstMs)
    for (let low = firstMs; low < nextMs; low += probeMs) {
      const high = Math.min(low + probeMs, nextMs)
      const highOffsetMs = this.offsetMs(high)
      if (highOffsetMs === offsetMs) continue
      const changeMs = this.#changeIn(low, high)
      found.push({ startMs, nextMs: changeMs, offsetMs })
      startMs = changeMs
      offsetMs = highOffsetMs
    }
    found.push({ startMs, nextMs, offsetMs })
    return found
  }

  /** The moment in `(low, high]` from which on the offset is that of `high`. */
  #changeIn(low: number, high: number): number {
    const after = this.offsetMs(high)
    let before = low
    let at = high
    while (at - before > 1) {
      const middle = Math.floor((before + at) / 2)
      if (this.offsetMs(middle) === after) at = middle
      else before = middle
    }
    return at
  }
}

/** Within `[startMs, nextMs)` the wall shows UTC plus `offsetMs`. */
interface Segment {
  readonly startMs: number
  readonly nextMs: number
  readonly offsetMs: number
}

/** The moment from which on the wall never again shows less than `wallMs`. */
function boundaryMs(clock: WallClock, wallMs: number): number {
  let boundary = wallMs - zoneOffsetMaxMs
  for (const segment of clock.segments(wallMs - zoneOffsetMaxMs, wallMs + zoneOffsetMaxMs)) {
    const reachedMs = Math.min(segment.nextMs, wallMs - segment.offsetMs)
    if (reachedMs > segment.startMs) boundary = reachedMs
  }
  return boundary
}

/** The lowest time the wall shows at `atMs` or after. */
function wallFloorMs(clock: WallClock, atMs: number): number {
  const shown = clock
    .segments(atMs, atMs + setBackMaxMs)
    .map((segment) => segment.startMs + segment.offsetMs)
  return Math.min(...shown)
}

/** "dt=2026-11-20/hour=13", from a label. */
function pathOf(labelMs: number, by: PartitionScheme['by']): string {
  const text = new Date(labelMs).toISOString()
  const day = `dt=${text.slice(0, 10)}`
  return by === 'day' ? day : `${day}/hour=${text.slice(11, 13)}`
}

/**
 * The calendar of one scheme, for one thread of work that asks again and again.
 *
 * Events come roughly in order: asking for a time of the same partition as before costs one
 * comparison, another known partition a look into a map, an unknown one some 100 µs.
 */
export class PartitionCalendar {
  readonly scheme: PartitionScheme
  readonly #clock: WallClock
  readonly #byQuarterHour = new Map<number, LakePartition>()
  #latest: LakePartition

  /** @throws {RangeError} the zone is unknown: configuration asks `timezoneKnown` before. */
  constructor(scheme: PartitionScheme) {
    this.scheme = scheme
    this.#clock = new WallClock(scheme.timezone)
    this.#latest = this.#compute(0)
  }

  /** The partition that an event of this time belongs to. */
  partitionAt(eventMs: UnixMs): LakePartition {
    const latest = this.#latest
    if (latest.startMs <= eventMs && eventMs < latest.nextMs) return latest
    this.#latest = this.#lookUp(eventMs)
    return this.#latest
  }

  /** The next one in the calendar. */
  partitionAfter(partition: LakePartition): LakePartition {
    return this.partitionAt(partition.nextMs)
  }

  /** The partition whose wall clock begins at this label, or undefined where the zone skips it. */
  partitionOfLabel(labelMs: number): LakePartition | undefined {
    const partition = this.partitionAt(unixMs(boundaryMs(this.#clock, labelMs)))
    return partition.path === pathOf(labelMs, this.scheme.by) ? partition : undefined
  }

  #lookUp(eventMs: UnixMs): LakePartition {
    assert(!Number.isNaN(eventMs), 'an event time is a number')
    const atMs = Math.min(Math.max(eventMs, calendarFirstMs), calendarLastMs)
    const quarterHour = Math.floor(atMs / (15 * minuteMs))
    const known = this.#byQuarterHour.get(quarterHour)
    if (known !== undefined && known.startMs <= atMs && atMs < known.nextMs) return known
    const partition = this.#compute(atMs)
    if (this.#byQuarterHour.size >= partitionsKeptMax) this.#byQuarterHour.clear()
    this.#byQuarterHour.set(quarterHour, partition)
    return partition
  }

  #compute(atMs: number): LakePartition {
    const spanMs = schemeSpanMs(this.scheme)
    const labelMs = Math.floor(wallFloorMs(this.#clock, atMs) / spanMs) * spanMs
    return {
      path: partitionPath(pathOf(labelMs, this.scheme.by)),
      startMs: unixMs(boundaryMs(this.#clock, labelMs)),
      nextMs: unixMs(boundaryMs(this.#clock, labelMs + spanMs)),
    }
  }
}

const calendars = new Map<string, PartitionCalendar>()

/** The calendar of a scheme; the same object each time. Schemes are few: they are configured. */
export function calendarOf(scheme: PartitionScheme): PartitionCalendar {
  const key = `${scheme.by} ${scheme.timezone}`
  const known = calendars.get(key)
  if (known !== undefined) return known
  const calendar = new PartitionCalendar(scheme)
  calendars.set(key, calendar)
  return calendar
}

/**
 * The partition that an event of this time belongs to. Times outside the years 1000 to 9999 count
 * to the first or last partition of those.
 */
export const partitionAt = (eventMs: UnixMs, scheme: PartitionScheme): LakePartition =>
  calendarOf(scheme).partitionAt(eventMs)

/** The next partition in the calendar, whether it has rows or not. */
export const partitionAfter = (partition: LakePartition, scheme: PartitionScheme): LakePartition =>
  calendarOf(scheme).partitionAfter(partition)
