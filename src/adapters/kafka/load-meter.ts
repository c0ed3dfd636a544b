/**
 * How many bytes a second each topic-partition brings us: what members tell their leader.
 *
 * Invariants:
 * - A load is told only when it was observed for long enough: what is read just after a partition
 *   was taken over is its backlog, not its load.
 * - What was given up is told for a while: its new reader does not know yet, and between the two it
 *   belongs to nobody.
 *
 *     bytes of t0, t1, …  →  sum of bytes × e^((t - now) / window)  →  bytes a second
 *
 * Source: docs/adr/0023-observed-loads.md.
 */
import { bytesPerSecondMax, type PartitionLoad } from '../../codec/kafka/group-protocol.ts'
import type { TopicPartition } from '../../model/topic-partition.ts'
import type { Clock } from '../../ports/clock.ts'
import { partitionKey } from './cluster-facts.ts'

/** The past counts less the older it is: to a third after this time. */
const windowMs = 300_000
const observedMsMinDefault = 60_000
const keptMs = 600_000

interface Observed {
  readonly at: TopicPartition
  readonly firstMs: number
  /** Of bytes, decayed to `sumMs`. */
  sum: number
  sumMs: number
  /** What is told until it was observed for long enough. */
  readonly before: number | undefined
  /** Given up: what was known then, and when. */
  ended?: { readonly bytesPerSecond: number; readonly atMs: number }
}

export class LoadMeter {
  readonly #clock: Clock
  readonly #observedMsMin: number
  readonly #observed = new Map<string, Observed>()

  constructor(clock: Clock, observedMsMin = observedMsMinDefault) {
    this.#clock = clock
    this.#observedMsMin = observedMsMin
  }

  /** These are read from now on. */
  begin(sources: readonly TopicPartition[]): void {
    const nowMs = this.#clock.monotonicMs()
    for (const { topic, partition } of sources) {
      const at = { topic, partition }
      const before = this.#observed.get(partitionKey(at))?.ended?.bytesPerSecond
      const observed = { at, firstMs: nowMs, sum: 0, sumMs: nowMs, before }
      this.#observed.set(partitionKey(at), observed)
    }
  }

  /** `sizeBytes` of its batches, as they were on the wire. */
  add(at: TopicPartition, sizeBytes: number): void {
    const observed = this.#observed.get(partitionKey(at))
    if (observed === undefined || observed.ended !== undefined) return
    decay(observed, this.#clock.monotonicMs())
    observed.sum += sizeBytes
  }

  /** These are not read any more. */
  end(sources: readonly TopicPartition[]): void {
    const nowMs = this.#clock.monotonicMs()
    for (const at of sources) {
      const observed = this.#observed.get(partitionKey(at))
      if (observed === undefined || observed.ended !== undefined) continue
      const bytesPerSecond = this.#loadOf(observed, nowMs)
      if (bytesPerSecond === undefined) this.#observed.delete(partitionKey(at))
      else observed.ended = { bytesPerSecond, atMs: nowMs }
    }
  }

  /** All that is known, sorted by nothing. */
  loads(): readonly PartitionLoad[] {
    const nowMs = this.#clock.monotonicMs()
    const told: PartitionLoad[] = []
    for (const [key, observed] of this.#observed) {
      if (observed.ended !== undefined && nowMs - observed.ended.atMs > keptMs) {
        this.#observed.delete(key)
        continue
      }
      const bytesPerSecond = observed.ended?.bytesPerSecond ?? this.#loadOf(observed, nowMs)
      if (bytesPerSecond !== undefined) told.push({ ...observed.at, bytesPerSecond })
    }
    return told
  }

  #loadOf(observed: Observed, nowMs: number): number | undefined {
    const observedMs = nowMs - observed.firstMs
    if (observedMs < this.#observedMsMin) return observed.before
    decay(observed, nowMs)
    // What the window would hold of a steady byte a millisecond.
    const steady = windowMs * (1 - Math.exp(-observedMs / windowMs))
    const bytesPerSecond = Math.round((observed.sum / Math.max(steady, 1)) * 1_000)
    return Math.min(bytesPerSecond, bytesPerSecondMax)
  }
}

function decay(observed: Observed, nowMs: number): void {
  observed.sum *= Math.exp((observed.sumMs - nowMs) / windowMs)
  observed.sumMs = nowMs
}
