/**
 * Records that are written in a transaction each.
 *
 * Invariants:
 * - A transactional id has one producer: who begins under it fences who did before, and what that
 *   left open is aborted. It is kept until something fails; then the next one begins anew.
 * - What is not committed no reader of committed records sees. Of a commit whose answer is lost
 *   nobody knows: its record may be there, and comes again.
 * - Versions are fixed. AddPartitionsToTxn is asked in its third: from the fourth on it is for
 *   brokers, and wants the rights of one.
 *
 *     FindCoordinator, InitProducerId      once
 *     Metadata, AddPartitionsToTxn, Produce, EndTxn      for each record
 *
 * Source: KIP-98, KIP-360; Kafka protocol guide.
 */
import { durationMs } from '../../base/time.ts'
import type { Clock } from '../../ports/clock.ts'
import { closeQuietly, poolOf } from './connection-pool.ts'
import { errorCode, errorName } from './error-code.ts'
import { answerOf } from './foreign-error.ts'
import {
  addPartitionsToTxnV3,
  type Connection,
  type ConnectionPool,
  defaultPartitioner,
  endTxnV3,
  findCoordinatorV4,
  initProducerIdV4,
  metadataV12,
  NumericMap,
  produceV9,
} from './library.ts'
import { type BrokerAddress, type KafkaLogin, parseAddress } from './options.ts'

const requestTimeoutMs = 5_000
/** One that its producer left open ends after that, and hides no longer what comes behind it. */
const transactionTimeoutMs = 30_000
const transactionKey = 1
const unknown = { id: -1n, epoch: -1 }
/**
 * While the transaction before is still being written down, a coordinator comes up, or brokers
 * learn of a topic or leader that others know already. Nothing is written by what is answered so.
 */
const passing: ReadonlySet<number> = new Set([
  errorCode.coordinatorLoading,
  errorCode.coordinatorNotAvailable,
  errorCode.concurrentTransactions,
  errorCode.unknownTopicOrPartition,
  errorCode.leaderNotAvailable,
  errorCode.notLeaderOrFollower,
])
const askedMax = 40
const pauseMs = durationMs(100)

export interface TransactionsOptions extends KafkaLogin {
  readonly brokers: readonly string[]
  readonly clientId: string
}

export interface TransactionalRecord {
  readonly topic: string
  readonly key: Buffer
  readonly value: Buffer
  readonly headers: Map<Buffer, Buffer>
}

interface TransactionalProducer {
  readonly coordinator: BrokerAddress
  readonly producerId: bigint
  readonly producerEpoch: number
  /** By topic and partition: the next one. */
  readonly sequences: NumericMap
}

interface RecordPlace {
  readonly partition: number
  readonly leader: BrokerAddress
}

export class Transactions {
  readonly #brokers: BrokerAddress[]
  readonly #clock: Clock
  readonly #pool: ConnectionPool
  /** By transactional id. */
  readonly #producers = new Map<string, TransactionalProducer>()

  constructor(options: TransactionsOptions, clock: Clock) {
    this.#brokers = options.brokers.map(parseAddress)
    this.#clock = clock
    this.#pool = poolOf(options, requestTimeoutMs)
  }

  /**
   * Ends when the record is committed. Of one id one record at a time; who gives one up aborts
   * `signal`, after which none is begun or committed, and calls `forget`, so that the next fences
   * it.
   *
   * @throws {Error} what the brokers say, or that they say nothing. It is aborted, or will be.
   */
  async send(id: string, record: TransactionalRecord, signal: AbortSignal): Promise<void> {
    const producer = this.#producers.get(id) ?? (await this.#begin(id))
    signal.throwIfAborted()
    this.#producers.set(id, producer)
    try {
      await this.#write(id, producer, record)
      signal.throwIfAborted()
    } catch (error) {
      this.forget(id)
      // If it cannot be told, the next producer's beginning ends it, or its time.
      await this.#end(id, producer, false).catch(() => {})
      throw error
    }
    try {
      await this.#end(id, producer, true, signal)
    } catch (error) {
      this.forget(id)
      throw error
    }
  }

  /** The next record of this id has a producer of its own, which fences the one before. */
  forget(id: string): void {
    this.#producers.delete(id)
  }

