/**
 * The inside of a daemon over a simulated lake, driven by hand: what a source says, a test says.
 */
import { readFileSync } from 'node:fs'
import { durationMs } from '../../src/base/time.ts'
import { parseMessageSchema } from '../../src/codec/protobuf/parse-schema.ts'
import { adoptOrPutConfig } from '../../src/committer/adopt-config.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { loadConfig } from '../../src/daemon/config/load.ts'
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import { assemble, type Running } from '../../src/daemon/running.ts'
import type { MessageSchema } from '../../src/model/event-schema.ts'
import { nextOffset, type Offset, offset } from '../../src/model/offset.ts'
import {
  clusterId,
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicId,
  topicPartitionName,
} from '../../src/model/topic-partition.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import type { EtlModule } from '../../src/ports/etl-module.ts'
import type { EpochEnd, FetchedBatches, OffsetPosition, Source } from '../../src/ports/source.ts'
import { SimClock } from '../sim/clock.ts'
import { SimLake, type SimStore } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { MemoryConfigFiles } from '../unit/daemon/memory-config-files.ts'
import { encodeRawEvent, utf8, varintBytes, varintField } from './raw-events.ts'
import { encodeBatch, type TestRecord } from './record-batch.ts'

export const pipeline = 'sim'
export const hourMs = 3_600_000
/** Start of an hour that is over. */
export const eventsMs = Date.UTC(2026, 10, 19, 13)

const proto = `syntax = "proto3";
package test;
message Number { int64 n = 1; string text = 2; }
`

export interface StreamLines {
  readonly name: string
  readonly topics?: string
  /** Lines of YAML. */
  readonly more?: readonly string[]
}

const sectionsDefault = {
  kafka: '{ brokers: ["127.0.0.1:9092"] }',
  commit: '{ interval: 10s }',
  memory: '{ buffers: 16MiB }',
  ready: '{ delay: 0s, idle: 1h }',
}

/** A configuration of streams of numbers, all in one topic unless they say otherwise. */
export function numbersConfig(
  streams: readonly StreamLines[] = [{ name: 'numbers' }],
  sections: Partial<typeof sectionsDefault> = {},
): Promise<ResolvedConfig> {
  const text = [
    `pipeline: ${pipeline}`,
    'lake: { url: "file:./lake" }',
    ...Object.entries({ ...sectionsDefault, ...sections }).map(
      ([key, value]) => `${key}: ${value}`,
    ),
    'streams:',
    ...streams.flatMap(({ name, topics = '[events]', more = [] }) => [
      `  - name: ${name}`,
      `    topics: ${topics}`,
      '    schema: { file: number.proto, message: test.Number }',
      '    eventTime: { outOfOrderness: 0s, pastMax: 3650d }',
      '    columns: [_topic, _partition, _offset, _index, _ingest_ms]',
      ...more.map((line) => `    ${line}`),
    ]),
  ]
  const files = { 'lakeward.yaml': `${text.join('\n')}\n`, 'number.proto': proto }
  return loadConfig('lakeward.yaml', new MemoryConfigFiles(files))
}

let letters: MessageSchema | undefined

export function deadLetterSchema(): MessageSchema {
  const path = new URL('../../proto/dead_letter.proto', import.meta.url)
  letters ??= parseMessageSchema(
    new Map([['dead_letter.proto', readFileSync(path, 'utf8')]]),
    'dead_letter.proto',
    'lakeward.v1.DeadLetter',
  )
  return letters
}

export const sourceAt = (partition: number, topic = 'events', id = topic): SourcePartition => ({
  clusterId: clusterId('c'),
  topicId: topicId(`id-of-${id}`),
  topic,
  partition,
})

export interface NumberFields {
  readonly n: number
  readonly stream?: string
  readonly eventMs?: number
  readonly text?: string
  /** Instead of what the number encodes to. */
  readonly payload?: Uint8Array
}

