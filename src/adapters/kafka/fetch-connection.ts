/**
 * Fetches from one broker: opens the connection, logs in, picks the version, and opens it again
 * before a login expires.
 *
 * Source: KIP-35 (ApiVersions), KIP-368 (re-authentication).
 */
import { Fault } from '../../base/fault.ts'
import {
  type FetchAnswer,
  fetchVersionMax,
  fetchVersionMin,
  parseFetchAnswer,
} from '../../codec/kafka/fetch-answer.ts'
import { encodeFetchRequest, type FetchWish } from '../../codec/kafka/fetch-request.ts'
import { WireReader } from '../../codec/kafka/wire-reader.ts'
import type { Clock } from '../../ports/clock.ts'
import { authenticate } from './authenticate.ts'
import { BrokerSocket } from './broker-socket.ts'
import type { BrokerAddress, KafkaSourceOptions } from './options.ts'

const connectTimeoutMs = 5_000
/** How much longer than its own wait a broker may take. */
const answerSlackMs = 30_000
const fetchKey = 1
/** Without tagged fields, whose answer has the same head in every version. */
const apiVersions = { apiKey: 18, version: 0, flexible: false }
/** A login is renewed, by a new connection, after this share of its life. */
const loginShare = 0.8

/** A fetch answer with the bytes that its spans point into, valid until the next fetch. */
export interface FetchedAnswer extends FetchAnswer {
  readonly bytes: Uint8Array
  /** Whether topics are named by id. */
  readonly byId: boolean
}

export class FetchConnection {
  readonly #options: KafkaSourceOptions
  readonly #clock: Clock
  #socket: BrokerSocket | undefined
  #address: BrokerAddress | undefined
  #version = fetchVersionMax
  #expiresAtMs = Number.POSITIVE_INFINITY

  constructor(options: KafkaSourceOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** @throws {Error} the broker is out of reach or answers what no broker answers. */
  async fetch(at: BrokerAddress, wish: FetchWish): Promise<FetchedAnswer> {
    const socket = await this.#connected(at)
    const version = this.#version
    const kind = { apiKey: fetchKey, version, flexible: version >= 12 }
    const timeoutMs = wish.limits.maxWaitMs + answerSlackMs
    const frame = await socket.request(kind, encodeFetchRequest(version, wish), timeoutMs)
    const answer = parseFetchAnswer(version, frame.bytes, frame.start)
    return { ...answer, bytes: frame.bytes, byId: version >= 13 }
  }

  close(): void {
    this.#socket?.close()
    this.#socket = undefined
  }

  async #connected(at: BrokerAddress): Promise<BrokerSocket> {
    const moved = this.#address?.host !== at.host || this.#address.port !== at.port
    const expired = this.#clock.monotonicMs() >= this.#expiresAtMs
    if (moved || expired || this.#socket?.closed === true) this.close()
    if (this.#socket !== undefined) return this.#socket
    const { clientId, tls, sasl } = this.#options
    const socket = await BrokerSocket.connect(at, { clientId, tls, connectTimeoutMs })
    this.#socket = socket
    this.#address = at
    try {
      this.#version = await pickVersion(socket)
      const lifetimeMs = sasl === undefined ? 0 : await authenticate(socket, sasl)
      this.#expiresAtMs =
        lifetimeMs > 0
          ? this.#clock.monotonicMs() + lifetimeMs * loginShare
          : Number.POSITIVE_INFINITY
      return socket
    } catch (error) {
      this.close()
      throw error
    }
  }
}

/** The highest fetch version that both speak. @throws {Fault} KAFKA_VERSION_NOT_SUPPORTED */
async function pickVersion(socket: BrokerSocket): Promise<number> {
  const { bytes, start } = await socket.request(apiVersions, new Uint8Array())
  const reader = new WireReader(bytes, start)
  reader.int16()
  for (let count = reader.arrayCount(false); count > 0; count--) {
    const [apiKey, min, max] = [reader.int16(), reader.int16(), reader.int16()]
    if (apiKey !== fetchKey) continue
    const version = Math.min(max, fetchVersionMax)
    if (version >= min && version >= fetchVersionMin) return version
    const needed = `${fetchVersionMin} to ${fetchVersionMax}`
    const facts = { api: 'Fetch', needed, offered: `${min} to ${max}` }
    throw new Fault('KAFKA_VERSION_NOT_SUPPORTED', facts)
  }
  const facts = { api: 'Fetch', needed: `${fetchVersionMin} to ${fetchVersionMax}` }
  throw new Fault('KAFKA_VERSION_NOT_SUPPORTED', { ...facts, offered: 'none' })
}
