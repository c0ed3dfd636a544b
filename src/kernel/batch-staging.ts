import { assert } from '../base/assert.ts'
import type { IdentityColumn, RowBatch } from '../model/row-batch.ts'
import type { LinearMemory } from './linear-memory.ts'

/**
 * Payloads handed over in one call at most; must agree with ROWS_PER_CALL_MAX in kernel/parse.ts.
 */
const rowsPerCallMax = 2_048

const topicBytesMax = 1_024

/** No message has a field of number 0. Reads of the kernel pass a payload's end. */
const badPayload = Uint8Array.of(0)
const badPaddingBytes = 63

/** Where a slice of a batch is put for the kernel: addresses of payloads and identity values. */
export class BatchStaging {
  readonly #memory: LinearMemory
  readonly starts: number
  readonly ends: number
  readonly #partitions: number
  readonly #indexes: number
  readonly #offsets: number
  readonly #topic: number
  readonly #bad: number
  #topicText = ''
  #topicBytes = 0

  constructor(memory: LinearMemory) {
    this.#memory = memory
    const column = (width: number): number =>
      memory.allocate(rowsPerCallMax * width, 'opening the kernel')
    this.starts = column(4)
    this.ends = column(4)
    this.#partitions = column(4)
    this.#indexes = column(4)
    this.#offsets = column(8)
    this.#topic = memory.allocate(topicBytesMax + 64, 'opening the kernel')
    this.#bad = memory.allocate(badPayload.length + badPaddingBytes, 'opening the kernel')
    memory.u8.set(badPayload, this.#bad)
  }

  /** Copies the addresses of rows `[first, next)`. */
  stagePayloads(batch: RowBatch, first: number, next: number): void {
    const words = this.#memory.u32
    words.set(batch.starts.subarray(first, next), this.starts >>> 2)
    words.set(batch.ends.subarray(first, next), this.ends >>> 2)
  }

  /** Puts a payload that every table refuses at a place of the slice. */
  spoilPayload(place: number): void {
    const words = this.#memory.u32
    words[(this.starts >>> 2) + place] = this.#bad
    words[(this.ends >>> 2) + place] = this.#bad + badPayload.length
  }

  /** Writes an identity column's slots for the rows that the last parse accepted. */
  fillIdentity(column: IdentityColumn, slots: number, batch: RowBatch, slice: StagedSlice): void {
    const { first, next, rows } = slice
    const { calls, u32 } = this.#memory
    switch (column) {
      case '_topic':
        this.#stageTopic(batch.topic)
        return calls.fillSame(slots, this.#topic, this.#topicBytes, rows)
      case '_ingest_ms': {
        if (typeof batch.ingestMs !== 'number') {
          const each = this.#numbers64(first, next)
          for (let row = first; row < next; row++) {
            each[row - first] = BigInt(batch.ingestMs[row] ?? 0)
          }
          return calls.fillNumbers64(slots, this.#offsets, rows)
        }
        const ms = BigInt(batch.ingestMs)
        const low = Number(BigInt.asIntN(32, ms))
        return calls.fillSame(slots, low, Number(BigInt.asIntN(32, ms >> 32n)), rows)
      }
      case '_partition':
        u32.set(batch.partitions.subarray(first, next), this.#partitions >>> 2)
        return calls.fillNumbers32(slots, this.#partitions, rows)
      case '_index':
        u32.set(batch.indexes.subarray(first, next), this.#indexes >>> 2)
        return calls.fillNumbers32(slots, this.#indexes, rows)
      case '_offset': {
        this.#numbers64(first, next).set(batch.offsets.subarray(first, next))
        return calls.fillNumbers64(slots, this.#offsets, rows)
      }
    }
  }

  /** Where numbers of 64 bits are put, until the next column of them. */
  #numbers64(first: number, next: number): BigInt64Array {
    return new BigInt64Array(this.#memory.u8.buffer, this.#offsets, next - first)
  }

  #stageTopic(topic: string): void {
    if (topic === this.#topicText) return
    const bytes = Buffer.from(topic, 'utf8')
    assert(bytes.length <= topicBytesMax, 'a topic name fits its staging place')
    this.#memory.u8.set(bytes, this.#topic)
    this.#topicText = topic
    this.#topicBytes = bytes.length
  }
}

export interface StagedSlice {
  readonly first: number
  readonly next: number
  /** Rows of the slice that were accepted. */
  readonly rows: number
}
