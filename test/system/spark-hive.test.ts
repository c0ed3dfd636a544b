/**
 * Spark with Hive support over what a daemon announced: partitions by the metastore, files by HDFS.
 * The metastore is of Hive 3.1: Spark 3.5 asks by a call that 4.0 has no more ("get_table").
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { eventually } from '../support/eventually.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { metastoreDatabase } from '../support/metastore-world.ts'
import { PacedNumbers, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess } from '../support/processes.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'
import { hasMetastore, RealMetastore } from '../support/real-metastore.ts'
import { sparkSql, wantsSpark } from '../support/spark-sql.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const hourMs = 3_600_000
const partitionCount = 2
const announcedMin = 4
const hasServers = [wantsHdfs(), hasMetastore('hive-3'), wantsSpark()].every(Boolean)

interface Manifest {
  readonly partitionPath: string
  readonly revision: number
  readonly rows: number
}

describe.skipIf(!hasServers)('Spark with Hive support', () => {
  let hdfs: RealHdfs
  let metastore: RealMetastore
  beforeAll(async () => {
    hdfs = await RealHdfs.start()
    metastore = await RealMetastore.start('hive-3')
    await metastore.createDatabase(metastoreDatabase)
  }, 300_000)
  afterAll(async () => {
    await hdfs?.close()
    await metastore?.close()
  })

  /** The newest revision of each partition, as it stands on the lake. */
  async function manifestsOf(below: string): Promise<ReadonlyMap<string, Manifest>> {
    const lake = openTestHdfsLake(hdfsSettings([hdfs.address], below))
    const newest = new Map<string, Manifest>()
    for (const { path } of await lake.list('_lakeward/test/ready/numbers')) {
      const read = Buffer.from((await lake.read(path)) ?? []).toString()
      const manifest = JSON.parse(read) as Manifest
      const { partitionPath, revision } = manifest
      const known = newest.get(partitionPath)?.revision ?? 0
      if (revision > known) newest.set(partitionPath, manifest)
    }
    return newest
  }

  test.each(['new'] as const)(
    'counts what the manifests say, file.mode %s',
    {
      timeout: 500_000,
    },
    async (mode) => {
      await using folder = await temporaryFolder()
      const broker = await startBroker({ directory: join(folder.path, 'broker') })
      onTestFinished(() => broker.close())
      broker.createTopic('numbers', partitionCount)
      const below = hdfs.newFolder()
      const brokerPort = broker.port
      const database = `${metastoreDatabase}_${mode}`
      await metastore.createDatabase(database)
      const location = `hdfs://${hdfs.rpcAddress}${below}`
      const uris = `["thrift://127.0.0.1:${metastore.port}"]`
      const hive = `{ hive: { uris: ${uris}, database: ${database}, location: "${location}" } }`
      const config = await writeNumbersConfig(folder.path, {
        brokerPort,
        assignment: 'static',
        lake: `{ url: "hdfs://${hdfs.address}${below}", hdfs: { blockSize: 128MiB } }`,
        mode,
        more: `commit: { interval: 1s }\nready: { delay: 0s, idle: 1h, notify: [ ${hive} ] }`,
      })
      const startMs = Math.floor(Date.now() / hourMs) * hourMs - 300 * 24 * hourMs
      const pace = { startMs, stepMs: 20_000, perTick: 1 }
      const daemon = new LakewardProcess([
        'run',
        '-c',
        config,
        '--worker-index',
        '0',
        '--worker-count',
        '1',
      ])
      onTestFinished(() => daemon.kill())
      const numbers = new PacedNumbers({ brokerPort, topic: 'numbers', partitionCount, ...pace })
      await eventually('some hours are announced', 120_000, async () =>
        (await manifestsOf(below)).size >= announcedMin ? true : undefined,
      )
      await numbers.stop()
      const pending = async (): Promise<true | undefined> => {
        const { address } = JSON.parse(await daemon.line('"event":"listening"')) as {
          address: string
        }
        const metrics = await (await fetch(`${address}/metrics`)).text()
        const waiting = [...metrics.matchAll(/^lakeward_notify_pending\{.*\} (\d+)$/gm)]
        return waiting.length > 0 && waiting.every(([, count]) => count === '0') ? true : undefined
      }
      await eventually('the metastore knows of all', 120_000, pending)
      expect(await daemon.stop()).toBe(0)

      const manifests = await manifestsOf(below)
      const at = { metastore: `thrift://127.0.0.1:${metastore.port}` }
      const [counts = [], shown = []] = await sparkSql(at, [
        `SELECT concat('dt=', dt, '/hour=', hour), count(*), count(DISTINCT n)
       FROM ${database}.numbers GROUP BY dt, hour`,
        `SHOW PARTITIONS ${database}.numbers`,
      ])
      const announced = [...manifests.keys()]
      expect(shown.map(([path]) => path)).toEqual(expect.arrayContaining(announced))
      const counted = new Map(counts.map(([path = '', ...told]) => [path, told.map(Number)]))
      expect(manifests.size).toBeGreaterThanOrEqual(announcedMin)
      for (const { partitionPath, rows } of manifests.values()) {
        expect(rows, partitionPath).toBeGreaterThan(100)
        expect(counted.get(partitionPath), partitionPath).toEqual([rows, rows])
      }
    },
  )
})
