/**
 * kafkajs as a way to brokers: its connections, its logins, its list of brokers. Requests that it
 * does not speak (topic ids, leader epochs, fetches of raw batches) go through its connections as
 * bytes of ours.
 *
 * Invariant: after `close` nothing is under way: its sockets are destroyed, so that a join that the
 * broker holds open fails at once.
 *
 * Source: kafkajs 2.2.4, `src/broker/index.js`, `src/network/connectionPool.js`.
 */
import { connect, type Socket } from 'node:net'
import { type Broker, type Cluster, Kafka, logLevel } from 'kafkajs'
import type { BrokerAddress } from '../../../src/adapters/kafka/options.ts'
import { Fault } from '../../../src/base/fault.ts'

/** A request in bytes. From its flexible versions on, bodies and heads have tagged fields. */
export interface RawRequest {
  readonly apiKey: number
  readonly apiName: string
  readonly version: number
  readonly flexible: boolean
  readonly body: Uint8Array
  readonly timeoutMs?: number
}

/** What a kafkajs broker has beside what its types tell. Every call rejects on an error code. */
export interface WholeBroker extends Broker {
  readonly connectionPool: { readonly send: (request: object) => Promise<Buffer> }
  joinGroup(request: {
    readonly groupId: string
    readonly sessionTimeout: number
    readonly rebalanceTimeout: number
    readonly memberId: string
    readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
  }): Promise<{
    readonly generationId: number
    readonly leaderId: string
    readonly memberId: string
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
  }>
  syncGroup(request: {
    readonly groupId: string
    readonly generationId: number
    readonly memberId: string
    readonly groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[]
  }): Promise<{ readonly memberAssignment: Buffer }>
  heartbeat(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
  }): Promise<unknown>
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
  initProducerId(request: {
    readonly transactionalId: string
    readonly transactionTimeout: number
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>
  addPartitionsToTxn(
    request: TransactionClaim & {
      readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
    },
  ): Promise<unknown>
  endTxn(request: TransactionClaim & { readonly transactionResult: boolean }): Promise<unknown>
}

/** A producer as its transaction's requests name it. */
interface TransactionClaim {
  readonly transactionalId: string
  readonly producerId: string
  readonly producerEpoch: number
}

const callNames = [
  'joinGroup',
  'syncGroup',
  'heartbeat',
  'leaveGroup',
  'initProducerId',
  'addPartitionsToTxn',
  'endTxn',
] as const

/** Asked for as a group's, a transaction's coordinator is a stranger: NOT_COORDINATOR. */
const ofTransactions = 1

function isWhole(broker: Broker): broker is WholeBroker {
  return 'connectionPool' in broker && callNames.every((name) => name in broker)
}

export class KafkajsClient {
  readonly #cluster: Cluster
  readonly #sockets = new Set<Socket>()
  #connected: Promise<void> | undefined

  constructor(brokers: readonly string[], clientId: string) {
    const kafka = new Kafka({
      brokers: [...brokers],
      clientId,
      logLevel: logLevel.NOTHING,
      // Each address once: whoever asks tries again by himself.
      retry: { retries: brokers.length, initialRetryTime: 100, maxRetryTime: 1_000 },
      socketFactory: ({ host, port, onConnect }) =>
        this.#socket(connect({ host, port }, onConnect)),
    })
    this.#cluster = clusterOf(kafka)
  }

  /** Node ids of the brokers that there are, from whichever answers. */
  async nodeIds(): Promise<readonly number[]> {
    await this.#ready()
    return this.#cluster.getNodeIds().map(Number)
  }

  /** The broker, connected. @throws {Error} there is no such node, or it is out of reach. */
  async broker(nodeId: number): Promise<WholeBroker> {
    await this.#ready()
    const node = { nodeId: `${nodeId}` }
    // The first try of a broker that is new to the client makes it look at the brokers again.
    const broker = await this.#cluster.findBroker(node).catch(() => this.#cluster.findBroker(node))
    if (!isWhole(broker)) throw new Error('this kafkajs has no group requests on its brokers')
    return broker
  }

  /** Who keeps a group. */
  async coordinator(groupId: string): Promise<BrokerAddress & { readonly nodeId: number }> {
    await this.#ready()
    const { coordinator } = await this.#cluster.findGroupCoordinatorMetadata({ groupId })
    const { host, port, nodeId } = coordinator
    return { host, port, nodeId: Number(nodeId) }
  }

  /** Who keeps a transactional id; the first that is asked for makes the brokers' log of them. */
  async transactionCoordinator(transactionalId: string): Promise<WholeBroker> {
    await this.#ready()
    const wanted = { groupId: transactionalId, coordinatorType: ofTransactions }
    const { coordinator } = await this.#cluster.findGroupCoordinatorMetadata(wanted)
    return this.broker(Number(coordinator.nodeId))
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy(new Error('closed by us'))
    this.#cluster.disconnect().catch(() => {})
  }

  async #ready(): Promise<void> {
    this.#connected ??= this.#cluster.connect().then(() => this.#cluster.refreshMetadata())
    await this.#connected
  }

  #socket(socket: Socket): Socket {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return socket.setNoDelay(true)
  }
}

/** kafkajs hands its cluster to assigners, and to nobody else. */
function clusterOf(kafka: Kafka): Cluster {
  const found: Cluster[] = []
  const assigner = { name: 'none', version: 0, assign: async () => [], protocol }
  kafka.consumer({
    groupId: 'none',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      ({ cluster }) => {
        found.push(cluster)
        return assigner
      },
    ],
  })
  const [cluster] = found
  if (cluster === undefined) throw new Error('this kafkajs shows its cluster to no assigner')
  return cluster
}

const protocol = () => ({ name: 'none', metadata: Buffer.alloc(0) })

/** Sends bytes through a broker's connections. @returns the answer behind its correlation id. */
export async function ask(broker: WholeBroker, request: RawRequest): Promise<Buffer> {
  const { apiKey, apiName, version, flexible, body, timeoutMs } = request
  // The end of a flexible head: no tagged fields.
  const bytes = flexible ? Buffer.concat([Buffer.of(0), body]) : Buffer.from(body)
  const same = async (answer: Buffer): Promise<Buffer> => answer
  return broker.connectionPool.send({
    // What kafkajs asks of an encoder.
    request: {
      apiKey,
      apiVersion: version,
      apiName,
      encode: async () => ({ buf: bytes, buffer: bytes }),
    },
    response: { decode: same, parse: same },
    requestTimeout: timeoutMs ?? null,
  })
}

/** The highest version that both speak. @throws {Fault} KAFKA_VERSION_NOT_SUPPORTED */
export async function versionOf(
  broker: WholeBroker,
  wanted: {
    readonly apiKey: number
    readonly apiName: string
    readonly min: number
    readonly max: number
  },
): Promise<number> {
  const offered = (await broker.apiVersions())[wanted.apiKey]
  const version = Math.min(wanted.max, offered?.maxVersion ?? -1)
  if (version >= wanted.min && version >= (offered?.minVersion ?? 0)) return version
  throw new Fault('KAFKA_VERSION_NOT_SUPPORTED', {
    api: wanted.apiName,
    needed: `${wanted.min} to ${wanted.max}`,
    offered: offered ? `${offered.minVersion} to ${offered.maxVersion}` : 'none',
  })
}
