/**
 * The example of a lake on HDFS with tables in a Hive Metastore, as its file stands: on real ones,
 * one stream's files grow, daemon and datanode are killed, and a reader looks all the while.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { copyOut, hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { HdfsLooks } from '../support/hdfs-looks.ts'
import { metastoreDatabase, metastoreWorld } from '../support/metastore-world.ts'
import { partitionOf } from '../support/numbers-world.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { ReaderLoop } from '../support/reader-loop.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'
import { hasMetastore, RealMetastore } from '../support/real-metastore.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const hourMs = 3_600_000
const rounds = 10
const daemonKilledIn = 3
const datanodeKilledIn = 6
const perRound = 10
const partitionCount = 2
const streams = ['orders', 'refunds'] as const
const example = new URL('../../examples/hdfs-hive.yaml', import.meta.url)
const proto = new URL('../../examples/etl-module/order.proto', import.meta.url)
const hasServers = [wantsHdfs(), hasMetastore('hive')].every(Boolean)

type EncodeEvent = (stream: string, n: number, eventTimeMs: number) => Uint8Array

/** Sends orders to both topics, all of one hour but where told otherwise. */
class Shop {
  readonly #producer: RecordProducer
  readonly #startMs: number
  readonly #encode: EncodeEvent
  count = 0

  private constructor(port: number, startMs: number, encode: EncodeEvent) {
    const brokers = [`127.0.0.1:${port}`]
    this.#producer = new RecordProducer({ brokers, clientId: 'shop', compression: 'none' })
    this.#startMs = startMs
    this.#encode = encode
  }

  static async open(port: number, startMs: number): Promise<Shop> {
    const order = protobuf.parse(await readFile(proto, 'utf8')).root.lookupType('shop.Order')
    const envelopes = await readFile(
      new URL('../../proto/raw_event.proto', import.meta.url),
      'utf8',
    )
    const envelope = protobuf.parse(envelopes).root.lookupType('lakeward.v1.RawEvent')
    return new Shop(port, startMs, (stream, n, eventTimeMs) => {
      const payload = order.encode({ id: `o${n}`, country: 'DE', cents: n, lines: [] }).finish()
      return envelope.encode({ stream, eventTimeMs, payload }).finish()
    })
  }

  async sendRound(): Promise<void> {
    await this.#send(
      Array.from({ length: perRound }, (_, index) => this.count + index),
      0,
    )
    this.count += perRound
  }

  /** Into the next hour, in each topic-partition. */
  closeHour = (): Promise<void> =>
    this.#send(
      Array.from({ length: partitionCount }, (_, n) => n),
      hourMs,
    )

  close = (): Promise<void> => this.#producer.close()

  async #send(numbers: readonly number[], laterMs: number): Promise<void> {
    const records = streams.flatMap((topic) =>
      numbers.map((n) => {
        const timestampMs = this.#startMs + laterMs + n
        const value = this.#encode(topic, n, timestampMs)
        return { topic, partition: n % partitionCount, key: undefined, value, timestampMs }
      }),
    )
    await this.#producer.send(records)
  }
}

