/**
 * Turns fetched record batches into loads: each batch is inflated once into the kernel's input and
 * its records are listed by address, with no object per record.
 *
 * Invariants:
 * - a position advances only over records that were handed down in a load;
 * - a load is handed down whole before the input is used again.
 */
import { Fault } from '../base/fault.ts'
import { inflateRecords } from '../codec/kafka/inflate-records.ts'
import { type BatchFacts, readBatch } from '../codec/kafka/record-batch.ts'
import { walkRecords } from '../codec/kafka/walk-records.ts'
import type { InflatingMemory } from '../kernel/inflating-memory.ts'
import type { KernelInput } from '../kernel/kernel-input.ts'
import type { EventLoad } from '../model/event-load.ts'
import {
  emptyRecordTable,
  eventTable,
  growEventTable,
  type RecordTable,
  recordTable,
  roomierRecordTable,
} from '../model/event-table.ts'
import type { NextOffset } from '../model/offset.ts'
import type { SourcePartition } from '../model/topic-partition.ts'
import type { FetchedBatches } from '../ports/source.ts'

/** Most records of a load; tables begin small and grow to it. */
const recordsMax = 16_384
const recordsAtFirst = 512
/** The batch that passes it is the last of a load. */
const loadBytesMax = 8 * 1_024 * 1_024

export interface IntakeParts {
  readonly input: KernelInput & InflatingMemory
  /** Takes a load to its end before it returns. */
  readonly onLoad: (load: EventLoad) => void
  /** Everything of this topic-partition below `next` was handed down. */
  readonly onAdvance: (source: SourcePartition, next: NextOffset, leaderEpoch: number) => void
  /** Numbers of schemas that records from `first` on name and that are not here yet. */
  readonly missingSchemas: (records: RecordTable, first: number) => ReadonlySet<number>
  /** This topic-partition waits where its last record was taken, until these schemas are here. */
  readonly onSchemasMissing: (source: SourcePartition, ids: ReadonlySet<number>) => void
  /** This topic-partition cannot be read on: its bytes are not what they must be. */
  readonly onUnreadable: (source: SourcePartition, fault: Fault) => void
}

interface Reached {
  readonly source: SourcePartition
  next: NextOffset
  /** Of the last batch that was handed down. */
  leaderEpoch: number
  /** True when there is something to tell: `next` has moved. */
  moved: boolean
}

export class Intake {
  readonly #parts: IntakeParts
  #records: RecordTable = recordTable(recordsAtFirst)
  readonly #events = eventTable(recordsAtFirst)
  #reached: Reached[] = []
  #fetchedAtMs = 0

  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  /** Takes one fetch answer, whole. */
  take(answer: readonly FetchedBatches[], fetchedAtMs: number): void {
    this.#fetchedAtMs = fetchedAtMs
    for (const part of answer) this.#takePart(part)
    this.#handDown()
  }

  #takePart(part: FetchedBatches): void {
    const reached: Reached = {
      source: part.source,
      next: part.fetchOffset as bigint as NextOffset,
      leaderEpoch: -1,
      moved: false,
    }
    this.#reached.push(reached)
    const skipped = new Set(part.skippedBatches)
    try {
      for (let at = part.start; at < part.end; ) {
        const batch = readBatch(part, at)
        at = batch.end
        const wanted = batch.nextOffset > part.fetchOffset && !skipped.has(batch.start)
        if (wanted && !this.#takeBatch(part, batch, reached)) return
        advance(reached, batch.nextOffset, batch.leaderEpoch)
      }
      advance(reached, part.nextOffset, part.leaderEpoch)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#parts.onUnreadable(part.source, error)
    }
  }

  /** @returns false when the batch, and what comes after it, has to wait for a schema. */
  #takeBatch(part: FetchedBatches, batch: BatchFacts, reached: Reached): boolean {
    const { input } = this.#parts
    const full =
      this.#records.count + batch.recordCount > recordsMax || input.loadedBytes >= loadBytesMax
    if (full) {
      this.#handDown()
      this.#reached.push(reached)
    }
    this.#makeRoom(batch.recordCount)
    const inflated = inflateRecords(part, batch, input)
    const start = input.load(inflated)
    const source = this.#indexOf(part.source)
    const span = { memory: input.u8, start, end: start + inflated.length, batch, source }
    const first = this.#records.count
    walkRecords({ ...span, fetchOffset: part.fetchOffset }, this.#records)
    const missing = this.#parts.missingSchemas(this.#records, first)
    if (missing.size === 0) return true
    this.#records.count = first
    this.#parts.onSchemasMissing(part.source, missing)
    return false
  }

  #makeRoom(recordCount: number): void {
    const { count, capacity } = this.#records
    const needed = count + recordCount
    if (needed <= capacity) return
    const doubled = Math.min(recordsMax, 2 * capacity)
    this.#records = roomierRecordTable(this.#records, Math.max(needed, doubled))
  }

  #indexOf(source: SourcePartition): number {
    const { sources } = this.#records
    const known = sources.indexOf(source)
    return known === -1 ? sources.push(source) - 1 : known
  }

  #handDown(): void {
    const records = this.#records
    if (records.count > 0) {
      const events = this.#events
      events.count = 0
      growEventTable(events, Math.min(recordsMax, records.capacity))
      this.#parts.onLoad({ records, events, fetchedAtMs: this.#fetchedAtMs })
    }
    for (const reached of this.#reached) {
      const { source, next, leaderEpoch, moved } = reached
      if (moved) this.#parts.onAdvance(source, next, leaderEpoch)
      reached.moved = false
    }
    this.#reached = []
    // A batch of millions of empty records is no reason to keep its table.
    if (records.capacity > recordsMax) this.#records = recordTable(recordsMax)
    emptyRecordTable(records)
    this.#parts.input.clear()
  }
}

function advance(reached: Reached, next: NextOffset, leaderEpoch: number): void {
  if (next <= reached.next) return
  Object.assign(reached, { next, leaderEpoch, moved: true })
}
