/**
 * Spark with Hive support over what a daemon announced: partitions by the metastore, files by HDFS.
 * The metastore is of Hive 3.1: Spark 3.5 asks by a call that 4.0 has no more ("get_table").
 */
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { hiveCatalogAt, metastoreDatabase } from '../support/metastore-world.ts'
import { NumbersWorld, partitionOf } from '../support/numbers-world.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'
import { hasMetastore, RealMetastore } from '../support/real-metastore.ts'
import {
  RichNumbers,
  richCountsSql,
  richProto,
  type SchemaVersion,
} from '../support/rich-numbers.ts'
import { SparkSql, wantsSpark } from '../support/spark-sql.ts'

const announcedMin = 4
const hourMs = 3_600_000
/** A bound for what hangs. */
const waitedMsMax = 300_000
const signal = new AbortController().signal
const hasServers = [wantsHdfs(), hasMetastore('hive-3'), wantsSpark()].every(Boolean)

interface Manifest {
  readonly partitionPath: string
  readonly revision: number
  readonly rows: number
  readonly reason: string
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

  /** Of each partition the revision that is asked for, as it stands on the lake. */
  async function manifestsOf(
    below: string,
    wanted: 'newest' | 'first' = 'newest',
  ): Promise<ReadonlyMap<string, Manifest>> {
    const lake = openTestHdfsLake(hdfsSettings([hdfs.address], below))
    const chosen = new Map<string, Manifest>()
    for (const { path } of await lake.list('_lakeward/test/ready/numbers')) {
      const read = Buffer.from((await lake.read(path)) ?? []).toString()
      const manifest = JSON.parse(read) as Manifest
      const { partitionPath, revision } = manifest
      const known = chosen.get(partitionPath)?.revision
      const isNewer = revision > (known ?? 0)
      if (known === undefined || isNewer === (wanted === 'newest')) {
        chosen.set(partitionPath, manifest)
      }
    }
    return chosen
  }

  /** A stream of numbers on HDFS with its table in a database of its own. */
  async function openWorld(database: string, mode: 'new' | 'continue') {
    const below = hdfs.newFolder()
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
    return { world, below, at }
  }

  /** Waits until the metastore has these revisions. */
  async function untilShown(
    database: string,
    manifests: ReadonlyMap<string, Manifest>,
  ): Promise<void> {
    const catalog = hiveCatalogAt(metastore.port, database)
    onTestFinished(() => catalog.close())
    const wanted = [...manifests.values()]
    await eventually('the metastore shows all as ready', waitedMsMax, async () => {
      const told = await catalog.read('numbers', [...manifests.keys()], signal)
      const isShown = ({ partitionPath, revision }: Manifest): boolean =>
        told.some((shown) => shown.path === partitionPath && shown.revision === revision)
      return wanted.every(isShown) ? true : undefined
    })
  }

  test.each(['new', 'continue'] as const)(
    'counts what the manifests say, file.mode %s',
    {
      timeout: 900_000,
    },
    async (mode) => {
      const database = `${metastoreDatabase}_${mode}`
      const { world, below, at } = await openWorld(database, mode)
      const daemon = world.startDaemon()
      const numbers = world.produce({ stepMs: 20_000, perTick: 1 })
      await eventually('some hours are announced', waitedMsMax, async () =>
        (await manifestsOf(below)).size >= announcedMin ? true : undefined,
      )
      await numbers.stop()
      const manifests = await manifestsOf(below)
      await untilShown(database, manifests)
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

  test.each(['new', 'continue'] as const)(
    'reads nested values, later revisions, an hour without rows and one of two schemas, %s',
    { timeout: 900_000 },
    async (mode) => {
      const database = `${metastoreDatabase}_rich_${mode}`
      const { world, below, at } = await openWorld(database, mode)
      await appendFile(world.config, '    late: { policy: append, every: 1s }\n')
      const { brokerPort, startMs } = world
      const numbers = new RichNumbers({ brokerPort, startMs, partitionCount: 2 })
      onTestFinished(() => numbers.close())
      const pathOf = (hour: number): string => partitionOf(startMs + hour * hourMs)
      /** Each in a commit of its own at least. */
      const send = async (version: SchemaVersion, ...hours: readonly number[]): Promise<void> => {
        for (const hour of hours) {
          await numbers.send(hour, version)
          await world.untilCommitted(numbers.count)
        }
      }
      const started = async (version: SchemaVersion) => {
        await writeFile(join(world.folder, 'number.proto'), richProto(version))
        return world.startDaemon()
      }
      const manifestWith = (path: string, rows: number): Promise<Manifest> =>
        eventually(`${path} is announced with ${rows} rows`, waitedMsMax, async () => {
          const manifest = (await manifestsOf(below)).get(path)
          return manifest?.rows === rows ? manifest : undefined
        })

      const first = await started(1)
      await send(1, 0, 0, 0, 1, 3)
      await manifestWith(pathOf(0), numbers.countsOf(0).rows)
      expect(await first.stop()).toBe(0)
      const second = await started(2)
      await send(2, 3, 4, 5)
      for (const late of [0, 0]) {
        await send(2, late)
        await manifestWith(pathOf(late), numbers.countsOf(late).rows)
      }
      for (const hour of [0, 1, 2, 3, 4]) {
        await manifestWith(pathOf(hour), numbers.countsOf(hour).rows)
      }
      const manifests = await manifestsOf(below)
      await untilShown(database, manifests)
      expect(await second.stop()).toBe(0)

      // What there is to be read is what it is meant to be.
      const files = (await manifestsOf(below, 'first')).get(pathOf(0))?.files ?? []
      if (mode === 'continue') expect(files).toHaveLength(1)
      else expect(files.length).toBeGreaterThanOrEqual(3)
      expect(manifests.get(pathOf(0))?.revision).toBe(3)
      expect(manifests.get(pathOf(2))).toMatchObject({ rows: 0, revision: 1, reason: 'empty' })
      expect([...manifests.keys()].sort()).toEqual([0, 1, 2, 3, 4].map(pathOf).sort())

      const spark = SparkSql.start({ metastore: at })
      onTestFinished(() => spark.close())
      const table = `${database}.numbers`
      const shown = (await spark.ask(`SHOW PARTITIONS ${table}`)).map(([path]) => path)
      expect(shown).toEqual(expect.arrayContaining([...manifests.keys()]))
      // By Spark's own reader of Parquet, and by Hive's.
      for (const isOwn of [true, false]) {
        await spark.ask(`SET spark.sql.hive.convertMetastoreParquet=${isOwn}`)
        const counted = await spark.ask(
          `SELECT concat('dt=', dt, '/hour=', hour), ${richCountsSql}
           FROM ${table} GROUP BY dt, hour`,
        )
        const found = new Map(counted.map(([path = '', ...told]) => [path, told.map(Number)]))
        for (const hour of [0, 1, 3, 4]) {
          const wanted = Object.values(numbers.countsOf(hour))
          expect(found.get(pathOf(hour)), `hour ${hour}, ${isOwn}`).toEqual(wanted)
          expect(wanted[0]).toBe(manifests.get(pathOf(hour))?.rows)
        }
        const [dt, of] = pathOf(2)
          .split('/')
          .map((part) => part.split('=')[1])
        const where = `dt = '${dt}' AND hour = '${of}'`
        expect(await spark.ask(`SELECT count(*) FROM ${table} WHERE ${where}`)).toEqual([['0']])
      }
    },
  )
})