describe.skipIf(!hasServers)('a lake on HDFS with tables in a metastore, by the example', () => {
  let hdfs: RealHdfs
  let metastore: RealMetastore
  beforeAll(async () => {
    hdfs = await RealHdfs.start()
    metastore = await RealMetastore.start('hive')
    await metastore.createDatabase(metastoreDatabase)
  }, 240_000)
  afterAll(async () => {
    await hdfs?.close()
    await metastore?.close()
  })

  /** The example's configuration at these addresses, with short times. */
  async function writeConfig(folder: string, brokerPort: number, below: string): Promise<string> {
    const text = await readFile(example, 'utf8')
    const changes = [
      ['127.0.0.1:9092', `127.0.0.1:${brokerPort}`],
      ['127.0.0.1:9870/lakeward/growth', `${hdfs.address}${below}`],
      ['127.0.0.1:8020/lakeward/growth', `${hdfs.rpcAddress}${below}`],
      ['127.0.0.1:9083', `127.0.0.1:${metastore.port}`],
      ['database: default', `database: ${metastoreDatabase}`],
      ['etl-module/order.proto', proto.pathname],
      ['pipeline: growth', 'pipeline: growth\nhttp: { listen: "127.0.0.1:0" }'],
      ['pipeline: growth', 'pipeline: growth\ncommit: { interval: 250ms }'],
      ['ready:\n', 'ready:\n  delay: 0s\n  idle: 1h\n'],
      ['  brokers:', '  assignment: static\n  brokers:'],
      ['    columns:', '    eventTime: { outOfOrderness: 0s, pastMax: 3650d }\n    columns:'],
    ] as const
    for (const [from] of changes) expect(text).toContain(from)
    const path = join(folder, 'lakeward.yaml')
    await writeFile(
      path,
      changes.reduce((all, [from, to]) => all.replaceAll(from, to), text),
    )
    return path
  }

  test('is whole at every look, each row once, and announced in the metastore', {
    timeout: 600_000,
  }, async () => {
    await using folder = await temporaryFolder()
    const broker = await startBroker({ directory: join(folder.path, 'broker') })
    onTestFinished(() => broker.close())
    for (const topic of streams) broker.createTopic(topic, partitionCount)
    const below = hdfs.newFolder()
    const config = await writeConfig(folder.path, broker.port, below)
    const connected = await lakeward(['check', '-c', config, '--connect'])
    expect(connected.code, connected.stdout + connected.stderr).toBe(0)

    const startMs = Math.floor(Date.now() / hourMs) * hourMs - 300 * 24 * hourMs
    const shop = await Shop.open(broker.port, startMs)
    onTestFinished(() => shop.close())
    const args = ['run', '-c', config, '--worker-index', '0', '--worker-count', '1']
    const started = (): LakewardProcess => {
      const process = new LakewardProcess(args)
      onTestFinished(() => process.kill())
      return process
    }
    const looks = new HdfsLooks(hdfs.address, `${below}/${streams[0]}`)
    const reader = new ReaderLoop('by length', looks.byLength)
    onTestFinished(() => reader.close())
    let daemon = started()
    for (let round = 0; round < rounds; round++) {
      await shop.sendRound()
      if (round === daemonKilledIn) {
        await daemon.kill()
        daemon = started()
      }
      if (round === datanodeKilledIn) {
        await hdfs.kill('datanode')
        await hdfs.startAgain()
      }
      await eventually(`round ${round} is read`, 120_000, () => reader.sees(shop.count))
    }
    await shop.closeHour()
    await eventually('the last hour is there', 60_000, () =>
      reader.sees(shop.count + partitionCount),
    )

    const partition = partitionOf(startMs)
    const world = await metastoreWorld(metastore.port, folder.path)
    onTestFinished(() => world.close())
    for (const stream of streams) {
      const shown = await eventually(`${stream} is announced`, 60_000, async () => {
        const parameters = await world.parameters(stream, partition)
        return parameters['lakeward.ready'] === 'true' ? parameters : undefined
      })
      expect(shown).toMatchObject({ numRows: `${shop.count}`, 'lakeward.revision': '1' })
      const location = `hdfs://${hdfs.rpcAddress}${below}/${stream}/${partition}`
      const signal = new AbortController().signal
      expect(await world.catalog.read(stream, [partition], signal)).toEqual([
        { path: partition, location, revision: 1 },
      ])
      const why = await lakeward(['why', stream, partition, '-c', config])
      expect(why, why.stdout + why.stderr).toMatchObject({ code: 0 })
      expect(why.stdout).toContain(`revision 1, ${shop.count} rows`)
      const files = await lakeward(['files', stream, partition, '-c', config, '--json'])
      expect(files, files.stdout + files.stderr).toMatchObject({ code: 0 })
      const told = JSON.parse(files.stdout) as { files: { bytes: number }[] }
      const totalSize = told.files.reduce((all, { bytes }) => all + bytes, 0)
      const figures = { numFiles: `${told.files.length}`, totalSize: `${totalSize}` }
      expect(shown).toMatchObject(figures)
    }
    expect(await daemon.stop()).toBe(0)
    await reader.close()
    expect(reader.wrong).toEqual([])
    expect(reader.looks).toBeGreaterThan(rounds)

    const lake = openTestHdfsLake(hdfsSettings([hdfs.address], below))
    const orders = await copyOut(lake, ['orders'], folder.path)
    const refunds = await copyOut(lake, ['refunds'], folder.path)
    expect(orders.length).toBeLessThan(refunds.length)
    for (const stream of streams) {
      const [found] = await duck(
        `SELECT count(*) AS rows, count(DISTINCT id) AS orders
         FROM ${tableGlob(folder.path, stream)} WHERE hour = '${partition.slice(-2)}'`,
      )
      expect(found).toEqual({ rows: BigInt(shop.count), orders: BigInt(shop.count) })
    }
    const verified = await lakeward(['verify', '--deep', '-c', config])
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  })
})
