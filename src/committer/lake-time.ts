import { type MonotonicMs, monotonicMs, type UnixMs, unixMs } from '../base/time.ts'
import type { Clock } from '../ports/clock.ts'
import type { Lake } from '../ports/lake.ts'

/** A reading is taken again when it is older: clocks drift by less than a fifth of a second. */
const readingAgeMsMax = 300_000

/**
 * The lake's clock: time that decides anything is never a machine's.
 *
 * Read by putting an object and asking when it was written, carried on by the monotonic clock,
 * which does not jump. The reading is taken as of the *answer*, so it is at most behind by the time
 * that the answer took: evidence "asked at T" must never claim a later T than the truth.
 */
export class LakeTime {
  readonly #lake: Lake
  readonly #clock: Clock
  readonly #path: string
  readonly #note: Uint8Array
  #reading: { readonly lakeMs: UnixMs; readonly atMs: MonotonicMs } | undefined

  /**
   * @param path of an object that no other process puts.
   * @param note what stands in it, for others to read.
   */
  constructor(lake: Lake, clock: Clock, path: string, note: Uint8Array) {
    this.#note = note
    this.#lake = lake
    this.#clock = clock
    this.#path = path
  }

  async read(): Promise<void> {
    const { modifiedMs } = await this.#lake.put(this.#path, this.#note)
    this.#reading = { lakeMs: modifiedMs, atMs: monotonicMs(this.#clock.monotonicMs()) }
  }

  async readIfOld(): Promise<void> {
    const age = this.#clock.monotonicMs() - (this.#reading?.atMs ?? Number.NEGATIVE_INFINITY)
    if (age > readingAgeMsMax) await this.read()
  }

  /** The machine's wall clock as long as the lake's was not read: for those who only look. */
  nowMs(): UnixMs {
    if (this.#reading === undefined) return this.#clock.nowMs()
    const { lakeMs, atMs } = this.#reading
    return unixMs(Math.floor(lakeMs + (this.#clock.monotonicMs() - atMs)))
  }
}
