/** A daemon with its lake on a real HDFS behind doors, and the ledger of the numbers it reads. */
import { mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { type EmbeddedBroker, startBroker } from '../../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../../src/adapters/kafka/record-producer.ts'
import { duck, tableGlob } from '../../support/duck.ts'
import { eventually } from '../../support/eventually.ts'
import { hdfsSettings, openTestHdfsLake } from '../../support/hdfs-lakes.ts'
import { numberRecord, writeNumbersConfig } from '../../support/numbers.ts'
import { LakewardProcess } from '../../support/processes.ts'
import type { RealHdfs } from '../../support/real-hdfs.ts'
import { HdfsDoors } from './hdfs-doors.ts'

const boundMs = 120_000
const topic = 'numbers'
const worker = ['--worker-index', '0', '--worker-count', '1']
const partitionCount = 2

export class HdfsFaultWorld {
  readonly hdfs: RealHdfs
  readonly #folder: string
  readonly #mode: 'new' | 'continue'
  /** Of the lake, on HDFS. */
  readonly below: string
  #doors: HdfsDoors | undefined
  #broker: EmbeddedBroker | undefined
  #daemon: LakewardProcess | undefined
  #copies = 0
  produced = 0

  constructor(options: { hdfs: RealHdfs; folder: string; mode: 'new' | 'continue' }) {
    this.hdfs = options.hdfs
    this.#folder = options.folder
    this.#mode = options.mode
    this.below = options.hdfs.newFolder()
  }

  get doors(): HdfsDoors {
    if (this.#doors === undefined) throw new Error('the doors are not open')
    return this.#doors
  }

  /** @param both the configuration names two namenodes. */
  async start({ both }: { both: boolean }): Promise<void> {
    this.#doors = await HdfsDoors.open({ namenode: `http://${this.hdfs.address}` })
    this.#broker = await startBroker({ directory: join(this.#folder, 'broker') })
    this.#broker.createTopic(topic, partitionCount)
    const one = this.doors.address('namenode')
    const namenodes = both ? `${one},${this.doors.address('other-namenode')}` : one
    const url = `hdfs://${namenodes}${this.below}`
    const config = await writeNumbersConfig(this.#folder, {
      brokerPort: this.#broker.port,
      assignment: 'static',
      topic,
      lake: `{ url: "${url}", hdfs: { user: lakeward, blockSize: 128MiB } }`,
      mode: this.#mode,
    })
    this.#daemon = new LakewardProcess(['run', '-c', config, ...worker])
    await this.#daemon.line('"event":"listening"')
  }

  async stop(): Promise<number | null> {
    return (await this.#daemon?.stop()) ?? null
  }

  async close(): Promise<void> {
    await this.#daemon?.kill()
    await this.#doors?.[Symbol.asyncDispose]()
    await this.#broker?.close()
  }

  /** Number n goes to partition n mod 2. */
  async produce(count: number): Promise<void> {
    const brokers = [`127.0.0.1:${this.#broker?.port}`]
    const producer = new RecordProducer({ brokers, clientId: 'ledger', compression: 'none' })
    const timestampMs = Date.now()
    const records = Array.from({ length: count }, (_, index) => {
      const n = this.produced + index
      const value = numberRecord('numbers', n, timestampMs)
      return { topic, partition: n % partitionCount, key: undefined, value, timestampMs }
    })
    await producer.send(records)
    await producer.close()
    this.produced += count
  }

  /** What health tells now, and what was ever logged. */
  async told(): Promise<readonly string[]> {
    const { address } = JSON.parse((await this.#daemon?.line('"event":"listening"')) ?? '{}') as {
      address: string
    }
    const answer = await fetch(`${address}/readyz`)
    const { reasons } = (await answer.json()) as { reasons: readonly string[] }
    return reasons
  }

  logged(text: string): boolean {
    return this.#daemon?.stderr.some((line) => line.includes(text)) === true
  }

  /** As the cluster's own user, past the doors. @returns the answer's status. */
  async admin(method: 'PUT' | 'DELETE', path: string, operation: string): Promise<number> {
    const place = encodeURI(`${this.below}${path}`)
    const user = userInfo().username
    const url = `http://${this.hdfs.address}/webhdfs/v1${place}?op=${operation}&user.name=${user}`
    const answer = await fetch(url, { method })
    await answer.arrayBuffer()
    return answer.status
  }

  /** Waits until exactly the numbers that were produced stand in the table, each once. */
  async holds(): Promise<void> {
    const wanted = Array.from({ length: this.produced }, (_, n) => n).join(' ')
    const found = await eventually(`${this.produced} numbers stand`, boundMs, async () => {
      const rows = await this.#rows()
      return rows.length >= this.produced ? rows.join(' ') : undefined
    })
    if (found !== wanted) throw new Error(`the lake holds ${found}, the ledger ${wanted}`)
  }

  /** Copied out of HDFS past the doors, as any client does. */
  async #rows(): Promise<readonly number[]> {
    const lake = openTestHdfsLake(hdfsSettings([this.hdfs.address], this.below))
    const folder = join(this.#folder, `copy-${++this.#copies}`)
    const listed = await lake.list(topic).catch(() => [])
    const files = listed.filter(({ path }) => path.endsWith('.parquet'))
    if (files.length === 0) return []
    for (const { path } of files) {
      const target = join(folder, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, (await lake.read(path)) ?? new Uint8Array(0))
    }
    const rows = await duck(`SELECT n FROM ${tableGlob(folder, 'numbers')} ORDER BY n`)
    return rows.map((row) => Number(row['n']))
  }
}
