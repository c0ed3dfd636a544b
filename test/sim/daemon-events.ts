/** Numbered events of two streams in one topic, and what must become of each. */
import { assert, present } from '../../src/base/assert.ts'
import { type UnixMs, unixMs } from '../../src/base/time.ts'
import { encodeBatch, encodeRawEvent, utf8, varintField } from '../support/raw-events.ts'
import type { TestBatch } from '../support/record-batch.ts'
import type { SimClock } from './clock.ts'
import type { FaultKind, Pace } from './plan.ts'
import type { SimRandom } from './random.ts'
import type { SimKafka } from './source.ts'

export const topic = 'events'
export const streams = ['even', 'odd'] as const

/** Allowed out-of-orderness, as the streams are configured where events go at that pace. */
export const outOfOrdernessOf = (pace: Pace): number => (pace === 'fast' ? 5 * 60_000 : 5_000)
export const hourly = { by: 'hour', timezone: 'UTC' } as const
/** What a stray file holds. */
export const strayBody = Buffer.from('of nobody')
/** What a file of another pipeline holds. */
export const foreignBody = Buffer.from('of somebody else')
/** The lake's clock is behind the world's. */
export const lakeBehindMs = 600_000

/** `fine` and `filtered` ones may come too late; `broken` and `unknown` are dead letters always. */
type EventKind = 'fine' | 'filtered' | 'broken' | 'unknown'

export interface ProducedEvent {
  readonly n: number
  readonly kind: EventKind
  readonly stream: string
  readonly partition: number
  readonly offset: bigint
  /** Position within its record. */
  readonly index: number
  readonly eventMs: UnixMs
  /** When it was appended. */
  readonly atMs: UnixMs
}

/** What producers do of the world's faults. */
export interface ProducerHabits {
  readonly partitionCount: () => number
  readonly pace: Pace
  /** Event time leaps forward by so much after the first events, where its pace is fast. */
  readonly leapMs: number
  /** Called each time such a fault may happen. */
  readonly strikes: (kind: FaultKind, probability: number) => boolean
}

/** Message `test.Number` of `test/support/numbers.ts`. */
export const schema = `syntax = "proto3";
package test;
message Number { int64 n = 1; string text = 2; }
`

const hourMs = 3_600_000
/** Event time goes so much faster than the clock: hours end while minutes pass. */
const eventSpeed = 240
const behindMs = 10 * hourMs
const leapsAfter = 8
/** Clocks of producers are that much ahead of the lake's, where the pace is live. */
const aheadMsMax = 12_000
const lateMsMax = { fast: 3 * hourMs, live: 60_000 } as const

type Draft = Pick<ProducedEvent, 'n' | 'kind' | 'stream' | 'eventMs'>

interface ProducedRecord {
  readonly value: Uint8Array
  readonly drafts: readonly Draft[]
}

export class Producer {
  readonly events: ProducedEvent[] = []
  readonly #kafka: SimKafka
  readonly #clock: SimClock
  readonly #random: SimRandom
  readonly #habits: ProducerHabits
  readonly #startMs: number
  #next = 0

  constructor(kafka: SimKafka, clock: SimClock, random: SimRandom, habits: ProducerHabits) {
    this.#habits = habits
    this.#kafka = kafka
    this.#clock = clock
    this.#random = random
    this.#startMs = clock.nowMs()
  }