  close(): void {
    this.#producers.clear()
    closeQuietly(this.#pool)
  }

  /** The coordinator is looked for again where it has moved, or has only just been made one. */
  async #begin(id: string): Promise<TransactionalProducer> {
    for (let count = 1; ; count++) {
      const coordinator = await this.#coordinator(id)
      const connection = await this.#pool.get(coordinator)
      let producer = unknown
      const code = await this.#asked(async () => {
        const { id: none, epoch } = unknown
        const asked = initProducerIdV4.api.async(connection, id, transactionTimeoutMs, none, epoch)
        const answer = await answerOf(asked)
        producer = { id: answer.producerId, epoch: answer.producerEpoch }
        return answer.errorCode
      })
      if (code === errorCode.notCoordinator && count < askedMax) {
        await this.#clock.sleep(pauseMs)
        continue
      }
      refuse(`InitProducerId of "${id}"`, code)
      const { id: producerId, epoch: producerEpoch } = producer
      return { coordinator, producerId, producerEpoch, sequences: new NumericMap() }
    }
  }

  async #coordinator(id: string): Promise<BrokerAddress> {
    const any = await this.#any()
    let at = { host: '', port: 0 }
    const code = await this.#asked(async () => {
      const asked = findCoordinatorV4.api.async(any, transactionKey, [id])
      const [found] = (await answerOf(asked)).coordinators
      at = { host: found?.host ?? '', port: found?.port ?? 0 }
      return found?.errorCode ?? errorCode.coordinatorNotAvailable
    })
    refuse(`FindCoordinator of "${id}"`, code)
    return at
  }

  async #write(
    id: string,
    { coordinator, producerId, producerEpoch, sequences }: TransactionalProducer,
    record: TransactionalRecord,
  ): Promise<void> {
    const { topic, key, value, headers } = record
    let place: RecordPlace | undefined = await this.#place(record)
    const { partition } = place
    const connection = await this.#pool.get(coordinator)
    const topics = [{ name: topic, partitions: [partition] }]
    const joined = { transactionalId: id, producerId, producerEpoch, topics, verifyOnly: false }
    const joins = await this.#asked(async () => {
      const answer = await answerOf(addPartitionsToTxnV3.api.async(connection, [joined]))
      const [result] = answer.resultsByTransaction[0]?.topicResults ?? []
      return result?.resultsByPartition[0]?.partitionErrorCode ?? errorCode.none
    })
    refuse(`AddPartitionsToTxn of "${id}"`, joins)
    const at = `${topic}:${partition}`
    const message = {
      topic,
      partition,
      key,
      value,
      headers,
      timestamp: BigInt(this.#clock.nowMs()),
    }
    const settings = { transactionalId: id, producerId, producerEpoch, sequences }
    const writes = await this.#asked(async () => {
      const { leader } = place ?? (await this.#place(record))
      place = undefined
      const to = await this.#pool.get(leader)
      const sent = produceV9.api.async(to, -1, requestTimeoutMs, [message], settings)
      const answer = await answerOf(sent)
      if (typeof answer === 'boolean') return errorCode.none
      return answer.responses[0]?.partitionResponses[0]?.errorCode ?? errorCode.none
    })
    refuse(`Produce to "${at}"`, writes)
    sequences.postIncrement(at, 1, 0)
  }

  /** @param signal nothing is asked any more once it is aborted. */
  async #end(
    id: string,
    { coordinator, producerId, producerEpoch }: TransactionalProducer,
    commits: boolean,
    signal?: AbortSignal,
  ): Promise<void> {
    const connection = await this.#pool.get(coordinator)
    const ends = await this.#asked(async () => {
      signal?.throwIfAborted()
      const asked = endTxnV3.api.async(connection, id, producerId, producerEpoch, commits)
      return (await answerOf(asked)).errorCode
    })
    refuse(`EndTxn of "${id}"`, ends)
  }

  /** Where a key's records lie: in the same partition as those of other producers. */
  async #place(record: TransactionalRecord): Promise<RecordPlace> {
    const { topic, key } = record
    const any = await this.#any()
    let place: RecordPlace = { partition: 0, leader: { host: '', port: 0 } }
    const code = await this.#asked(async () => {
      const answer = await answerOf(metadataV12.api.async(any, [topic], false))
      const [found] = answer.topics
      // A topic that nobody made is told at once.
      refuse(`topic "${topic}"`, found?.errorCode ?? errorCode.unknownTopicOrPartition)
      const partitions = found?.partitions ?? []
      const partition = defaultPartitioner(record, key) % Math.max(1, partitions.length)
      const leaderId = partitions.find((at) => at.partitionIndex === partition)?.leaderId
      const leader = answer.brokers.find(({ nodeId }) => nodeId === leaderId)
      if (leader === undefined) return errorCode.leaderNotAvailable
      place = { partition, leader: { host: leader.host, port: leader.port } }
      return errorCode.none
    })
    refuse(`a partition of "${topic}"`, code)
    return place
  }

  #any(): Promise<Connection> {
    return this.#pool.getFirstAvailable([...this.#brokers])
  }

  /** Asks again while what is refused passes by itself. @returns the code of the last answer. */
  async #asked(ask: () => Promise<number>): Promise<number> {
    for (let count = 1; ; count++) {
      const code = await ask()
      if (!passing.has(code) || count === askedMax) return code
      await this.#clock.sleep(pauseMs)
    }
  }
}

/** A broker has answered, and does not do it. */
export class TransactionRefused extends Error {
  override readonly name = 'TransactionRefused'
}

/** @throws {TransactionRefused} anything else than success. */
function refuse(what: string, code: number): void {
  if (code === errorCode.none) return
  throw new TransactionRefused(`${what} is refused: ${errorName(code)}`)
}
