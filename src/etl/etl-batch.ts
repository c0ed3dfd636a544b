import type { EtlBatch } from '../ports/etl-module.ts'
import type { DetachedEvents } from './detached-events.ts'

/** Copies events `[first, next)` into a batch that can be given away. */
export function etlBatch({ load, memory }: DetachedEvents, first: number, next: number): EtlBatch {
  const { records, events } = load
  const count = next - first
  const batch = {
    count,
    sources: records.sources.map(({ topic, partition }) => ({ topic, partition })),
    source: new Int32Array(count),
    offset: new BigInt64Array(count),
    index: events.index.slice(first, next),
    eventTimeMs: events.eventTimeMs.slice(first, next),
  }
  const payloads = new Ranges(count)
  const headers = new Ranges(count)
  for (let at = 0; at < count; at++) {
    const record = events.record[first + at] ?? 0
    batch.source[at] = records.source[record] ?? 0
    batch.offset[at] = records.offset[record] ?? 0n
    payloads.add(events.payloadStart[first + at] ?? 0, events.payloadEnd[first + at] ?? 0)
    headers.add(records.headersStart[record] ?? 0, records.headersEnd[record] ?? 0)
  }
  const { bytes, next: payloadNext } = payloads.copy(memory)
  const { bytes: headerBytes, next: headersNext } = headers.copy(memory)
  return { ...batch, payloads: bytes, payloadNext, headers: headerBytes, headersNext }
}

/** Ranges of a memory that are copied together, once their whole size is known. */
class Ranges {
  readonly #start: Int32Array
  readonly #next: Int32Array
  #count = 0
  #sizeBytes = 0

  constructor(capacity: number) {
    this.#start = new Int32Array(capacity)
    this.#next = new Int32Array(capacity)
  }

  add(start: number, end: number): void {
    this.#sizeBytes += end - start
    this.#start[this.#count] = start
    this.#next[this.#count++] = this.#sizeBytes
  }

  copy(memory: Uint8Array): { bytes: Uint8Array<ArrayBuffer>; next: Int32Array } {
    const bytes = new Uint8Array(this.#sizeBytes)
    let to = 0
    for (let at = 0; at < this.#count; at++) {
      const next = this.#next[at] ?? to
      const start = this.#start[at] ?? 0
      bytes.set(memory.subarray(start, start + next - to), to)
      to = next
    }
    return { bytes, next: this.#next }
  }
}
