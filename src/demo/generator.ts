/**
 * Produces the shop's events at a multiple of real time, from the past up to the wall clock and
 * never past it, and writes down what it produced.
 */

import type { ProducedRecord, RecordProducer } from '../adapters/kafka/record-producer.ts'
import { type DurationMs, durationMs, type UnixMs, unixMs } from '../base/time.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { Clock } from '../ports/clock.ts'
import type { Chance } from './chance.ts'
import type { Ledger } from './ledger.ts'
import { type ShopRecord, type ShopRecords, shopPartitionCount, shopTopic } from './shop-records.ts'
import type { ShopEvent, ShopStream, ShopWorld } from './shop-world.ts'

const tickMs: DurationMs = durationMs(100)
/** Event time of one send at most: keeps sends small when the machine was slow. */
const sliceMsMax = 120_000

export interface GeneratorParts {
  readonly clock: Clock
  readonly chance: Chance
  readonly world: ShopWorld
  readonly records: ShopRecords
  readonly producer: RecordProducer
  readonly ledger: Ledger
  readonly startMs: UnixMs
  /** Event time that passes in a unit of real time. */
  readonly speed: number
}

/** Keeps back the last events of an hour on one topic-partition, and all that follow on it. */
export interface Hold {
  readonly partition: number
  /** Event time from which on records of the partition wait. */
  readonly fromMs: UnixMs
  readonly forMs: DurationMs
  /** Told when the first record is kept back, and when all go out, with their number. */
  readonly onHeld: () => void
  readonly onReleased: (recordCount: number) => void
}

export class Generator {
  readonly #parts: GeneratorParts
  #reachedMs: UnixMs
  #late: ShopEvent[] = []
  #held: ShopRecord[] = []
  #hold: Hold | undefined
  #holdEndsMs: number | undefined

  constructor(parts: GeneratorParts, hold?: Hold) {
    this.#parts = parts
    this.#reachedMs = parts.startMs
    this.#hold = hold
  }

  /** Event time up to which everything was produced. */
  get reachedMs(): UnixMs {
    return this.#reachedMs
  }

  /** Runs until `signal` is aborted; what was begun is sent to its end. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, startMs, speed } = this.#parts
    const beganMs = clock.monotonicMs()
    while (!signal.aborted) {
      const ranMs = (clock.monotonicMs() - beganMs) * speed
      const targetMs = Math.min(startMs + ranMs, clock.nowMs(), this.#reachedMs + sliceMsMax)
      if (targetMs > this.#reachedMs) await this.#produceUntil(unixMs(targetMs))
      await clock.sleep(tickMs, signal)
    }
    await this.#release()
    await this.#produceLate()
  }

  /** Some stragglers of an hour that was announced: they must be counted as late. */
  sendLate(stream: ShopStream, hour: LakePartition, count: number): void {
    const { chance } = this.#parts
    for (let sent = 0; sent < count; sent++) {
      const eventTimeMs = unixMs(chance.integer(hour.startMs, hour.nextMs))
      const userId = chance.integer(1, 5_000)
      const body = { sessionId: chance.hex(16), userId }
      this.#late.push({ stream, eventTimeMs, userId, body })
    }
  }

  async #produceUntil(untilMs: UnixMs): Promise<void> {
    const { world, records, clock } = this.#parts
    const made = records.recordsOf(world.eventsUntil(untilMs))
    this.#reachedMs = untilMs
    if (this.#holdEndsMs !== undefined && clock.monotonicMs() >= this.#holdEndsMs) {
      await this.#release()
    }
    await this.#send(this.#notHeld(made))
    await this.#produceLate()
  }

  /** Splits off what the hold keeps back. */
  #notHeld(made: readonly ShopRecord[]): readonly ShopRecord[] {
    const hold = this.#hold
    if (hold === undefined) return made
    const isHeld = (record: ShopRecord): boolean =>
      record.partition === hold.partition &&
      (this.#held.length > 0 || record.timestampMs >= hold.fromMs)
    const sent: ShopRecord[] = []
    for (const record of made) {
      if (isHeld(record)) this.#held.push(record)
      else sent.push(record)
    }
    if (this.#held.length > 0 && this.#holdEndsMs === undefined) {
      this.#holdEndsMs = this.#parts.clock.monotonicMs() + hold.forMs
      hold.onHeld()
    }
    return sent
  }

  async #release(): Promise<void> {
    const held = this.#held
    const hold = this.#hold
    this.#held = []
    this.#hold = undefined
    this.#holdEndsMs = undefined
    if (held.length === 0) return
    hold?.onReleased(held.length)
    await this.#send(held)
  }

  async #produceLate(): Promise<void> {
    const late = this.#late
    this.#late = []
    await this.#send(late.map((event) => this.#parts.records.lateRecord(event)))
  }

  async #send(made: readonly ShopRecord[]): Promise<void> {
    const { producer, ledger } = this.#parts
    await producer.send(made.map(producedRecord))
    for (const record of made) {
      for (const { stream, hour, meant } of record.meant) ledger.count(stream, hour, meant)
    }
  }
}

const producedRecord = ({ partition, key, value, timestampMs }: ShopRecord): ProducedRecord => ({
  topic: shopTopic,
  partition: partition % shopPartitionCount,
  key,
  value,
  timestampMs,
})
