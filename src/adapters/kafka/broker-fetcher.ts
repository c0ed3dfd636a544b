/**
 * Reads from one broker, for as long as the source is open: asks for every readable partition that
 * this broker serves, hands on what came, and asks again when the reader has taken it.
 *
 * Invariants:
 * - The next fetch waits for the reader's promise: that is the back-pressure. Nothing else waits.
 * - A position advances only over what was handed on.
 * - An answer to a question that is out of date (seek, pause, revocation) is thrown away.
 * - One partition's trouble stops that partition: the others are asked on.
 */

import { Fault } from '../../base/fault.ts'
import { durationMs } from '../../base/time.ts'
import type { FetchedPartition } from '../../codec/kafka/fetch-answer.ts'
import { offset } from '../../model/offset.ts'
import { topicPartitionName } from '../../model/topic-partition.ts'
import type { Clock } from '../../ports/clock.ts'
import type { FetchedBatches, SourceReader } from '../../ports/source.ts'
import type { Fetching } from './client-library.ts'
import { decideFetchError, errorName } from './error-code.ts'
import type { FetchedAnswer } from './fetch-connection.ts'
import { planFetch } from './fetch-plan.ts'
import { faultOf } from './foreign-error.ts'
import { judgePart } from './judge-part.ts'
import type { LoadMeter } from './load-meter.ts'
import type { BrokerAddress, KafkaSourceOptions } from './options.ts'
import { isReadable, type Reading } from './reading.ts'
import type { TroubleBoard } from './trouble-board.ts'
import { backoffMs, Wake } from './wake.ts'

const idleSleepMs = durationMs(60_000)
/** A first partition that comes without a whole batch so often never will. */
const cutsMax = 3
/** After so many failures in a row a partition's trouble is told: moves of leaders are normal. */
const quietFailuresMax = 4

/** What a fetcher needs of the source that it belongs to. */
export interface FetcherParts {
  readonly options: KafkaSourceOptions
  readonly clock: Clock
  /** The fetcher's own: it closes it. */
  readonly connection: Fetching
  readonly reader: SourceReader
  readonly trouble: TroubleBoard
  readonly meter: LoadMeter
  /** All that is ours, of every broker. */
  readonly readings: () => Iterable<Reading>
  readonly addressOf: (nodeId: number) => BrokerAddress | undefined
  /** Stops the partition until the reader seeks. */
  readonly refuse: (reading: Reading, fault: Fault) => void
  /** Asks where the partition's log begins and ends, and decides. */
  readonly judgeRange: (reading: Reading) => void
  /** The partitions' leaders may have changed. */
  readonly lookAgain: () => void
  /** Another broker has a partition more. */
  readonly wakeOthers: () => void
}

interface Asked {
  readonly reading: Reading
  readonly version: number
}

export class BrokerFetcher {
  readonly #nodeId: number
  readonly #parts: FetcherParts
  readonly #connection: Fetching
  readonly #wake: Wake
  #turn = 0
  #failures = 0
  #stopped = false
  #done: Promise<void> = Promise.resolve()

  constructor(nodeId: number, parts: FetcherParts) {
    this.#nodeId = nodeId
    this.#parts = parts
    this.#connection = parts.connection
    this.#wake = new Wake(parts.clock)
  }

  /** Something may have become readable. */
  wake(): void {
    this.#wake.wake()
  }

  /** Ends the loop; `run` returns when the reader has what it was given. */
  stop(): void {
    this.#stopped = true
    this.#connection.close()
    this.#wake.wake()
  }

  /** Reads until `stop`. */
  run(): Promise<void> {
    this.#done = this.#loop()
    return this.#done
  }

  /** Resolves when the reader has what it was given and nothing more will come. */
  get done(): Promise<void> {
    return this.#done
  }

  async #loop(): Promise<void> {
    while (!this.#stopped) {
      const asked = this.#readable()
      const address = this.#parts.addressOf(this.#nodeId)
      if (asked.size === 0 || address === undefined) {
        this.#giveBack(asked)
        this.#parts.trouble.clear(this.#place())
        await this.#wake.sleep(this.#idleMs())
        continue
      }
      const answer = await this.#fetch(address, asked)
      if (answer === undefined) continue
      const fetched = this.#take(answer, asked)
      if (fetched.length > 0 && !this.#stopped) await this.#parts.reader.onFetched(fetched)
      if (answer.throttleMs > 0) await this.#wake.sleep(durationMs(answer.throttleMs))
    }
    this.#connection.close()
  }

