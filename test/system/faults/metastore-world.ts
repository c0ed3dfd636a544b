/**
 * A daemon whose two tables are in a real Hive Metastore behind a proxy, and the ledger of what it
 * reads. Its lake is a folder, its broker the embedded one.
 */
import { join } from 'node:path'
import { type EmbeddedBroker, startBroker } from '../../../src/adapters/embedded/broker.ts'
import { isSamePlace } from '../../../src/adapters/hive/hive-structs.ts'
import { RecordProducer } from '../../../src/adapters/kafka/record-producer.ts'
import { Fault, type FaultCode } from '../../../src/base/fault.ts'
import type { ShownPartition } from '../../../src/ports/catalog.ts'
import type { CatalogWorld } from '../../contract/catalog.ts'
import { duck, tableGlob } from '../../support/duck.ts'
import { eventually } from '../../support/eventually.ts'
import { metastoreWorld } from '../../support/metastore-world.ts'
import { numberRecord, writeNumbersConfig } from '../../support/numbers.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'
import type { RealMetastore } from '../../support/real-metastore.ts'
import { FaultProxy } from '../services/fault-proxy.ts'
import { untilFound } from './ledger.ts'

const boundMs = 120_000
/** It is read back once nobody can write what is older: the deadline and a minute later. */
const deliveredMsMax = 300_000
const hourMs = 3_600_000
const topic = 'numbers'
/** What faults of one table are provoked in. */
export const faultTable = 'numbers'
/** Of another stream: what happens to the first is none of its business. */
export const otherTable = 'others'
const tables = [faultTable, otherTable]
const partitionCount = 2

interface ToldLine {
  readonly code: FaultCode
  readonly message: string
}

interface FoundPartition extends ShownPartition {
  readonly table: string
}

/** Which hours of which tables are meant. */
export type HoursMeant = (table: string, hour: number) => boolean

export class MetastoreFaultWorld implements AsyncDisposable {
  readonly metastore: RealMetastore
  readonly proxy: FaultProxy
  /** Of this world alone. */
  readonly database: string
  readonly #folder: string
  readonly #broker: EmbeddedBroker
  readonly #startMs = Math.floor(Date.now() / hourMs) * hourMs - 300 * 24 * hourMs
  #daemon: LakewardProcess | undefined
  #config = ''
  #hours = 0
  #produced = 0

  private constructor(
    metastore: RealMetastore,
    parts: { proxy: FaultProxy; database: string; folder: string; broker: EmbeddedBroker },
  ) {
    this.metastore = metastore
    this.proxy = parts.proxy
    this.database = parts.database
    this.#folder = parts.folder
    this.#broker = parts.broker
  }

  static async open(
    metastore: RealMetastore,
    { folder, database }: { folder: string; database: string },
  ): Promise<MetastoreFaultWorld> {
    const broker = await startBroker({ directory: join(folder, 'broker') })
    broker.createTopic(topic, partitionCount)
    const proxy = await FaultProxy.open({ port: metastore.port })
    return new MetastoreFaultWorld(metastore, { proxy, database, folder, broker })
  }

