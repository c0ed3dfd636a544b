/**
 * Readers of a table whose files grow, on real HDFS, while commits come and daemon and datanode are
 * killed in turn: none ever meets a file that is none, a row twice, or a row less.
 *
 * Each ten commits have a crash. By hand more, kept in bench/results/hdfs-readers.md:
 * `LAKEWARD_COMMITS=200`.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { eventually } from '../support/eventually.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { HdfsLooks } from '../support/hdfs-looks.ts'
import { numberRecord } from '../support/numbers.ts'
import { NumbersWorld } from '../support/numbers-world.ts'
import { PyarrowRows } from '../support/pyarrow-rows.ts'
import { NoAnswer, ReaderLoop, type Seen } from '../support/reader-loop.ts'
import { recordReaders } from '../support/reader-record.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'
import { hasPyarrow } from '../support/require-service.ts'
import { SparkSql, wantsSpark } from '../support/spark-sql.ts'

const byHand = process.env['LAKEWARD_COMMITS']
const commitCount = Number(byHand ?? 20)
const crashEvery = 10
/** So often each reader is waited for, and after each crash; else one that is quick. */
const allLookEvery = 5
const perCommit = 50
const partitionCount = 2
const lookedMsMax = 120_000
/** After a round was sent, somewhere in the commit that takes it. */
const crashPauses = [0, 260, 90, 350, 180, 40, 310, 130, 390, 220]

/** What Spark says where a datanode is down, and not of a file. */
const noAnswer =
  /BlockMissingException|Could not obtain block|ConnectException|Connection (refused|reset)/

/** As Spark reads files that it lists itself, every column. */
const bySpark =
  (spark: SparkSql, url: string): (() => Promise<Seen>) =>
  async () => {
    const query = `SELECT count(*), count(DISTINCT _partition, _offset), sum(n + length(text))
      FROM parquet.\`${url}\``
    try {
      const [[rows, records] = []] = await spark.ask(query)
      return { rows: Number(rows), records: Number(records) }
    } catch (error) {
      if (noAnswer.test(String(error))) throw new NoAnswer('no datanode', { cause: error })
      throw error
    }
  }

describe.skipIf(!wantsHdfs())('readers of files that grow', () => {
  let hdfs: RealHdfs
  beforeAll(async () => {
    hdfs = await RealHdfs.start()
  })
  afterAll(() => hdfs?.close())

  function startReaders(table: string): readonly ReaderLoop[] {
    const looks = new HdfsLooks(hdfs.address, table)
    const readers = [
      new ReaderLoop('by length', looks.byLength),
      new ReaderLoop('by plain OPEN', looks.byOpen),
    ]
    if (hasPyarrow()) {
      const pyarrow = new PyarrowRows()
      onTestFinished(() => pyarrow.close())
      readers.push(new ReaderLoop('pyarrow', looks.byPyarrow(pyarrow)))
    }
    if (wantsSpark()) {
      const spark = SparkSql.start({})
      onTestFinished(() => spark.close())
      readers.push(new ReaderLoop('Spark', bySpark(spark, `hdfs://${hdfs.rpcAddress}${table}`)))
    }
    for (const reader of readers) onTestFinished(() => reader.close())
    return readers
  }

  test('each look finds whole files, each row once, and all that was there before', {
    timeout: 300_000 + commitCount * 20_000,
  }, async () => {
    const below = hdfs.newFolder()
    const lake = `{ url: "hdfs://${hdfs.address}${below}", hdfs: { blockSize: 128MiB } }`
    const world = await NumbersWorld.open({ partitionCount, lake, mode: 'continue' })
    const brokers = [`127.0.0.1:${world.brokerPort}`]
    const producer = new RecordProducer({ brokers, clientId: 'numbers', compression: 'none' })
    onTestFinished(() => producer.close())
    let count = 0
    const send = async (): Promise<void> => {
      const numbers = Array.from({ length: perCommit }, () => count++)
      await producer.send(
        numbers.map((n) => ({
          topic: 'numbers',
          partition: n % partitionCount,
          key: undefined,
          value: numberRecord('numbers', n, world.startMs + n),
          timestampMs: world.startMs + n,
        })),
      )
    }

    let daemon = world.startDaemon()
    let daemonKills = 0
    let datanodeKills = 0
    const beganMs = performance.now()
    await send()
    await daemon.line('"event":"committed"')
    const readers = startReaders(`${below}/numbers`)
    const untilSeen = async (what: string, by: readonly ReaderLoop[]): Promise<void> => {
      await eventually(what, lookedMsMax, () => {
        const isWrong = readers.some(({ wrong }) => wrong.length > 0)
        return isWrong || by.every((reader) => reader.sees(count)) ? true : undefined
      })
      expect(readers.flatMap(({ wrong }) => wrong)).toEqual([])
    }
    await untilSeen('the first commit', readers)
    for (let commit = 1; commit < commitCount; commit++) {
      await send()
      if (commit % crashEvery === crashEvery / 2) {
        const crash = Math.floor(commit / crashEvery)
        await sleep(crashPauses[crash % crashPauses.length])
        if (crash % 2 === 0) {
          await daemon.kill()
          daemon = world.startDaemon()
          daemonKills++
        } else {
          await hdfs.kill('datanode')
          await hdfs.startAgain()
          datanodeKills++
        }
      }
      const by = commit % allLookEvery === 0 ? readers : readers.slice(0, 1)
      await untilSeen(`commit ${commit}`, by)
    }
    await untilSeen('all commits', readers)
    expect(await daemon.stop()).toBe(0)
    for (const reader of readers) await reader.close()

    const stands = openTestHdfsLake(hdfsSettings([hdfs.address], below))
    const listed = await stands.list('numbers')
    const fileCount = listed.filter(({ path }) => path.endsWith('.parquet')).length
    const seconds = (performance.now() - beganMs) / 1_000
    const run = { commitCount, daemonKills, datanodeKills, rows: count, fileCount, seconds }
    if (byHand !== undefined) recordReaders({ ...run, readers })
    expect(readers.flatMap(({ wrong }) => wrong)).toEqual([])
    expect(fileCount).toBeLessThanOrEqual(daemonKills + 1)
    await world.ask('verify', '--deep')
  })
})
