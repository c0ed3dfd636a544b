/**
 * What a partition remembers of idempotent producers: their epoch and their newest five batches.
 *
 * Invariants: sequences of a producer epoch are unbroken; a batch sent again is answered with the
 * offset it already has; state is rebuilt from the batches' headers, so it needs no file.
 *
 * Source: KIP-98; five batches because a producer has at most five requests in flight.
 */
import { type ErrorCode, errorCode } from '../error-code.ts'
import type { BatchHeader } from './batch-header.ts'

interface RememberedBatch {
  readonly firstSequence: number
  readonly newestSequence: number
  readonly firstOffset: bigint
}

interface ProducerEntry {
  epoch: number
  batches: readonly RememberedBatch[]
}

export type SequenceVerdict =
  | { readonly kind: 'next' }
  | { readonly kind: 'duplicate'; readonly firstOffset: bigint }
  | { readonly kind: 'refused'; readonly errorCode: ErrorCode; readonly reason: string }

const rememberedMax = 5
const sequenceCount = 2_147_483_648
const producersMax = 10_000

/** The sequence `count` after `sequence`; it wraps to 0 behind 2^31 - 1. */
const later = (sequence: number, count: number): number => (sequence + count) % sequenceCount

export class ProducerState {
  readonly #entries = new Map<bigint, ProducerEntry>()

  /** Judges a batch that a producer wants appended. Batches without producer id always pass. */
  judge(header: BatchHeader): SequenceVerdict {
    const entry = this.#entries.get(header.producerId)
    if (header.producerId < 0n || entry === undefined) return { kind: 'next' }
    if (header.producerEpoch < entry.epoch) {
      const reason = `producer epoch ${header.producerEpoch} is older than ${entry.epoch}`
      return { kind: 'refused', errorCode: errorCode.invalidProducerEpoch, reason }
    }
    const newest = header.producerEpoch === entry.epoch ? entry.batches.at(-1) : undefined
    const sent = newest === undefined ? undefined : findDuplicate(entry, header)
    if (sent !== undefined) return { kind: 'duplicate', firstOffset: sent.firstOffset }
    const wanted = newest === undefined ? 0 : later(newest.newestSequence, 1)
    if (header.firstSequence === wanted) return { kind: 'next' }
    const reason = `sequence ${header.firstSequence} came where ${wanted} is next`
    return { kind: 'refused', errorCode: errorCode.outOfOrderSequence, reason }
  }

  /** Takes note of a batch that stands in the log. */
  observe(header: BatchHeader): void {
    if (header.producerId < 0n) return
    const known = this.#entries.get(header.producerId)
    const continued = known !== undefined && known.epoch === header.producerEpoch
    const before = continued ? known.batches : []
    const batches = header.control ? before : [...before, rememberOf(header)].slice(-rememberedMax)
    // Deleting first keeps the map in order of last use, so that the oldest is forgotten first.
    this.#entries.delete(header.producerId)
    this.#entries.set(header.producerId, { epoch: header.producerEpoch, batches })
    if (this.#entries.size > producersMax) this.#forgetOldest()
  }

  #forgetOldest(): void {
    for (const producerId of this.#entries.keys()) {
      this.#entries.delete(producerId)
      return
    }
  }
}

function rememberOf(header: BatchHeader): RememberedBatch {
  return {
    firstSequence: header.firstSequence,
    newestSequence: later(header.firstSequence, header.offsetCount - 1),
    firstOffset: header.firstOffset,
  }
}

function findDuplicate(entry: ProducerEntry, header: BatchHeader): RememberedBatch | undefined {
  const wanted = rememberOf(header)
  return entry.batches.find(
    (batch) =>
      batch.firstSequence === wanted.firstSequence &&
      batch.newestSequence === wanted.newestSequence,
  )
}