export function numberPayload({ n, text = `number ${n}` }: NumberFields): Uint8Array {
  const bytes = utf8(text)
  const head = [...varintField(1, BigInt(n)), 18, ...varintBytes(BigInt(bytes.length))]
  return new Uint8Array(Buffer.concat([Uint8Array.from(head), bytes]))
}

export function numberRecord(number: NumberFields): TestRecord {
  const { stream = 'numbers', eventMs = eventsMs, payload = numberPayload(number) } = number
  const value = encodeRawEvent({ stream, event_time_ms: eventMs, payload })
  return { value, timestampMs: eventsMs }
}

/** One topic-partition's part of an answer: one batch that begins where it was asked for. */
export function fetched(
  source: SourcePartition,
  first: number,
  records: readonly TestRecord[],
  leaderEpoch = 0,
): FetchedBatches {
  const bytes = encodeBatch({ records, baseOffset: BigInt(first), leaderEpoch })
  const next = nextOffset(BigInt(first + records.length))
  return {
    source,
    bytes,
    start: 0,
    end: bytes.length,
    fetchOffset: offset(BigInt(first)),
    nextOffset: next,
    highWatermark: next,
    leaderEpoch,
    skippedBatches: [],
  }
}

/** Numbers `[first, next)` at the offsets of the same name. */
export const fetchedNumbers = (
  source: SourcePartition,
  first: number,
  next: number,
): FetchedBatches =>
  fetched(
    source,
    first,
    Array.from({ length: next - first }, (_, at) => numberRecord({ n: first + at })),
  )

/** Writes down what it is told; answers what a test has it answer. */
export class HandSource implements Source {
  readonly calls: string[] = []
  readonly known: SourcePartition[]
  /** Ends of logs, by partition; what is missing is not answered. */
  ends = new Map<number, bigint>()
  /** By partition, where a log parts from the one that was read. */
  readonly parted = new Map<number, bigint>()
  /** First offsets likewise. */
  starts = new Map<number, bigint>()
  /** By group, what it committed, by partition. */
  committed = new Map<string, ReadonlyMap<number, bigint>>()
  asked = 0
  /** Awaited before each answer. */
  beforeAnswer: () => Promise<void> = async () => {}

  constructor(known: readonly SourcePartition[]) {
    this.known = [...known]
    for (const { partition } of known) {
      this.starts.set(partition, 0n)
      this.ends.set(partition, 0n)
    }
  }

  async open(): Promise<void> {}
  async stopFetching(): Promise<void> {}
  async close(): Promise<void> {}
  async commitOffsets(): Promise<void> {}

  /** Logs that go on under the epoch they were read under, but where `parted` says otherwise. */
  epochEnds: Source['epochEnds'] = async (asked) => {
    const found = asked.flatMap(({ source, leaderEpoch }): readonly [SourceKey, EpochEnd][] => {
      const next = this.parted.get(source.partition) ?? this.ends.get(source.partition)
      if (next === undefined) return []
      return [[sourceKey(source), { leaderEpoch, next: nextOffset(next) }]]
    })
    return new Map(found)
  }

  assigned = (): readonly SourcePartition[] => this.known

  pause(sources: readonly SourcePartition[]): void {
    this.#note('pause', sources)
  }

  resume(sources: readonly SourcePartition[]): void {
    this.#note('resume', sources)
  }

  seek(source: SourcePartition, position: Offset): void {
    this.calls.push(`seek ${topicPartitionName(source)} ${position}`)
  }

  async metadata() {
    await this.#ask()
    return { clusterId: clusterId('c'), sources: this.known, missingTopics: [] }
  }