  async start(): Promise<void> {
    const uris = `["thrift://${this.proxy.address}"]`
    const hive = `{ hive: { uris: ${uris}, database: ${this.database} } }`
    this.#config = await writeNumbersConfig(this.#folder, {
      brokerPort: this.#broker.port,
      assignment: 'static',
      beside: [otherTable],
      more:
        'commit: { interval: 250ms }\n' +
        `ready: { delay: 0s, idle: 1h, deliver: { deadline: 10s }, notify: [ ${hive} ] }`,
    })
    const args = ['run', '-c', this.#config, '--worker-index', '0', '--worker-count', '1']
    this.#daemon = new LakewardProcess(args)
    await this.#daemon.line('"event":"listening"')
  }

  /** @returns the exit code. */
  async stop(): Promise<number | null> {
    return (await this.#daemon?.stop()) ?? null
  }

  /** Path of the partition of an hour, from 0. */
  partition(hour: number): string {
    const [date, of] = new Date(this.#startMs + hour * hourMs).toISOString().split(/[T:]/)
    return `dt=${date}/hour=${of}`
  }

  /** Absolute URL of a folder below the lake. */
  url(path: string): string {
    return `file://${join(this.#folder, 'lake', path)}`
  }

  /** Numbers of one hour more, to both topic-partitions, the same for each stream. */
  async produceHour(count = 20): Promise<void> {
    const hour = this.#hours++
    const brokers = [`127.0.0.1:${this.#broker.port}`]
    const producer = new RecordProducer({ brokers, clientId: 'ledger', compression: 'none' })
    const numbers = Array.from({ length: count }, (_, index) => this.#produced + index)
    const records = tables.flatMap((stream) =>
      numbers.map((n, index) => {
        const timestampMs = this.#startMs + hour * hourMs + index
        const value = numberRecord(stream, n, timestampMs)
        return { topic, partition: n % partitionCount, key: undefined, value, timestampMs }
      }),
    )
    await producer.send(records)
    await producer.close()
    this.#produced += count
  }

  /** Waits until the lake holds every number once in each table. */
  async holds(): Promise<void> {
    const numbers = Array.from({ length: this.#produced }, (_, n) => n)
    for (const table of tables) {
      await untilFound(numbers, async () => {
        const glob = tableGlob(join(this.#folder, 'lake'), table)
        const rows = await duck(`SELECT n FROM ${glob} ORDER BY n`)
        return rows.map((row) => Number(row['n']))
      })
    }
  }

  /** Waits until the log has an hour as delivered: it is not looked at again by itself. */
  async untilDelivered(table: string, hour: number): Promise<void> {
    const path = this.partition(hour)
    await eventually(`${table} ${path} is delivered`, deliveredMsMax, async () => {
      const { announced } = JSON.parse(await this.#ask('ready', 'ls', table, '--json')) as {
        announced: { partitionPath: string; undelivered: readonly string[] }[]
      }
      const told = announced.find(({ partitionPath }) => partitionPath === path)
      return told?.undelivered.length === 0 ? true : undefined
    })
  }

  /** As an operator has an announcement delivered once more. */
  async resend(table: string, hour: number): Promise<void> {
    await this.#ask('ready', 'resend', table, this.partition(hour))
  }

  async #ask(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await lakeward([...words, '-c', this.#config])
    if (code !== 0) throw new Error(`"${words.join(' ')}" ended with ${code}: ${stdout}${stderr}`)
    return stdout
  }

  /** What the log ever told of the metastore. */
  told(): readonly ToldLine[] {
    return (this.#daemon?.stderr ?? []).flatMap((line): readonly ToldLine[] => {
      const { event, error } = JSON.parse(line.startsWith('{') ? line : '{}') as {
        event?: string
        error?: { code: FaultCode; facts: never }
      }
      const isMeant = event === 'registration-failed' || event === 'delivery-failed'
      if (!isMeant || error === undefined) return []
      // A line has what the message is made of.
      const { code, facts } = error
      return [{ code, message: new Fault(code, facts).message }]
    })
  }

  /** As another client of the metastore, past the proxy. */
  async asAnother<T>(work: (world: CatalogWorld) => Promise<T>): Promise<T> {
    const world = await metastoreWorld(this.metastore.port, this.#folder, this.database)
    try {
      return await work(world)
    } finally {
      await world.close()
    }
  }

  /**
   * Waits until the metastore has hours in their places, all but the newest announced.
   * @param meant absent: all of both tables.
   */
  async shows(meant: HoursMeant = () => true): Promise<void> {
    const wanted = tables.flatMap((table) =>
      Array.from({ length: this.#hours }, (_, hour) => hour)
        .filter((hour) => meant(table, hour))
        .map((hour) => ({
          table,
          path: this.partition(hour),
          location: this.url(`${table}/${this.partition(hour)}`),
          revision: hour === this.#hours - 1 ? 0 : 1,
        })),
    )
    if (wanted.length === 0) throw new Error('no hour is meant')
    await eventually(`the metastore has ${JSON.stringify(wanted)}`, boundMs, async () => {
      const found = await this.found()
      const isAsWanted = wanted.every(({ table, path, location, revision }) =>
        found.some(
          (one) =>
            one.table === table &&
            one.path === path &&
            one.revision === revision &&
            isSamePlace(one.location, location),
        ),
      )
      if (isAsWanted) return true
      throw new Error(`it has ${JSON.stringify(found)}`)
    })
  }

  /** What the metastore has of the hours that were produced. */
  found(): Promise<readonly FoundPartition[]> {
    const paths = Array.from({ length: this.#hours }, (_, hour) => this.partition(hour))
    return this.asAnother(async ({ catalog }) => {
      const found: FoundPartition[] = []
      for (const table of tables) {
        const shown = await catalog.read(table, paths, AbortSignal.timeout(boundMs))
        found.push(...shown.map((one) => ({ table, ...one })))
      }
      return found
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.kill()
    await this.proxy[Symbol.asyncDispose]()
    await this.#broker.close()
  }
}
