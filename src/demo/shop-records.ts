/**
 * Puts shop events into Kafka records: the envelope, now and then a batch or a compressed payload,
 * and in known numbers events that nobody can decode.
 *
 * Encoding is protobufjs', so that what lakeward decodes was written by somebody else.
 */
import { zstdCompressSync } from 'node:zlib'
import protobuf from 'protobufjs'
import { present } from '../base/assert.ts'
import { unknownStream } from '../model/counts.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import { partitionAt } from '../protocol/calendar.ts'
import type { Chance } from './chance.ts'
import type { Meant } from './ledger.ts'
import type { ShopEvent, ShopStream } from './shop-world.ts'

export const shopTopic = 'shop.events'
export const shopPartitionCount = 4

const hours = { by: 'hour', timezone: 'UTC' } as const
const messageOf: Record<ShopStream, string> = {
  page_views: 'shop.PageView',
  sessions: 'shop.Session',
  purchases: 'shop.Purchase',
}
const brokenShare = 0.002
const unreadableShare = 0.000_5
const compressedShare = 0.05
const batchedShare = 0.02

export interface ShopRecord {
  readonly partition: number
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly timestampMs: number
  /** What each event of the record is meant to become. */
  readonly meant: readonly { stream: string; hour: LakePartition; meant: Meant }[]
}

interface Envelope {
  readonly stream: string
  readonly eventTimeMs: number
  readonly eventId: Uint8Array
  readonly payload: Uint8Array
  readonly compression?: number
  readonly batched?: boolean
  readonly eventCount?: number
}

export class ShopRecords {
  readonly #chance: Chance
  readonly #shop: protobuf.Root
  readonly #rawEvent: protobuf.Type
  readonly #batch: protobuf.Type
  /**
   * Of whom nothing undecodable was made yet. The first event of each is made so whatever chance
   * says: also a run of a few minutes of event time leaves dead letters of every kind.
   */
  readonly #owed = new Set<string>([unknownStream, ...Object.keys(messageOf)])

  /** @param protos source text of proto/shop.proto and proto/raw_event.proto. */
  constructor(chance: Chance, protos: { shop: string; rawEvent: string }) {
    this.#chance = chance
    this.#shop = protobuf.parse(protos.shop).root
    const envelopes = protobuf.parse(protos.rawEvent).root
    this.#rawEvent = envelopes.lookupType('lakeward.v1.RawEvent')
    this.#batch = envelopes.lookupType('lakeward.v1.PbEventBatch')
  }

  /** Records of events, in the order given; each topic-partition keeps that order. */
  recordsOf(events: readonly ShopEvent[]): readonly ShopRecord[] {
    const records: ShopRecord[] = []
    for (let at = 0; at < events.length; ) {
      const event = present(events[at], 'an event of the slice')
      const count = this.#chance.happens(batchedShare) ? runOf(events, at) : 1
      records.push(count > 1 ? this.#batched(events.slice(at, at + count)) : this.#single(event))
      at += count
    }
    return records
  }

  /** An event of an hour that was announced already. */
  lateRecord(event: ShopEvent): ShopRecord {
    const payload = this.#payloadOf(event)
    return this.#record(event, this.#envelope(event, payload), [meantOf(event, 'late')])
  }

  #single(event: ShopEvent): ShopRecord {
    const chance = this.#chance
    const payload = this.#payloadOf(event)
    const unreadable = chance.happens(unreadableShare)
    if (this.#owed.delete(unknownStream) || unreadable) return this.#unreadable(event)
    const broken = chance.happens(brokenShare)
    if (this.#owed.delete(event.stream) || broken) {
      const cut = payload.subarray(0, payload.length - 1)
      return this.#record(event, this.#envelope(event, cut), [meantOf(event, 'broken')])
    }
    const meant = [meantOf(event, isFiltered(event) ? 'filtered' : 'valid')]
    if (!chance.happens(compressedShare)) {
      return this.#record(event, this.#envelope(event, payload), meant)
    }
    const compressed = { payload: zstdCompressSync(payload), compression: 2 }
    return this.#record(event, { ...this.#envelope(event, payload), ...compressed }, meant)
  }

  #batched(events: readonly ShopEvent[]): ShopRecord {
    const first = present(events[0], 'a batch has events')
    const entries = events.map((event) => ({
      eventTimeMs: event.eventTimeMs,
      eventId: this.#eventId(),
      payload: this.#payloadOf(event),
    }))
    const payload = this.#batch.encode(this.#batch.fromObject({ events: entries })).finish()
    const compressed = { payload: zstdCompressSync(payload), compression: 2 }
    const batch = { batched: true, eventCount: events.length }
    const envelope = { ...this.#envelope(first, payload), ...compressed, ...batch }
    const meant = events.map((event) => meantOf(event, isFiltered(event) ? 'filtered' : 'valid'))
    return this.#record(first, envelope, meant)
  }

  /** A record that is no envelope at all: nobody can say whose it was. */
  #unreadable(event: ShopEvent): ShopRecord {
    const hour = partitionAt(event.eventTimeMs, hours)
    return {
      partition: partitionOf(event),
      key: keyOf(event),
      value: new TextEncoder().encode('GET /favicon.ico HTTP/1.1'),
      timestampMs: event.eventTimeMs,
      meant: [{ stream: unknownStream, hour, meant: 'broken' }],
    }
  }

  #record(event: ShopEvent, envelope: Envelope, meant: ShopRecord['meant']): ShopRecord {
    const value = this.#rawEvent.encode(this.#rawEvent.fromObject(envelope)).finish()
    const timestampMs = event.eventTimeMs
    return { partition: partitionOf(event), key: keyOf(event), value, timestampMs, meant }
  }

  #envelope({ stream, eventTimeMs }: ShopEvent, payload: Uint8Array): Envelope {
    return { stream, eventTimeMs, eventId: this.#eventId(), payload }
  }

  #payloadOf({ stream, body }: ShopEvent): Uint8Array {
    const type = this.#shop.lookupType(messageOf[stream])
    return type.encode(type.fromObject(body)).finish()
  }

  #eventId(): Uint8Array {
    return Buffer.from(this.#chance.hex(32), 'hex')
  }
}

const partitionOf = ({ userId }: ShopEvent): number => userId % shopPartitionCount
const keyOf = ({ userId }: ShopEvent): Uint8Array => new TextEncoder().encode(String(userId))

const isFiltered = ({ stream, body }: ShopEvent): boolean =>
  stream === 'page_views' && body['country'] === ''

const meantOf = ({ stream, eventTimeMs }: ShopEvent, meant: Meant) => ({
  stream,
  hour: partitionAt(eventTimeMs, hours),
  meant,
})

const batchEventsMax = 20

/** How many events from `at` on may share a record: same stream, same visitor's partition. */
function runOf(events: readonly ShopEvent[], at: number): number {
  const first = present(events[at], 'an event of the slice')
  let next = at + 1
  while (next < events.length && next - at < batchEventsMax) {
    const event = events[next]
    if (event?.stream !== first.stream || partitionOf(event) !== partitionOf(first)) break
    next += 1
  }
  return next - at
}
