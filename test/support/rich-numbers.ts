/**
 * Numbers with messages, lists and maps beside them, in two versions of their schema, and what a
 * reader must count of them. The second version adds a field to the event and one to a message
 * within it.
 */
import protobuf from 'protobufjs'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { enveloped } from './numbers.ts'

const topic = 'numbers'
const hourMs = 3_600_000
const labels = ['small', 'middle', 'large']

export type SchemaVersion = 1 | 2

/** The text of the schema, for a stream of "test.Number". */
export const richProto = (version: SchemaVersion): string => `syntax = "proto3";
package test;
message Number {
  message Part {
    string label = 1;
    int32 size = 2;
    repeated string tags = 3;
    ${version === 2 ? 'double weight = 4;' : ''}
  }
  int64 n = 1;
  Part whole = 2;
  repeated Part parts = 3;
  map<string, int64> sums = 4;
  ${version === 2 ? 'string country = 5;' : ''}
}
`

/** What a reader finds in the rows of one partition. */
export interface RichCounts {
  readonly rows: number
  /** Rows that have a `whole`, and the sum of their sizes. */
  readonly wholes: number
  readonly wholeSize: number
  /** Of all rows: how many parts, their sizes, their tags. */
  readonly parts: number
  readonly partSize: number
  readonly tags: number
  /** Of `sums['n']`. */
  readonly sum: number
  /** Of the second version: rows with a country, and the sum of the weights of `whole`. */
  readonly countries: number
  readonly weight: number
}

/** The same figures in SQL, in this order. */
export const richCountsSql = [
  'count(*)',
  'count(whole.label)',
  'coalesce(sum(whole.size), 0)',
  'sum(size(parts))',
  'sum(aggregate(parts, 0, (all, part) -> all + part.size))',
  'sum(aggregate(parts, 0, (all, part) -> all + size(part.tags)))',
  "sum(sums['n'])",
  'count(country)',
  'coalesce(sum(whole.weight), 0.0)',
].join(', ')

export class RichNumbers {
  readonly #producer: RecordProducer
  readonly #partitionCount: number
  readonly #startMs: number
  readonly #counts = new Map<number, RichCounts>()
  readonly #encoders = { 1: encoderOf(1), 2: encoderOf(2) }
  count = 0

  /** @param startMs beginning of hour 0. */
  constructor(options: { brokerPort: number; partitionCount: number; startMs: number }) {
    const brokers = [`127.0.0.1:${options.brokerPort}`]
    this.#producer = new RecordProducer({ brokers, clientId: 'numbers', compression: 'none' })
    this.#partitionCount = options.partitionCount
    this.#startMs = options.startMs
  }

  /** Number n goes to partition n mod count. */
  async send(hour: number, version: SchemaVersion, count = 10): Promise<void> {
    const numbers = Array.from({ length: count }, (_, index) => this.count + index)
    const records = numbers.map((n) => {
      const timestampMs = this.#startMs + hour * hourMs + n
      const payload = this.#encoders[version](numberOf(n, version))
      const value = enveloped(topic, timestampMs, payload)
      return { topic, partition: n % this.#partitionCount, key: undefined, value, timestampMs }
    })
    await this.#producer.send(records)
    this.count += count
    const counts = numbers.map((n) => countsOf(numberOf(n, version)))
    this.#counts.set(hour, counts.reduce(added, this.countsOf(hour)))
  }

  /** Of all that was sent of an hour. */
  countsOf(hour: number): RichCounts {
    return this.#counts.get(hour) ?? nothing
  }

  close(): Promise<void> {
    return this.#producer.close()
  }
}

interface Part {
  readonly label: string
  readonly size: number
  readonly tags: readonly string[]
  readonly weight?: number
}

interface RichNumber {
  readonly n: number
  readonly whole?: Part
  readonly parts: readonly Part[]
  readonly sums: Readonly<Record<string, number>>
  readonly country?: string
}

const nothing: RichCounts = {
  rows: 0,
  wholes: 0,
  wholeSize: 0,
  parts: 0,
  partSize: 0,
  tags: 0,
  sum: 0,
  countries: 0,
  weight: 0,
}

/** Every third one has no `whole`; of parts and tags there are none, one or more. */
function numberOf(n: number, version: SchemaVersion): RichNumber {
  const partOf = (index: number): Part => ({
    label: labels[(n + index) % labels.length] ?? '',
    size: n + index,
    tags: labels.slice(0, (n + index) % (labels.length + 1)),
    ...(version === 2 ? { weight: n + 0.5 } : {}),
  })
  return {
    n,
    ...(n % 3 === 0 ? {} : { whole: partOf(0) }),
    parts: Array.from({ length: n % 4 }, (_, index) => partOf(index)),
    sums: n % 2 === 0 ? { n } : { n, twice: 2 * n },
    ...(version === 2 ? { country: 'DE' } : {}),
  }
}

const sumOf = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0)

const countsOf = ({ whole, parts, sums, country }: RichNumber): RichCounts => ({
  rows: 1,
  wholes: whole === undefined ? 0 : 1,
  wholeSize: whole?.size ?? 0,
  parts: parts.length,
  partSize: sumOf(parts.map(({ size }) => size)),
  tags: sumOf(parts.map(({ tags }) => tags.length)),
  sum: sums['n'] ?? 0,
  countries: country === undefined ? 0 : 1,
  weight: whole?.weight ?? 0,
})

const added = (one: RichCounts, other: RichCounts): RichCounts => ({
  rows: one.rows + other.rows,
  wholes: one.wholes + other.wholes,
  wholeSize: one.wholeSize + other.wholeSize,
  parts: one.parts + other.parts,
  partSize: one.partSize + other.partSize,
  tags: one.tags + other.tags,
  sum: one.sum + other.sum,
  countries: one.countries + other.countries,
  weight: one.weight + other.weight,
})

function encoderOf(version: SchemaVersion) {
  const type = protobuf.parse(richProto(version), { keepCase: true }).root.lookupType('test.Number')
  return (number: RichNumber): Uint8Array => type.encode(number).finish()
}
