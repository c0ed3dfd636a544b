/**
 * kafkajs as the client library of the Kafka source: the fallback, were `@platformatic/kafka` to
 * fail us.
 *
 * Refused by name: logins and TLS, static members, groups of KIP-848, patterns of topics, positions
 * of another group (kafkajs sees no group of the newer protocol, so that nobody could tell whether
 * it is idle).
 */
import type {
  ClientLibrary,
  Control,
  Fetching,
} from '../../../src/adapters/kafka/client-library.ts'
import { type ClusterFacts } from '../../../src/adapters/kafka/cluster-facts.ts'
import { openKafkaSource } from '../../../src/adapters/kafka/kafka-source.ts'
import type { BrokerAddress, KafkaSourceOptions } from '../../../src/adapters/kafka/options.ts'
import { Fault } from '../../../src/base/fault.ts'
import { fetchVersionMax, parseFetchAnswer } from '../../../src/codec/kafka/fetch-answer.ts'
import { encodeFetchRequest } from '../../../src/codec/kafka/fetch-request.ts'
import { WireReader } from '../../../src/codec/kafka/wire-reader.ts'
import { isTopicPattern } from '../../../src/model/topic-selection.ts'
import type { Clock } from '../../../src/ports/clock.ts'
import type { Source } from '../../../src/ports/source.ts'
import type { Telemetry } from '../../../src/ports/telemetry.ts'
import {
  ask,
  KafkajsClient,
  type RawRequest,
  versionOf,
  type WholeBroker,
} from './kafkajs-client.ts'
import { KafkajsMember } from './kafkajs-member.ts'
import {
  epochsRequest,
  metadataRequest,
  offsetsRequest,
  parseEpochs,
  parseMetadata,
  parseOffsets,
} from './raw-requests.ts'

const refused = ['sasl', 'tls', 'instanceId'] as const

export type KafkajsSourceOptions = Omit<KafkaSourceOptions, (typeof refused)[number]>

/** How much longer than its own wait a broker may take for a fetch. */
const answerSlackMs = 30_000
/** The first version that names topics by id: kafkajs has no other way to see a topic made anew. */
const fetchVersionMin = 13

/** A source whose brokers are asked by kafkajs. @throws {Error} an option that it does not have. */
export function openKafkajsSource(
  options: KafkaSourceOptions,
  clock: Clock,
  telemetry: Telemetry,
): Source {
  for (const key of refused) {
    if (options[key] !== undefined) throw new Error(`"${key}" is not supported over kafkajs`)
  }
  const pattern = options.topics.find(isTopicPattern)
  if (pattern !== undefined)
    throw new Error(`the pattern "${pattern}" is not supported over kafkajs`)
  return openKafkaSource(options, clock, telemetry, kafkajsLibrary(options))
}

function kafkajsLibrary(options: KafkajsSourceOptions): ClientLibrary {
  const brokers = new KafkajsBrokers(options)
  return {
    control: new KafkajsControl(options, brokers),
    newMember: () => new KafkajsMember(options, (at, use) => brokers.at(at, use)),
    newConsumer: () => {
      throw new Error('"groupProtocol: consumer" is not supported over kafkajs')
    },
    newFetching: () => new KafkajsFetching(brokers),
    groupOffsets: async (_cluster, group) => {
      const reason = 'kafkajs sees no group of the newer protocol: whether it is idle is not known'
      throw new Fault('KAFKA_GROUP_REFUSED', { group, reason })
    },
  }
}

type Use = 'group' | 'calls'

/** Clients by use, opened when they are asked for; those that failed are made anew. */
class KafkajsBrokers {
  readonly #options: KafkajsSourceOptions
  readonly #clients = new Map<Use, KafkajsClient>()
  /** Of every broker that an answer named. */
  readonly #nodeIds = new Map<string, number>()
  #closed = false

  constructor(options: KafkajsSourceOptions) {
    this.#options = options
  }

