/** Guards against event times that cannot be: one event of the year 3021 must announce nothing. */
import { present } from '../base/assert.ts'
import { type DurationMs, type UnixMs, unixMs } from '../base/time.ts'
import { formatDuration } from '../base/units.ts'
import type { KernelInput } from '../kernel/kernel-input.ts'
import type { LetterSink } from '../model/dead-letter.ts'
import { type EventLoad, settled } from '../model/event-load.ts'
import type { PartitionScheme } from '../model/lake-partition.ts'
import { cellOfRecord, type LetterCause, letterOf } from '../protocol/letter.ts'

/** How far from the wall clock a stream's events may be; both ends are allowed. */
export interface EventTimeLimits {
  readonly futureMaxMs: DurationMs
  readonly pastMaxMs: DurationMs
}

export type EventTimeVerdict = 'fine' | 'event-time-future' | 'event-time-past'

/** Whether an event's time can be. Anything that is not a time counts as past. */
export function judgeEventTime(
  eventTimeMs: number,
  nowMs: UnixMs,
  limits: EventTimeLimits,
): EventTimeVerdict {
  if (eventTimeMs > nowMs + limits.futureMaxMs) return 'event-time-future'
  return eventTimeMs >= nowMs - limits.pastMaxMs ? 'fine' : 'event-time-past'
}

/** A stream as the guard sees it; its index is that of `EventTable.stream`. */
export interface GuardedStream {
  readonly name: string
  readonly scheme: PartitionScheme
  readonly limits: EventTimeLimits
}

/** Takes events whose time cannot be out of a load, before anybody counts by their time. */
export class EventTimeGuard {
  readonly #streams: readonly GuardedStream[]
  readonly #input: KernelInput
  readonly #letters: LetterSink

  constructor(streams: readonly GuardedStream[], input: KernelInput, letters: LetterSink) {
    this.#streams = streams
    this.#input = input
    this.#letters = letters
  }

  /**
   * Refuses events outside their stream's limits and marks them as settled.
   *
   * Their letters are counted in the hour of the Kafka timestamp: an absurd time makes no cell.
   *
   * @param first first event of the table to look at.
   */
  apply(load: EventLoad, first: number, nowMs: UnixMs): void {
    const { events } = load
    for (let event = first; event < events.count; event++) {
      const index = events.stream[event] ?? settled
      if (index === settled) continue
      const stream = present(this.#streams[index], 'an event has a configured stream')
      const verdict = judgeEventTime(events.eventTimeMs[event] ?? Number.NaN, nowMs, stream.limits)
      if (verdict !== 'fine') this.#refuse(load, event, causeOf(verdict, stream.limits))
    }
  }

  #refuse(load: EventLoad, event: number, cause: LetterCause): void {
    const { events, records } = load
    const { name, scheme } = present(
      this.#streams[events.stream[event] ?? settled],
      'a refused event has a configured stream',
    )
    const kafkaTimestampMs = records.timestampMs[events.record[event] ?? -1] ?? 0
    const partition = cellOfRecord(unixMs(kafkaTimestampMs), scheme)
    const at = { load, event, memory: this.#input.u8, stream: name, partition }
    this.#letters.refuse(letterOf(at, cause))
    events.stream[event] = settled
  }
}

function causeOf(verdict: Exclude<EventTimeVerdict, 'fine'>, limits: EventTimeLimits): LetterCause {
  const future = verdict === 'event-time-future'
  const spanMs = future ? limits.futureMaxMs : limits.pastMaxMs
  const side = future ? 'after' : 'before'
  const error = `the event time is more than ${formatDuration(spanMs)} ${side} the wall clock`
  return { step: 'event-time', reason: verdict, error }
}