  /** Appends one batch of a few records to one partition. */
  produce(): void {
    const partition = this.#partition()
    const records = Array.from({ length: 1 + this.#random.below(4) }, () => this.#record())
    if (this.#habits.strikes('aborted-transactions', 0.15)) return this.#abort(partition, records)
    this.#append(partition, this.#random.fraction() < 0.3 ? 'zstd' : 'none', records)
  }

  #append(partition: number, codec: 'zstd' | 'none', records: readonly ProducedRecord[]): void {
    const first = this.#kafka.append(
      { topic, partition },
      { codec, records: records.map(({ value }) => ({ value, timestampMs: this.#nowMs() })) },
    )
    for (const [at, { drafts }] of records.entries()) {
      for (const [index, draft] of drafts.entries()) {
        const offset = BigInt(first) + BigInt(at)
        this.events.push({ ...draft, partition, offset, index, atMs: this.#clock.nowMs() })
      }
    }
  }

  /** Appends one record to one partition. */
  produceOne(partition: number): void {
    this.#append(partition, 'none', [this.#record()])
  }

  /** Appends one event of a partition of the lake. @param folder `<stream>/dt=<date>/hour=<hh>`. */
  produceInto(folder: string): void {
    const [, stream, date, hour] = /^(\w+)\/dt=([\d-]+)\/hour=(\d+)$/.exec(folder) ?? []
    assert(stream !== undefined, `"${folder}" is the folder of a stream's hour`)
    const startMs = Date.parse(`${date}T${hour}:00:00Z`)
    const eventMs = unixMs(startMs + this.#random.below(hourMs))
    const draft: Draft = { n: this.#next++, kind: 'fine', stream, eventMs }
    this.#append(this.#partition(), 'none', [{ value: envelopeOf(draft), drafts: [draft] }])
  }

  /** Every other one is quiet for good where that is a fault of this world. */
  #partition(): number {
    const partition = this.#random.below(this.#habits.partitionCount())
    return partition % 2 === 1 && this.#habits.strikes('quiet-partition', 1) ? 0 : partition
  }

  /** Records that were never committed: nobody may find them. */
  #abort(partition: number, records: readonly { readonly value: Uint8Array }[]): void {
    this.#kafka.appendAborted({ topic, partition }, this.abortedBatch(records))
  }

  abortedBatch(
    records: readonly { readonly value: Uint8Array }[] = [{ value: utf8('of nobody') }],
  ): Omit<TestBatch, 'baseOffset'> {
    const timestampMs = this.#nowMs()
    return { codec: 'none', records: records.map(({ value }) => ({ value, timestampMs })) }
  }

  #record(): ProducedRecord {
    const isBatched = this.#random.fraction() < 0.15
    const stream = present(streams[this.#random.below(2)], 'a stream')
    if (!isBatched) {
      const draft = this.#draft(stream)
      return { value: envelopeOf(draft), drafts: [draft] }
    }
    const drafts = Array.from({ length: 1 + this.#random.below(3) }, () => this.#draft(stream)).map(
      (draft) => ({ ...draft, stream, kind: draft.kind === 'unknown' ? 'fine' : draft.kind }),
    )
    const events = drafts.map((draft) => ({
      event_time_ms: draft.eventMs,
      payload: payloadOf(draft),
    }))
    const payload = encodeBatch(events)
    return { value: encodeRawEvent({ stream, batched: true, payload }), drafts }
  }

  #draft(stream: string): Draft {
    const n = this.#next++
    const chance = this.#random.fraction()
    const eventMs = this.#eventMs()
    if (chance < 0.05) return { n, kind: 'unknown', stream: '_unknown', eventMs }
    const kind = chance < 0.12 ? 'broken' : chance < 0.22 ? 'filtered' : 'fine'
    return { n, kind, stream, eventMs }
  }

  /** Mostly a little out of order, sometimes far behind. */
  #eventMs(): UnixMs {
    const { pace, strikes } = this.#habits
    const isLate = strikes('late-records', 0.25)
    const isNear = this.#random.fraction() < 0.5
    const late = isLate ? this.#random.below(lateMsMax[pace] / (isNear ? 4 : 1)) : 0
    const jitterMs = this.#random.below(outOfOrdernessOf(pace))
    return unixMs(this.#newestMs(pace) - jitterMs - late)
  }

  #newestMs(pace: Pace): number {
    const nowMs = this.#clock.nowMs()
    if (pace === 'live') return nowMs - lakeBehindMs + this.#random.below(aheadMsMax)
    const leapMs = this.#next > leapsAfter ? this.#habits.leapMs : 0
    const fastMs = this.#startMs - behindMs + (nowMs - this.#startMs) * eventSpeed + leapMs
    // A world that lives for long comes up with the lake's clock, and no event is of its future.
    return Math.min(fastMs, nowMs - lakeBehindMs)
  }

  #nowMs(): number {
    return this.#clock.nowMs()
  }
}

function envelopeOf(draft: Draft): Uint8Array {
  const stream = draft.kind === 'unknown' ? 'nobody' : draft.stream
  return encodeRawEvent({ stream, event_time_ms: draft.eventMs, payload: payloadOf(draft) })
}

function payloadOf({ n, kind }: Draft): Uint8Array {
  if (kind === 'broken') return Uint8Array.from([18, 200, 1])
  const text = utf8(kind === 'filtered' ? 'skip' : `number ${n}`)
  return new Uint8Array(
    Buffer.concat([varintField(1, BigInt(n)), Uint8Array.from([18, text.length]), text]),
  )
}