  #place(): string {
    return `broker ${this.#nodeId}`
  }

  #readable(): ReadonlyMap<string, Asked> {
    const nowMs = this.#parts.clock.monotonicMs()
    const asked = new Map<string, Asked>()
    for (const reading of this.#parts.readings()) {
      if (reading.nodeId !== this.#nodeId || !isReadable(reading)) continue
      if (reading.retryAtMs > nowMs) continue
      const { topicId, partition } = reading.source
      asked.set(`${topicId}/${partition}`, { reading, version: reading.version })
    }
    return asked
  }

  /** A replica that is not listed any more would be waited for while the leader has the records. */
  #giveBack(asked: ReadonlyMap<string, Asked>): void {
    const lent = [...asked.values()].filter(({ reading }) => reading.leaderId !== this.#nodeId)
    for (const { reading } of lent) reading.nodeId = reading.leaderId
    if (lent.length > 0) this.#parts.wakeOthers()
  }

  /** Until the first partition that waits after a failure. */
  #idleMs() {
    const nowMs = this.#parts.clock.monotonicMs()
    let idleMs: number = idleSleepMs
    for (const reading of this.#parts.readings()) {
      if (reading.nodeId !== this.#nodeId || !isReadable(reading)) continue
      idleMs = Math.min(idleMs, Math.max(1, reading.retryAtMs - nowMs))
    }
    return durationMs(idleMs)
  }

  async #fetch(
    address: BrokerAddress,
    asked: ReadonlyMap<string, Asked>,
  ): Promise<FetchedAnswer | undefined> {
    const { options, trouble } = this.#parts
    const topics = planFetch(
      [...asked.values()].map(({ reading }) => reading),
      this.#turn++,
    )
    const { fetch: limits, isolation, rack = '' } = options
    try {
      const answer = await this.#connection.fetch(address, { limits, isolation, rack, topics })
      if (answer.errorCode !== 0) throw new Error(errorName(answer.errorCode))
      this.#failures = 0
      trouble.clear(this.#place())
      return answer
    } catch (error) {
      this.#connection.close()
      if (this.#stopped) return undefined
      const at = { ...options, brokers: [`${address.host}:${address.port}`] }
      trouble.set(this.#place(), faultOf(error, at))
      for (const { reading } of asked.values()) reading.nodeId = reading.leaderId
      this.#parts.lookAgain()
      await this.#parts.clock.sleep(backoffMs(++this.#failures))
      return undefined
    }
  }

  /** @returns what is to be handed on. */
  #take(answer: FetchedAnswer, asked: ReadonlyMap<string, Asked>): readonly FetchedBatches[] {
    const topicIds = new Map(
      [...asked.values()].map(({ reading: { source } }) => [source.topic, source.topicId]),
    )
    const all: FetchedBatches[] = []
    const firstWithBytes = answer.partitions.find((part) => part.end > part.start)
    for (const part of answer.partitions) {
      const topicId = answer.byId ? part.topic : topicIds.get(part.topic)
      const at = asked.get(`${topicId}/${part.partition}`)
      if (at === undefined || at.version !== at.reading.version) continue
      if (!isReadable(at.reading)) continue
      const fetched = this.#takePart(answer, part, at.reading)
      if (fetched === undefined && part === firstWithBytes) this.#onCut(at.reading)
      if (fetched !== undefined) all.push(fetched)
    }
    return all
  }

  #takePart(
    { bytes }: FetchedAnswer,
    part: FetchedPartition,
    reading: Reading,
  ): FetchedBatches | undefined {
    const { source, position: fetchOffset } = reading
    const { isolation } = this.#parts.options
    if (fetchOffset === undefined) return undefined
    const decision = judgePart({ source, fetchOffset, bytes, part, isolation })
    switch (decision.kind) {
      case 'batches':
        this.#advance(reading, decision.fetched)
        if (decision.fault !== undefined) this.#parts.refuse(reading, decision.fault)
        return decision.fetched
      case 'refused':
        this.#parts.refuse(reading, decision.fault)
        return undefined
      case 'failed':
        this.#onError(reading, part, decision.errorCode)
        return undefined
      case 'go-to':
        reading.nodeId = decision.nodeId
        this.#parts.wakeOthers()
        return undefined
      case 'cut':
        return undefined
      case 'empty':
        this.#succeed(reading)
        return undefined
    }
  }

  #advance(reading: Reading, fetched: FetchedBatches): void {
    reading.position = offset(fetched.nextOffset)
    reading.lastEpoch = fetched.leaderEpoch
    this.#parts.meter.add(reading.source, fetched.end - fetched.start)
    reading.cuts = 0
    this.#succeed(reading)
  }

  /**
   * Behind other partitions a batch may be cut by the answer's limit. The first one comes whole,
   * unless its length is wrong: then asking again would go on for ever.
   */
  #onCut(reading: Reading): void {
    if (reading.refused || ++reading.cuts < cutsMax) return
    const topicPartition = topicPartitionName(reading.source)
    const where = { topicPartition, offset: reading.position ?? offset(0n) }
    const reason = 'the broker sends bytes, but no whole batch'
    this.#parts.refuse(reading, new Fault('KAFKA_RECORDS_CORRUPT', { ...where, reason }))
  }

  #succeed(reading: Reading): void {
    if (reading.failures > 0) this.#parts.trouble.clear(topicPartitionName(reading.source))
    reading.failures = 0
  }

  #onError(reading: Reading, part: FetchedPartition, code: number): void {
    const { clock, trouble } = this.#parts
    reading.failures++
    reading.retryAtMs = clock.monotonicMs() + backoffMs(reading.failures)
    const decision = decideFetchError(code)
    if (decision === 'judge-range' && reading.nodeId === reading.leaderId) {
      this.#parts.judgeRange(reading)
      return
    }
    // A replica that fails is given up for the leader.
    reading.nodeId = reading.leaderId
    const { leader } = part
    if (leader !== undefined && leader.leaderEpoch > reading.leaderEpoch) {
      Object.assign(reading, leader, { leaderId: leader.nodeId, retryAtMs: 0 })
      this.#parts.wakeOthers()
    }
    if (decision === 'tell' || reading.failures > quietFailuresMax) {
      const topicPartition = topicPartitionName(reading.source)
      const reason = errorName(code)
      trouble.set(topicPartition, new Fault('KAFKA_PARTITION_REFUSED', { topicPartition, reason }))
    }
    this.#parts.lookAgain()
  }
}