  async highWatermarks(sources: readonly SourcePartition[]) {
    await this.#ask()
    return new Map(this.#found(sources, this.ends).map(([key, at]) => [key, nextOffset(at)]))
  }

  async groupOffsets(group: string): Promise<ReadonlyMap<SourceKey, Offset>> {
    await this.#ask()
    const committed = this.committed.get(group) ?? new Map()
    return new Map(this.#found(this.known, committed).map(([key, at]) => [key, offset(at)]))
  }

  async offsetsAt(sources: readonly SourcePartition[], position: OffsetPosition) {
    await this.#ask()
    const from = position === 'earliest' ? this.starts : this.ends
    return new Map(this.#found(sources, from).map(([key, at]) => [key, offset(at)]))
  }

  /** Calls since the last look. */
  takeCalls(): readonly string[] {
    return this.calls.splice(0)
  }

  async #ask(): Promise<void> {
    this.asked += 1
    await this.beforeAnswer()
  }

  #found(sources: readonly SourcePartition[], from: ReadonlyMap<number, bigint>) {
    return sources.flatMap((at): readonly [SourceKey, bigint][] => {
      const found = from.get(at.partition)
      return found === undefined ? [] : [[sourceKey(at), found]]
    })
  }

  #note(call: string, sources: readonly SourcePartition[]): void {
    this.calls.push(`${call} ${sources.map(topicPartitionName).join(' ')}`)
  }
}

export interface LaneWorldOptions {
  readonly store?: SimStore
  readonly clock?: SimClock
  readonly seed?: number
  readonly config?: ResolvedConfig
  readonly modules?: ReadonlyMap<number, EtlModule>
  readonly partitionCount?: number
  /** Tables whose files grow; the lake is one that lets them. */
  readonly growing?: ReadonlySet<string>
  /** Stands between the stages and the log. */
  readonly around?: (log: CommitLog) => CommitLog
}

export interface LaneWorld extends Running {
  readonly config: ResolvedConfig
  readonly clock: SimClock
  readonly lake: SimLake
  readonly store: SimStore
  readonly source: HandSource
  readonly telemetry: SimTelemetry
  readonly fatal: unknown[]
  readonly abandon: AbortController
  /** By partition. */
  at(partition: number): SourcePartition
  next(partition: number): bigint | undefined
}

/** A daemon's inside with its configuration in force; nothing of it runs by itself. */
export async function openLaneWorld(options: LaneWorldOptions = {}): Promise<LaneWorld> {
  const { store = new Map(), clock = new SimClock(), seed = 1, around = (log) => log } = options
  const config = options.config ?? (await numbersConfig())
  const kind = options.growing === undefined ? {} : ({ kind: 'hdfs' } as const)
  const lake = new SimLake({ store, clock, ...kind })
  const telemetry = new SimTelemetry()
  const random = new SimRandom(seed)
  const known = Array.from({ length: options.partitionCount ?? 2 }, (_, at) => sourceAt(at))
  const source = new HandSource(known)
  const abandon = new AbortController()
  const { signal } = abandon
  const log = around(await openCommitLog({ lake, pipeline, clock, random, telemetry, signal }))
  const streams = config.streams.map(({ name, table, topics }) => ({ name, table, topics }))
  await adoptOrPutConfig(log, { checksum: config.checksum, streams })
  const fatal: unknown[] = []
  const ports = {
    lake,
    clock,
    random,
    telemetry,
    source,
    notifiers: [],
    modules: options.modules ?? new Map(),
    deadLetterSchema: deadLetterSchema(),
  }
  const onFatal = (error: unknown): void => void fatal.push(error)
  const { growing = new Set() } = options
  const running = assemble({ config, ports, log, growing, signal, onFatal })
  const world = { config, clock, lake, store, source, telemetry, fatal, abandon }
  const positions = () => log.state.positions.get('lake')
  return {
    ...running,
    ...world,
    at: (partition) => sourceAt(partition),
    next: (partition) => positions()?.get(sourceKey(sourceAt(partition)))?.next,
  }
}

/** Lets everything happen that needs no time. */
export const settle = (clock: SimClock): Promise<void> => clock.run(clock.sleep(durationMs(0)))

/** Has a world read these partitions, and forgets that it was told from where. */
export async function owning(world: LaneWorld, ...partitions: readonly number[]): Promise<void> {
  await world.lane.onAssigned(partitions.map((partition) => world.at(partition)))
  world.source.takeCalls()
}
