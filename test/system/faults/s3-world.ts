/** A daemon with its lake on a real S3 server behind a proxy, and the ledger of what it reads. */
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { type EmbeddedBroker, startBroker } from '../../../src/adapters/embedded/broker.ts'
import { duck, tableGlob } from '../../support/duck.ts'
import { writeNumbersConfig } from '../../support/numbers.ts'
import { LakewardProcess, lakeward } from '../../support/processes.ts'
import type { RealS3 } from '../../support/real-s3.ts'
import { copyTable } from '../../support/s3-lakes.ts'
import { HttpFaultProxy } from '../services/http-fault-proxy.ts'
import { sendNumbers, untilFound } from './ledger.ts'

const topic = 'numbers'
const partitionCount = 2

export class S3World implements AsyncDisposable {
  readonly server: RealS3
  readonly proxy: HttpFaultProxy
  readonly #bucket: string
  readonly #folder: string
  readonly #broker: EmbeddedBroker
  #config = ''
  #daemon: LakewardProcess | undefined
  #address = ''
  #looks = 0
  /** Every number below was produced, and acknowledged. */
  produced = 0

  private constructor(
    server: RealS3,
    parts: { proxy: HttpFaultProxy; bucket: string; folder: string; broker: EmbeddedBroker },
  ) {
    this.server = server
    this.proxy = parts.proxy
    this.#bucket = parts.bucket
    this.#folder = parts.folder
    this.#broker = parts.broker
  }

  static async open(server: RealS3, folder: string): Promise<S3World> {
    const broker = await startBroker({ directory: join(folder, 'broker') })
    broker.createTopic(topic, partitionCount)
    const proxy = await HttpFaultProxy.open(server.endpoint)
    return new S3World(server, { proxy, bucket: await server.createBucket(), folder, broker })
  }

  /** The environment has the keys: LAKE_ACCESS_KEY, LAKE_SECRET_KEY. */
  async start(): Promise<void> {
    const keys = '{ accessKey: "env:LAKE_ACCESS_KEY", secretKey: "env:LAKE_SECRET_KEY" }'
    const url = `s3://${this.#bucket}/below`
    this.#config = await writeNumbersConfig(this.#folder, {
      brokerPort: this.#broker.port,
      assignment: 'static',
      lake: `{ url: "${url}", endpoint: "${this.proxy.endpoint}", credentials: ${keys} }`,
    })
    const worker = ['--worker-index', '0', '--worker-count', '1']
    this.#daemon = new LakewardProcess(['run', '-c', this.#config, ...worker])
    const line = await this.#daemon.line('"event":"listening"')
    this.#address = (JSON.parse(line) as { address: string }).address
  }

  /** @returns the exit code. */
  async stop(): Promise<number | null> {
    return (await this.#daemon?.stop()) ?? null
  }

  async produce(count: number): Promise<void> {
    const brokers = [`127.0.0.1:${this.#broker.port}`]
    await sendNumbers({ brokers, topic, partitionCount, first: this.produced, count })
    this.produced += count
  }

  /** What `/readyz` says is wrong. */
  async reasons(): Promise<readonly string[]> {
    const { reasons } = (await (await fetch(`${this.#address}/readyz`)).json()) as {
      reasons: readonly string[]
    }
    return reasons
  }

  /** How often the request came that came most often since the proxy's list was emptied. */
  tries(): number {
    const counts = new Map<string, number>()
    for (const asked of this.proxy.asked) counts.set(asked, (counts.get(asked) ?? 0) + 1)
    return Math.max(0, ...counts.values())
  }

  /** Takes the bucket away, or brings it back: to this server it is a folder. */
  async moveBucket(where: 'away' | 'back'): Promise<void> {
    const here = join(this.server.dataFolder, this.#bucket)
    const away = join(this.#folder, 'bucket-away')
    await (where === 'away' ? rename(here, away) : rename(away, here))
  }

  /** Waits until the bucket holds every number once; asks the server itself. */
  async holds(): Promise<void> {
    const numbers = Array.from({ length: this.produced }, (_, n) => n)
    await untilFound(numbers, async () => {
      const copy = join(this.#folder, `copy-${this.#looks++}`)
      const { client } = this.server
      if ((await copyTable({ client, bucket: this.#bucket, prefix: 'below' }, copy)) === 0)
        return []
      const rows = await duck(`SELECT n FROM ${tableGlob(copy, 'numbers')} ORDER BY n`)
      return rows.map((row) => Number(row['n']))
    })
  }

  /** `verify --deep`. @returns what it printed, when it found something. */
  async damage(): Promise<string | undefined> {
    const { code, stdout, stderr } = await lakeward(['verify', '--deep', '-c', this.#config])
    return code === 0 ? undefined : stdout + stderr
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#daemon?.kill()
    await this.proxy[Symbol.asyncDispose]()
    await this.#broker.close()
  }
}
