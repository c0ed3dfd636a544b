/**
 * Records to events: which stream, which time, where the payload lies. Makes no object per record;
 * what cannot be read becomes a dead letter.
 *
 * - Every record gives at least one event or one letter.
 * - A batched record is taken whole in its frame or refused whole; within the frame each event
 *   stands for itself.
 */
import { assert, present } from '../base/assert.ts'
import { inflate } from '../codec/compression/inflate.ts'
import type { InputMark, KernelInput } from '../kernel/kernel-input.ts'
import type { LetterSink } from '../model/dead-letter.ts'
import { type EventTable, growEventTable, nowhere, type RecordTable } from '../model/event-table.ts'
import { selectsTopic } from '../model/topic-selection.ts'
import type { LetterCause } from '../protocol/letter.ts'
import { Envelope } from './envelope.ts'
import {
  batchEmpty,
  batchEventMalformed,
  batchMalformed,
  batchTooLarge,
  envelopeMalformed,
  notInflated,
  textOf,
  timeNotFound,
  unknownName,
  valueMissing,
} from './envelope-causes.ts'
import { EventBatch } from './event-batch.ts'
import { FramedStreams } from './framed-streams.ts'
import type { ParsedStream } from './parsed-stream.ts'
import { Refusals, type RefusedFacts } from './refusals.ts'
import { StreamNames } from './stream-names.ts'
import { TimeReader } from './time-field.ts'
import { WriterSchemas } from './writer-schemas.ts'

/** How the records of one topic are read. */
type Route =
  | { readonly kind: 'raw-event'; readonly names: StreamNames }
  | { readonly kind: 'protobuf'; readonly stream: number }
  | { readonly kind: 'confluent-protobuf'; readonly framed: FramedStreams }

/** Largest payload after inflation. */
const inflatedBytesMax = 64 * 1_048_576
const defaultLimits: ParserLimits = { callInflatedBytesMax: 64 * 1_048_576 }
const batchEventsMax = 1_048_576

export interface ParserLimits {
  /** Inflated payloads of one call; the record that passes it is the last of the call. */
  readonly callInflatedBytesMax: number
}

interface ParserParts {
  readonly limits?: ParserLimits
  /** Of Confluent's wire format; shared with who learns them. */
  readonly schemas?: WriterSchemas
}

export class Parser {
  readonly #input: KernelInput
  readonly #refusals: Refusals
  readonly #limits: ParserLimits
  readonly #streams: readonly ParsedStream[]
  /** By stream: of those whose time is in a field. */
  readonly #times: readonly (TimeReader | undefined)[]
  readonly #schemas: WriterSchemas
  /** By topic; made when its first record comes. */
  readonly #routes = new Map<string, Route>()
  readonly #envelope = new Envelope()
  readonly #batch = new EventBatch()
  #records: RecordTable | undefined
  /** The end of the load's records, behind which inflated payloads come. */
  #mark: InputMark | undefined
  #inflatedBytes = 0

  /** @param streams every stream of a topic has the same format; a bare topic has one stream. */
  constructor(
    streams: readonly ParsedStream[],
    input: KernelInput,
    letters: LetterSink,
    { limits = defaultLimits, schemas = new WriterSchemas() }: ParserParts = {},
  ) {
    this.#input = input
    this.#limits = limits
    this.#schemas = schemas
    this.#refusals = new Refusals(streams, input, letters)
    this.#streams = streams
    this.#times = streams.map(({ timeField }) => timeField && new TimeReader(timeField))
  }

