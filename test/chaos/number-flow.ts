/**
 * Produces numbered events at a steady pace through kills of the broker.
 *
 * Each topic-partition is written by this process alone and in order, so its high watermark says
 * which number comes next: an answer that never came neither loses a number nor doubles one.
 *
 * The foreign client kafkajs, and not our own: that the broker loses nothing is judged as well.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { numberRecord } from '../support/numbers.ts'
import { partitionCount, stepMs, streamOf, topic } from './numbered.ts'

const tickMs = 100
/** A broker is back within two minutes, or the round ends. */
const askTriesMax = 240
const askAgainMs = 500

interface NumberPace {
  /**
   * How long ends must stay as they are to be believed: a real broker tells of old ones for a
   * moment after it came back, and may still carry out what it had received.
   */
  readonly settleMs: number
  /** Records, ten times a second. */
  readonly perTickAndPartition: number
}

export class NumberFlow {
  readonly #kafka: Kafka
  readonly #startMs: number
  readonly #pace: NumberPace
  /** Acknowledged records by topic-partition. */
  #counts: number[] = Array.from({ length: partitionCount }, () => 0)
  #producer: Producer | undefined
  #stopping = false
  #running: Promise<void> = Promise.resolve()
  /** Times that a send failed for good and the high watermarks were asked. */
  restarts = 0

  /**
   * @param startMs event time of number 0, the beginning of an hour.
   */
  constructor(brokerPort: number, startMs: number, pace: NumberPace) {
    this.#startMs = startMs
    this.#pace = pace
    this.#kafka = new Kafka({
      clientId: 'chaos',
      brokers: [`127.0.0.1:${brokerPort}`],
      logLevel: logLevel.NOTHING,
      retry: { retries: 100, initialRetryTime: 50, maxRetryTime: 300 },
    })
  }

  async start(): Promise<void> {
    const admin = this.#kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: partitionCount }] })
    await admin.disconnect()
    this.#running = this.#run()
  }

  /** Records on the broker by topic-partition; all of them are acknowledged. */
  async stop(): Promise<readonly number[]> {
    this.#stopping = true
    await this.#running
    await this.#producer?.disconnect()
    return await this.#highWatermarks()
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      const pace = sleep(tickMs)
      try {
        await this.#tick()
      } catch {
        await this.#begin()
      }
      await pace
    }
  }

  async #tick(): Promise<void> {
    if (this.#producer === undefined) {
      // Nothing is sent again unasked: a broker that was killed may know its producers no more.
      const retry = { retries: 0 }
      this.#producer = this.#kafka.producer({ maxInFlightRequests: 1, retry })
      await this.#producer.connect()
    }
    const { perTickAndPartition } = this.#pace
    const messages = this.#counts.flatMap((count, partition) =>
      Array.from({ length: perTickAndPartition }, (_, index) =>
        this.#message(partition, count + index),
      ),
    )
    await this.#producer.send({ topic, messages, acks: -1 })
    this.#counts = this.#counts.map((count) => count + perTickAndPartition)
  }

  /** With a new producer, from where the broker says. */
  async #begin(): Promise<void> {
    this.restarts += 1
    await this.#producer?.disconnect().catch(() => undefined)
    this.#producer = undefined
    const { settleMs } = this.#pace
    let ends = await this.#highWatermarks()
    for (let before: number[] = []; settleMs > 0 && before.join() !== ends.join(); ) {
      before = ends
      await sleep(settleMs)
      ends = await this.#highWatermarks()
    }
    this.#counts = ends
  }

  /** @throws {Error} the broker lost what it had acknowledged. */
  async #highWatermarks(): Promise<number[]> {
    const found = [...this.#counts]
    for (const { partition, high } of await this.#offsets()) found[partition] = Number(high)
    const lost = found.findIndex((count, partition) => count < (this.#counts[partition] ?? 0))
    if (lost !== -1) {
      const both = `${found[lost]} records, ${this.#counts[lost]} were acknowledged`
      throw new Error(`the broker lost records of partition ${lost}: it has ${both}`)
    }
    return found
  }

  /** A broker that comes back leads nothing for a moment; kafkajs gives up on that at once. */
  async #offsets(): Promise<readonly { partition: number; high: string }[]> {
    for (let tries = 1; ; tries++) {
      const admin = this.#kafka.admin()
      try {
        await admin.connect()
        return await admin.fetchTopicOffsets(topic)
      } catch (error) {
        const mayPass = error instanceof Error && Reflect.get(error, 'retriable') === true
        if (!mayPass || tries === askTriesMax) throw error
      } finally {
        await admin.disconnect()
      }
      await sleep(askAgainMs)
    }
  }

  #message(partition: number, offset: number) {
    const n = partition + offset * partitionCount
    const timestampMs = this.#startMs + n * stepMs
    const value = Buffer.from(numberRecord(streamOf(n), n, timestampMs))
    return { partition, key: null, value, timestamp: String(timestampMs) }
  }
}