  newClient(): KafkajsClient {
    if (this.#closed) throw new Error('closed by us')
    return new KafkajsClient(this.#options.brokers, this.#options.clientId)
  }

  client(use: Use): KafkajsClient {
    const found = this.#clients.get(use) ?? this.newClient()
    this.#clients.set(use, found)
    return found
  }

  async at(at: BrokerAddress, use: Use): Promise<WholeBroker> {
    return this.client(use).broker(this.nodeIdOf(at))
  }

  note(nodeId: number, { host, port }: BrokerAddress): void {
    this.#nodeIds.set(`${host}:${port}`, nodeId)
  }

  nodeIdOf({ host, port }: BrokerAddress): number {
    const nodeId = this.#nodeIds.get(`${host}:${port}`)
    if (nodeId === undefined) throw new Error(`no answer named a broker at ${host}:${port}`)
    return nodeId
  }

  drop(use: Use): void {
    this.#clients.get(use)?.close()
    this.#clients.delete(use)
  }

  close(): void {
    this.#closed = true
    this.drop('group')
    this.drop('calls')
  }
}

class KafkajsControl implements Control {
  readonly #options: KafkajsSourceOptions
  readonly #brokers: KafkajsBrokers

  constructor(options: KafkajsSourceOptions, brokers: KafkajsBrokers) {
    this.#options = options
    this.#brokers = brokers
  }

  async metadata(): Promise<ClusterFacts> {
    const facts = await this.#askTopics()
    for (const [nodeId, address] of facts.brokers) this.#brokers.note(nodeId, address)
    return facts
  }

  async listOffsets(at: BrokerAddress, asks: Parameters<Control['listOffsets']>[1]) {
    return parseOffsets(await this.#ask(at, offsetsRequest(asks)))
  }

  async epochEnds(at: BrokerAddress, asks: Parameters<Control['epochEnds']>[1]) {
    return parseEpochs(await this.#ask(at, epochsRequest(asks)))
  }

  async coordinator(): Promise<BrokerAddress> {
    const { nodeId, ...at } = await this.#brokers.client('calls').coordinator(this.#options.group)
    this.#brokers.note(nodeId, at)
    return at
  }

  dropGroupConnection(): void {
    this.#brokers.drop('group')
  }

  close(): void {
    this.#brokers.close()
  }

  async #ask(at: BrokerAddress, request: RawRequest): Promise<Buffer> {
    return ask(await this.#brokers.at(at, 'calls'), request)
  }

  /** Of whichever broker answers. */
  async #askTopics(): Promise<ClusterFacts> {
    const client = this.#brokers.client('calls')
    const errors: unknown[] = []
    try {
      for (const nodeId of await client.nodeIds()) {
        const answer = await this.#tryTopics(client, nodeId)
        if (!(answer instanceof Error)) return parseMetadata(answer)
        errors.push(answer)
      }
    } catch (error) {
      errors.push(error)
    }
    // It may know only brokers that are gone: the next one begins with those of the options.
    this.#brokers.drop('calls')
    throw new AggregateError(errors, 'no broker answers')
  }

  async #tryTopics(client: KafkajsClient, nodeId: number): Promise<Buffer | Error> {
    try {
      return await ask(await client.broker(nodeId), metadataRequest(this.#options.topics))
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }
}

/** Fetches over a client of its own: nothing else waits behind a long poll. */
class KafkajsFetching implements Fetching {
  readonly #brokers: KafkajsBrokers
  #client: KafkajsClient | undefined

  constructor(brokers: KafkajsBrokers) {
    this.#brokers = brokers
  }

  async fetch(at: BrokerAddress, wish: Parameters<Fetching['fetch']>[1]) {
    this.#client ??= this.#brokers.newClient()
    const broker = await this.#client.broker(this.#brokers.nodeIdOf(at))
    const api = { apiKey: 1, apiName: 'Fetch' }
    const versions = { min: fetchVersionMin, max: fetchVersionMax }
    const version = await versionOf(broker, { ...api, ...versions })
    const body = encodeFetchRequest(version, wish)
    const timeoutMs = wish.limits.maxWaitMs + answerSlackMs
    const bytes = await ask(broker, { ...api, version, flexible: true, body, timeoutMs })
    const head = new WireReader(bytes)
    head.tags()
    return { ...parseFetchAnswer(version, bytes, head.at), bytes, byId: true }
  }

  close(): void {
    this.#client?.close()
    this.#client = undefined
  }
}
