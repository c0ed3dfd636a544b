/**
 * Spark with Hive support over what a daemon announced: partitions by the metastore, files by HDFS.
 * The metastore is of Hive 3.1: Spark 3.5 asks by a call that 4.0 has no more ("get_table").
 */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { hiveCatalogAt, metastoreDatabase } from '../support/metastore-world.ts'
import { NumbersWorld } from '../support/numbers-world.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'
import { hasMetastore, RealMetastore } from '../support/real-metastore.ts'
import { SparkSql, wantsSpark } from '../support/spark-sql.ts'

const announcedMin = 4
/** A bound for what hangs. */
const waitedMsMax = 300_000
const signal = new AbortController().signal
const hasServers = [wantsHdfs(), hasMetastore('hive-3'), wantsSpark()].every(Boolean)

interface Manifest {
  readonly partitionPath: string
  readonly revision: number
  readonly rows: number
  readonly files: readonly unknown[]
}

describe.skipIf(!hasServers)('Spark with Hive support', () => {
  let hdfs: RealHdfs
  let metastore: RealMetastore
  beforeAll(async () => {
    hdfs = await RealHdfs.start()
    metastore = await RealMetastore.start('hive-3')
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

  test.each(['new', 'continue'] as const)(
    'counts what the manifests say, file.mode %s',
    {
      timeout: 900_000,
    },
    async (mode) => {
      const below = hdfs.newFolder()
      const database = `${metastoreDatabase}_${mode}`
      await metastore.createDatabase(database)
      const at = `thrift://127.0.0.1:${metastore.port}`
      const location = `hdfs://${hdfs.rpcAddress}${below}`
      const hive = `{ hive: { uris: ["${at}"], database: ${database}, location: "${location}" } }`
      const world = await NumbersWorld.open({
        partitionCount: 2,
        lake: `{ url: "hdfs://${hdfs.address}${below}", hdfs: { blockSize: 128MiB } }`,
        mode,
        more: `commit: { interval: 1s }\nready: { delay: 0s, idle: 1h, notify: [ ${hive} ] }`,
      })
      const daemon = world.startDaemon()
      const numbers = world.produce({ stepMs: 20_000, perTick: 1 })
      await eventually('some hours are announced', waitedMsMax, async () =>
        (await manifestsOf(below)).size >= announcedMin ? true : undefined,
      )
      await numbers.stop()
      const manifests = await manifestsOf(below)
      const catalog = hiveCatalogAt(metastore.port, database)
      onTestFinished(() => catalog.close())
      await eventually('the metastore shows all as ready', waitedMsMax, async () => {
        const told = await catalog.read('numbers', [...manifests.keys()], signal)
        return told.every((shown) => shown?.revision === 1) ? true : undefined
      })
      expect(await daemon.stop()).toBe(0)

      const spark = SparkSql.start({ metastore: at })
      onTestFinished(() => spark.close())
      const counts = await spark.ask(
        `SELECT concat('dt=', dt, '/hour=', hour), count(*), count(DISTINCT n)
       FROM ${database}.numbers GROUP BY dt, hour`,
      )
      const shown = await spark.ask(`SHOW PARTITIONS ${database}.numbers`)
      const announced = [...manifests.keys()]
      expect(shown.map(([path]) => path)).toEqual(expect.arrayContaining(announced))
      const counted = new Map(counts.map(([path = '', ...told]) => [path, told.map(Number)]))
      expect(manifests.size).toBeGreaterThanOrEqual(announcedMin)
      for (const { partitionPath, rows, files } of manifests.values()) {
        expect(rows, partitionPath).toBeGreaterThan(100)
        expect(counted.get(partitionPath), partitionPath).toEqual([rows, rows])
        if (mode === 'continue') expect(files, partitionPath).toHaveLength(1)
      }
    },
  )
})
