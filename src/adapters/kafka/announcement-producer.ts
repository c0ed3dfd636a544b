/**
 * Announcements by Kafka message: one record each, the manifest as JSON or protobuf.
 *
 * Invariants:
 * - Every in-sync replica has the record before it counts as delivered.
 * - The key is pipeline and stream, so that a stream's announcements stay in order in one
 *   partition; the header `Idempotency-Key` is the manifest's id, so that repetition is harmless.
 * - In transactions each announcement is one, and each stream has a transactional id of its own in
 *   its pipeline and topic: a daemon that takes a stream over fences the one before.
 * - Where a delivery fails or takes too long its connections are left to it, and to others that are
 *   under way on them, and closed when all have ended: the library rejects into nowhere when they
 *   are closed under it, and one stream's failure is none of another's.
 *
 * Sample:
 *     key    growth/app_events
 *     header Idempotency-Key: growth/app_events/dt=2026-11-20/hour=13/1
 *     header Content-Type: application/json
 *     value  {"lakeward":1,"kind":"partition-ready",…}
 *
 * Source: `@platformatic/kafka` 2.12, class Producer; docs/interfaces.md, section 4.
 */

import { Fault } from '../../base/fault.ts'
import type { ReadyManifest } from '../../model/ready-manifest.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Notifier } from '../../ports/notifier.ts'
import { manifestText } from '../../protocol/readiness-manifest.ts'
import { reasonOf } from './foreign-error.ts'
import { Producer } from './library.ts'
import { libraryLogin } from './library-login.ts'
import type { KafkaLogin } from './options.ts'
import { TransactionRefused, Transactions } from './transactions.ts'

/** Of one delivery; the outbox tries again by itself. */
const requestTimeoutMs = 5_000
const retries = 2

/** How a manifest is written into a record's value. */
export interface MessageForm {
  /** The header `Content-Type`. */
  readonly contentType: string
  readonly encode: (manifest: ReadyManifest) => Uint8Array
}

export const jsonForm: MessageForm = {
  contentType: 'application/json',
  encode: (manifest) => Buffer.from(manifestText(manifest)),
}

/** @param encode as proto/ready_manifest.proto says. */
export const protobufForm = (encode: MessageForm['encode']): MessageForm => ({
  contentType: 'application/x-protobuf; messageType="lakeward.v1.ReadyManifest"',
  encode,
})

export interface AnnouncementProducerOptions extends KafkaLogin {
  /** How log and metrics name it. */
  readonly target: string
  readonly topic: string
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly form: MessageForm
  readonly transactional: boolean
  readonly clock: Clock
}

type ManifestProducer = Producer<Buffer, Buffer, Buffer, Buffer>

interface OpenTransactions {
  readonly transactions: Transactions
  /** What was sent and has not ended. */
  readonly underWay: Set<Promise<unknown>>
}

interface OpenProducer {
  readonly producer: ManifestProducer
  /** What was sent and has not ended. */
  readonly underWay: Set<Promise<unknown>>
}

export class AnnouncementProducer implements Notifier {
  readonly target: string
  readonly readable = false
  /**
   * Without transactions one: when a send fails the library forgets what it counted, and one that
   * waits beside it could go out under a number that the broker has had, and takes for that one.
   */
  readonly atOnceMax: number
  readonly #options: AnnouncementProducerOptions
  /** What next deliveries use. */
  #current: OpenProducer | undefined
  #transactions: OpenTransactions | undefined

  constructor(options: AnnouncementProducerOptions) {
    this.target = options.target
    this.atOnceMax = options.transactional ? Number.POSITIVE_INFINITY : 1
    this.#options = options
  }

  async deliver(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    try {
      signal.throwIfAborted()
      if (this.#options.transactional) await this.#sendInTransaction(manifest, signal)
      else await this.#send(manifest, signal)
    } catch (error) {
      const reason = signal.aborted ? 'no acknowledgement in time' : reasonOf(error)
      const facts = { target: this.target, manifestId: manifest.id, reason }
      throw new Fault('NOTIFY_FAILED', facts, { cause: error })
    }
  }

  async #sendInTransaction(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    const used = (this.#transactions ??= { transactions: this.#begin(), underWay: new Set() })
    const { pipeline, stream } = manifest
    const id = `lakeward/${pipeline}/${this.#options.topic}/${stream}`
    const sent = used.transactions.send(id, this.#message(manifest), signal)
    try {
      await untilAborted(noted(used.underWay, sent), signal)
    } catch (error) {
      // What goes on without us is fenced by the next one.
      used.transactions.forget(id)
      if (!(error instanceof TransactionRefused)) this.#dropTransactions(used)
      throw error
    }
  }

  /** Its connections may hang, or be of brokers that are gone. */
  #dropTransactions(used: OpenTransactions): void {
    if (this.#transactions !== used) return
    this.#transactions = undefined
    void Promise.allSettled(used.underWay).then(() => used.transactions.close())
  }

  async #send(manifest: ReadyManifest, signal: AbortSignal): Promise<void> {
    const used = (this.#current ??= { producer: this.#open(), underWay: new Set() })
    const sent = used.producer.send({ messages: [this.#message(manifest)], acks: -1 })
    try {
      await untilAborted(noted(used.underWay, sent), signal)
    } catch (error) {
      this.#drop(used)
      throw error
    }
  }

  /** Never asked: the brokers' acknowledgement is all there is. */
  readBack(): Promise<boolean> {
    return Promise.resolve(true)
  }

  async close(): Promise<void> {
    this.#transactions?.transactions.close()
    this.#transactions = undefined
    const used = this.#current
    this.#current = undefined
    if (used !== undefined) await closeQuietly(used.producer)
  }

  #message(manifest: ReadyManifest) {
    const { form, topic } = this.#options
    const headers = new Map([
      [Buffer.from('Idempotency-Key'), Buffer.from(manifest.id)],
      [Buffer.from('Content-Type'), Buffer.from(form.contentType)],
    ])
    const key = Buffer.from(`${manifest.pipeline}/${manifest.stream}`)
    return { topic, key, value: Buffer.from(form.encode(manifest)), headers }
  }

  #begin(): Transactions {
    return new Transactions(this.#options, this.#options.clock)
  }

  #open(): ManifestProducer {
    const { brokers, clientId } = this.#options
    return new Producer({
      ...libraryLogin(this.#options),
      clientId,
      bootstrapBrokers: [...brokers],
      idempotent: true,
      requestTimeout: requestTimeoutMs,
      retries,
    })
  }

  /** No delivery begins on it any more. */
  #drop(used: OpenProducer): void {
    if (this.#current !== used) return
    this.#current = undefined
    void Promise.allSettled(used.underWay).then(() => closeQuietly(used.producer))
  }
}

/** It stands among what is under way until it has ended. */
function noted<T>(underWay: Set<Promise<unknown>>, sent: Promise<T>): Promise<T> {
  const ended = (): unknown => underWay.delete(sent)
  underWay.add(sent)
  void sent.then(ended, ended)
  return sent
}

/** One that never connected refuses to be closed; there is nothing left to close then. */
const closeQuietly = (producer: ManifestProducer): Promise<void> => producer.close().catch(() => {})

/** The work goes on after the signal; what becomes of it is not heard any more. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(new Error('aborted'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  work.catch(() => {})
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', abort))
}
