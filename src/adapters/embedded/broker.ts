/**
 * The embedded broker: the Kafka protocol over TCP, in this process, with its records on disk. For
 * quick start and tests; not a broker for production (one node, no replicas, no access control).
 *
 * Invariants:
 * - a killed process loses nothing that was answered; the torn tail of a kill is cut on open;
 * - a folder belongs to one broker at a time;
 * - after `close` nothing of the broker runs any more.
 *
 * Sample of the folder: `broker.json`, `broker.lock`, `offsets.jsonl`, `transactions.jsonl`,
 * `orders-<topic id>/topic.json`, `orders-<topic id>/0/00000000000000000000.log`.
 *
 * Source: Kafka protocol guide; docs/embedded-broker.md says what is served and what is not.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { Fault } from '../../base/fault.ts'
import { type NextOffset, nextOffset } from '../../model/offset.ts'
import { type ClusterId, clusterId, type TopicId, topicId } from '../../model/topic-partition.ts'
import { BrokerFaults } from './fault-injection.ts'
import { GroupDirectory } from './groups/group-directory.ts'
import { OffsetStore } from './groups/offset-store.ts'
import type { BrokerContext } from './handlers/context.ts'
import { handlersOf } from './handlers/table.ts'
import { deleteTopic, partitionCountRefusal, topicNameRefusal } from './handlers/topics.ts'
import type { TornTail } from './log/partition-log.ts'
import { Connection } from './server/connection.ts'
import { type BrokerOptions, type BrokerSettings, settingsOf } from './settings.ts'
import { reasonOf, systemCodeOf } from './storage-error.ts'
import { BrokerFolder } from './store/broker-folder.ts'
import { TopicStore } from './store/topic-store.ts'
import { TransactionCoordinator } from './transactions/coordinator.ts'
import { Wakers } from './wakers.ts'

export interface EmbeddedBroker {
  readonly host: string
  readonly port: number
  readonly clusterId: ClusterId
  /** What a kill left torn and this start cut off; empty after a clean stop. */
  readonly tornTails: readonly TornTail[]
  /** What may be had go wrong, for tests. */
  readonly faults: BrokerFaults
  /** Makes a topic, or finds the one of that name. */
  createTopic(name: string, partitionCount: number): TopicId
  /** Deletes a topic with its records; true when there was one. */
  deleteTopic(name: string): boolean
  /** The exclusive end of what readers see; undefined when there is no such partition. */
  highWatermark(topic: string, partition: number): NextOffset | undefined
  /** Stops serving, puts everything on the disk, gives the folder free. */
  close(): Promise<void>
}

/**
 * Opens the folder and listens.
 *
 * @throws {Fault} BROKER_PORT_TAKEN · BROKER_DIRECTORY_IN_USE · BROKER_LOG_CORRUPT ·
 * BROKER_STORAGE_REFUSED; nothing is held afterwards.
 */
export async function startBroker(
  options: BrokerOptions,
  onTrouble: (trouble: Error) => void = () => undefined,
): Promise<EmbeddedBroker> {
  const settings = settingsOf(options)
  const server = createServer()
  const port = await listen(server, settings)
  try {
    return new RunningBroker(server, { settings, port, onTrouble })
  } catch (cause) {
    await new Promise((resolve) => server.close(resolve))
    throw cause
  }
}

async function listen(server: Server, settings: BrokerSettings): Promise<number> {
  const { host, port } = settings
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port, backlog: 511 }, resolve)
  try {
    await promise
  } catch (cause) {
    const taken = systemCodeOf(cause) === 'EADDRINUSE'
    const reason = taken ? 'something else listens there' : reasonOf(cause)
    throw new Fault('BROKER_PORT_TAKEN', { host, port, reason }, { cause })
  }
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

interface Listening {
  readonly settings: BrokerSettings
  readonly port: number
  readonly onTrouble: (trouble: Error) => void
}

class RunningBroker implements EmbeddedBroker {
  readonly host: string
  readonly port: number
  readonly clusterId: ClusterId
  readonly tornTails: readonly TornTail[]
  readonly faults: BrokerFaults
  readonly #server: Server
  readonly #context: BrokerContext
  readonly #connections = new Set<Connection>()
  readonly #syncTimer: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(server: Server, listening: Listening) {
    const { settings, port, onTrouble } = listening
    this.#server = server
    this.host = settings.host
    this.port = port
    this.#context = openContext(settings, port)
    this.clusterId = clusterId(this.#context.folder.clusterId)
    this.tornTails = this.#context.topics.tornTails
    this.faults = new BrokerFaults({
      partition: ({ topic, partition }) => this.#context.topics.partition(topic, partition),
      wake: (log) => this.#context.wakers.wake(log, Number.POSITIVE_INFINITY),
      dropConnections: () => this.#dropConnections(),
    })
    const around = {
      handlers: handlersOf(this.#context),
      faults: this.faults,
      requestBytesMax: settings.requestBytesMax,
      onTrouble,
    }
    server.on('connection', (socket: Socket) => {
      const connection = new Connection(socket, around)
      this.#connections.add(connection)
      socket.on('close', () => this.#connections.delete(connection))
    })
    if (settings.fsync === 'interval') {
      const sync = (): void => void this.#sync().catch(onTrouble)
      this.#syncTimer = setInterval(sync, settings.fsyncIntervalMs).unref()
    }
  }

  createTopic(name: string, partitionCount: number): TopicId {
    const known = this.#context.topics.byName(name)
    if (known !== undefined) return topicId(known.id)
    const refusal = topicNameRefusal(name) ?? partitionCountRefusal(partitionCount)
    if (refusal !== undefined) {
      throw new Fault('BROKER_TOPIC_REFUSED', { topic: name, reason: refusal.errorMessage })
    }
    return topicId(this.#context.topics.create(name, partitionCount, {}).id)
  }

  deleteTopic(name: string): boolean {
    const topic = this.#context.topics.byName(name)
    if (topic !== undefined) deleteTopic(this.#context, topic)
    return topic !== undefined
  }

  highWatermark(topic: string, partition: number): NextOffset | undefined {
    const log = this.#context.topics.partition(topic, partition)
    return log === undefined ? undefined : nextOffset(log.highWatermark)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#syncTimer)
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#dropConnections()
    await closed
    this.#context.groups.close()
    await this.#sync()
    this.#context.transactions.close()
    this.#context.offsets.close()
    this.#context.topics.close()
    this.#context.folder.release()
  }

  async #sync(): Promise<void> {
    await this.#context.topics.sync()
    await this.#context.offsets.sync()
  }

  #dropConnections(): void {
    for (const connection of this.#connections) connection.close()
  }
}

function openContext(settings: BrokerSettings, port: number): BrokerContext {
  const folder = new BrokerFolder(settings.directory)
  try {
    const topics = new TopicStore(folder.directory, folder.startCount, settings)
    const offsets = new OffsetStore(folder.directory)
    const wakers = new Wakers()
    const groups = new GroupDirectory(settings, topics)
    const transactions = new TransactionCoordinator({ folder, topics, offsets, wakers })
    const address = { host: settings.host, port }
    return { settings, address, folder, topics, wakers, groups, offsets, transactions }
  } catch (cause) {
    folder.release()
    throw cause
  }
}