  #routeOf(topic: string): Route {
    const known = this.#routes.get(topic)
    if (known !== undefined) return known
    const route = this.#newRoute(topic)
    this.#routes.set(topic, route)
    return route
  }

  #newRoute(topic: string): Route {
    const carried = [...this.#streams.entries()].filter(([, { topics }]) =>
      selectsTopic(topics, topic),
    )
    assert(carried.length > 0, `topic "${topic}" is one of a stream`)
    const formats = new Set(carried.map(([, { format }]) => format))
    assert(formats.size === 1, `topic "${topic}" has streams of one format`)
    const [[stream, { format }] = [0, { format: 'raw-event' }]] = carried
    if (format === 'protobuf') {
      assert(carried.length === 1, `topic "${topic}" of a bare stream has no other stream`)
      return { kind: format, stream }
    }
    if (format === 'confluent-protobuf') {
      const messages = new Map(carried.map(([index, { message }]) => [message, index]))
      return { kind: format, framed: new FramedStreams(messages, this.#schemas) }
    }
    const names = new StreamNames()
    for (const [index, { name }] of carried) names.add(name, index)
    return { kind: 'raw-event', names }
  }

  /** Numbers of schemas that records `[first, records.count)` name and nobody has asked for yet. */
  missingSchemas(records: RecordTable, first: number): ReadonlySet<number> {
    const missing = new Set<number>()
    for (let record = first; record < records.count; record++) {
      const topic = records.sources[records.source[record] ?? -1]?.topic ?? ''
      const route = this.#routeOf(topic)
      const start = records.valueStart[record] ?? nowhere
      if (route.kind !== 'confluent-protobuf' || start === nowhere) continue
      const end = records.valueEnd[record] ?? start
      const id = route.framed.missingSchema(this.#input.u8, start, end)
      if (id !== undefined) missing.add(id)
    }
    return missing
  }

  /**
   * Appends the events of records `[first, records.count)` to a table.
   *
   * It may stop early: when the table is full, or when what was inflated passes a bound. The caller
   * then takes the events, empties the table and calls again from where it stopped; what was loaded
   * into the input since the first call is forgotten then, so that a fetch of payloads that inflate
   * a thousandfold never uses up the kernel's memory.
   *
   * @param first 0 for the first call of a load.
   * @param into grown only for one batched record that has more events than an empty table.
   * @returns the first record that was not read; `records.count` when all were.
   */
  parse(records: RecordTable, first: number, into: EventTable): number {
    if (first === 0) this.#mark = this.#input.mark()
    else if (into.count === 0 && this.#mark !== undefined) this.#input.rewind(this.#mark)
    this.#inflatedBytes = 0
    this.#records = records
    const routes = records.sources.map(({ topic }) => this.#routeOf(topic))
    for (let record = first; record < records.count; record++) {
      if (into.count >= into.capacity && into.count > 0) return record
      if (this.#inflatedBytes > this.#limits.callInflatedBytesMax) return record
      const route = present(routes[records.source[record] ?? -1], 'a record is of a known topic')
      if (route.kind === 'protobuf') this.#readBare(record, route.stream, into)
      else if (route.kind === 'confluent-protobuf') this.#readFramed(record, route.framed, into)
      else if (!this.#readEnvelope(record, route.names, into)) return record
    }
    return records.count
  }

  #readBare(record: number, stream: number, into: EventTable): void {
    const records = present(this.#records, 'records are being read')
    const start = records.valueStart[record] ?? nowhere
    if (start === nowhere) return this.#refuse(record, { stream }, valueMissing)
    const at = append(into, record, stream)
    into.eventTimeMs[at] = records.timestampMs[record] ?? -1
    into.payloadStart[at] = start
    into.payloadEnd[at] = records.valueEnd[record] ?? start
    this.#takeTime(into, at)
  }

  #readFramed(record: number, framed: FramedStreams, into: EventTable): void {
    const records = present(this.#records, 'records are being read')
    const start = records.valueStart[record] ?? nowhere
    if (start === nowhere) return this.#refuse(record, {}, valueMissing)
    const end = records.valueEnd[record] ?? start
    const stream = framed.find(this.#input.u8, start, end)
    if (typeof stream !== 'number') return this.#refuse(record, {}, stream)
    const at = append(into, record, stream)
    into.eventTimeMs[at] = records.timestampMs[record] ?? -1
    into.payloadStart[at] = framed.payloadStart
    into.payloadEnd[at] = end
    this.#takeTime(into, at)
  }

  /** @returns false when the table has no room for the record's events. */
  #readEnvelope(record: number, names: StreamNames, into: EventTable): boolean {
    const records = present(this.#records, 'records are being read')
    const start = records.valueStart[record] ?? nowhere
    if (start === nowhere) return this.#refused(record, {}, valueMissing)
    const u8 = this.#input.u8
    const envelope = this.#envelope
    if (!envelope.read(u8, start, records.valueEnd[record] ?? start)) {
      return this.#refused(record, {}, envelopeMalformed)
    }
    const stream = names.find(u8, envelope.streamStart, envelope.streamEnd)
    if (stream < 0) return this.#refuseName(record, u8)
    if (envelope.batched) return this.#readBatch(record, stream, into)
    if (envelope.compression !== 0 && !this.#inflate(record, stream)) return true
    const at = append(into, record, stream)
    into.eventTimeMs[at] = envelope.eventTimeMs
    into.payloadStart[at] = envelope.payloadStart
    into.payloadEnd[at] = envelope.payloadEnd
    into.schemaVersion[at] = envelope.schemaVersion
    this.#takeTime(into, at)
    return true
  }

  /** A name that no stream has, or that is no text at all. */
  #refuseName(record: number, u8: Uint8Array): true {
    const { streamStart, streamEnd, eventTimeMs, schemaVersion } = this.#envelope
    const name = textOf(u8.subarray(streamStart, streamEnd))
    if (name === undefined) return this.#refused(record, {}, envelopeMalformed)
    return this.#refused(record, { eventTimeMs, schemaVersion }, unknownName(name))
  }

  /** Puts the inflated payload into the envelope's place. @returns false when it was refused. */
  #inflate(record: number, stream: number): boolean {
    const envelope = this.#envelope
    const { payloadStart, payloadEnd } = envelope
    const packed = this.#input.u8.subarray(payloadStart, payloadEnd)
    const outcome = inflate(envelope.compression, packed, inflatedBytesMax)
    if (outcome.kind !== 'inflated') {
      const cause = notInflated(outcome.kind, envelope.compression)
      this.#refuse(record, this.#envelopeFacts(stream), cause)
      return false
    }
    envelope.payloadStart =
      outcome.bytes.length === 0 ? payloadEnd : this.#input.load(outcome.bytes)
    envelope.payloadEnd = envelope.payloadStart + outcome.bytes.length
    this.#inflatedBytes += outcome.bytes.length
    return true
  }

  /** The time of a batched envelope is that of no event. */
  #envelopeFacts(stream: number): RefusedFacts {
    const { batched, eventTimeMs, schemaVersion } = this.#envelope
    return batched ? { stream } : { stream, eventTimeMs, schemaVersion }
  }

  #readBatch(record: number, stream: number, into: EventTable): boolean {
    const envelope = this.#envelope
    if (envelope.compression !== 0 && !this.#inflate(record, stream)) return true
    const { payloadStart, payloadEnd } = envelope
    const u8 = this.#input.u8
    const count = this.#batch.count(u8, payloadStart, payloadEnd)
    if (count < 0) return this.#refused(record, { stream }, batchMalformed)
    if (count === 0) return this.#refused(record, { stream }, batchEmpty)
    if (count > batchEventsMax) return this.#refused(record, { stream }, batchTooLarge(count))
    if (into.count + count > into.capacity) {
      if (into.count > 0) return false
      growEventTable(into, count)
    }
    this.#batch.rewind(u8, payloadStart, payloadEnd)
    for (let index = 0; this.#batch.next(); index++)
      this.#batchEvent({ record, stream, index }, into)
    return true
  }

  #batchEvent(event: { record: number; stream: number; index: number }, into: EventTable): void {
    const batch = this.#batch
    const { record, stream, index } = event
    if (!batch.whole) return this.#refuse(record, { stream, index }, batchEventMalformed)
    const at = append(into, record, stream)
    into.index[at] = index
    into.eventTimeMs[at] = batch.eventTimeMs
    into.payloadStart[at] = batch.payloadStart
    into.payloadEnd[at] = batch.payloadEnd
    into.schemaVersion[at] = batch.schemaVersion
    this.#takeTime(into, at)
  }

  /** The last event of the table gets the time of its field, or is refused where that has none. */
  #takeTime(into: EventTable, at: number): void {
    const stream = into.stream[at] ?? -1
    const reader = this.#times[stream]
    if (reader === undefined) return
    const start = into.payloadStart[at] ?? 0
    const found = reader.read(this.#input.u8, start, into.payloadEnd[at] ?? start)
    if (found === 'found') {
      into.eventTimeMs[at] = reader.timeMs
      return
    }
    into.count--
    const [index = 0, schemaVersion = 0] = [into.index[at], into.schemaVersion[at]]
    this.#refuse(
      into.record[at] ?? -1,
      { stream, index, schemaVersion },
      timeNotFound(found, reader.name),
    )
  }

  /** Refuses a record. @returns true: the record is done with. */
  #refused(record: number, facts: RefusedFacts, cause: LetterCause): true {
    this.#refuse(record, facts, cause)
    return true
  }

  #refuse(record: number, facts: RefusedFacts, cause: LetterCause): void {
    const records = present(this.#records, 'records are being read')
    this.#refusals.refuse(records, record, facts, cause)
  }
}

/** Appends an event with index 0 and the schema version in force. @returns its place. */
function append(into: EventTable, record: number, stream: number): number {
  const at = into.count++
  into.record[at] = record
  into.stream[at] = stream
  into.index[at] = 0
  into.schemaVersion[at] = 0
  return at
}
