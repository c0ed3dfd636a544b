/**
 * Records of dead letters through the stages, a load at a time.
 *
 * Invariant: of a record only the events that are asked for are taken; the others of a batched one
 * have their fate in the commit that read it.
 */
import type { LetterSink } from '../model/dead-letter.ts'
import { type EventLoad, settled } from '../model/event-load.ts'
import {
  emptyRecordTable,
  eventTable,
  nowhere,
  type RecordTable,
  recordTable,
} from '../model/event-table.ts'
import type { LetterRecord } from '../model/letter-replay.ts'
import { offset } from '../model/offset.ts'
import {
  clusterId,
  type SourcePartition,
  topicId,
  topicPartitionName,
} from '../model/topic-partition.ts'
import type { Clock } from '../ports/clock.ts'
import type { Stages } from './pipeline.ts'
import type { EventSieve } from './pipeline-ports.ts'

const recordsMax = 1_024
/** The record that passes it is the last of a load. */
const loadBytesMax = 8 * 1_024 * 1_024

/** Which events of a record are wanted. */
type WantedEvents = Pick<LetterRecord, 'eventMs'>

/** Knows the records of the load under way. */
export class LetterSieve implements EventSieve {
  /** By place in the record table. */
  #wanted: WantedEvents[] = []
  readonly #byName = new Map<string, WantedEvents>()

  /** Of the next record of the table. */
  want(record: LetterRecord): void {
    this.#wanted.push(record)
    this.#byName.set(nameOf(record, record.offset), record)
  }

  forget(): void {
    this.#wanted = []
    this.#byName.clear()
  }

  apply({ events }: EventLoad): void {
    for (let event = 0; event < events.count; event++) {
      const { eventMs } = this.#wanted[events.record[event] ?? -1] ?? {}
      if (eventMs?.has(events.index[event] ?? -1) !== true) events.stream[event] = settled
    }
  }

  before(sink: LetterSink): LetterSink {
    return {
      refuse: (letter) => {
        const wanted = this.#byName.get(nameOf(letter.source, letter.offset))
        if (wanted?.eventMs.has(letter.index) === true) sink.refuse(letter)
      },
    }
  }
}

const nameOf = (at: { readonly topic: string; readonly partition: number }, of: bigint): string =>
  `${topicPartitionName(at)}/${of}`

export interface LetterFeedParts {
  readonly stages: Stages
  readonly sieve: LetterSieve
  readonly clock: Clock
  /** Asks for schemas that records name by number. */
  readonly learn: (ids: ReadonlySet<number>) => Promise<void>
}

export class LetterFeed {
  readonly #parts: LetterFeedParts
  readonly #records: RecordTable = recordTable(recordsMax)
  readonly #events = eventTable(recordsMax)
  readonly #sources = new Map<string, SourcePartition>()

  constructor(parts: LetterFeedParts) {
    this.#parts = parts
  }

  /** @throws what the stages throw, or who learns schemas. */
  async take(record: LetterRecord): Promise<void> {
    const { sieve, stages } = this.#parts
    this.#append(record)
    sieve.want(record)
    const { input } = stages.kernel
    if (this.#records.count === recordsMax || input.loadedBytes >= loadBytesMax) await this.flush()
  }

  /** Everything that was taken has its fate after. */
  async flush(): Promise<void> {
    const { stages, sieve, clock, learn } = this.#parts
    const records = this.#records
    if (records.count > 0) {
      const missing = stages.parser.missingSchemas(records, 0)
      if (missing.size > 0) await learn(missing)
      this.#events.count = 0
      stages.onLoad({ records, events: this.#events, fetchedAtMs: clock.nowMs() })
    }
    this.forget()
    sieve.forget()
    await stages.modules.drain()
  }

  /** Gives up what was taken since the last flush. */
  forget(): void {
    emptyRecordTable(this.#records)
    this.#parts.sieve.forget()
    this.#parts.stages.kernel.input.clear()
  }

  #append(record: LetterRecord): void {
    const { input } = this.#parts.stages.kernel
    const table = this.#records
    const at = table.count++
    const place = (bytes: Uint8Array | undefined, starts: Uint32Array, ends: Uint32Array): void => {
      const start = bytes === undefined ? nowhere : input.load(bytes)
      starts[at] = start
      ends[at] = bytes === undefined ? nowhere : start + bytes.length
    }
    table.source[at] = this.#sourceOf(record)
    table.offset[at] = record.offset
    table.timestampMs[at] = record.timestampMs
    place(record.key, table.keyStart, table.keyEnd)
    place(record.headers, table.headersStart, table.headersEnd)
    place(record.value, table.valueStart, table.valueEnd)
  }

  /** The ids of its topic stand in no letter, and in no row. */
  #sourceOf({ topic, partition }: LetterRecord): number {
    const name = topicPartitionName({ topic, partition })
    const { sources } = this.#records
    const known = this.#sources.get(name)
    const source = known ?? { clusterId: clusterId(''), topicId: topicId(''), topic, partition }
    if (known === undefined) {
      this.#sources.set(name, source)
      const begin = { from: offset(0n), leaderEpoch: -1, resetEpoch: 0 }
      this.#parts.stages.positions.assign(source, begin)
    }
    const index = sources.indexOf(source)
    return index === -1 ? sources.push(source) - 1 : index
  }
}
