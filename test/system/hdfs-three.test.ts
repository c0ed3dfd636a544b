/** One of three datanodes is killed while files are staged: others take its place. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'

const folder = 'events/dt=2026-11-20/hour=13'
const fileCount = 60
const writersCount = 8
const killedAfter = 15

describe.skipIf(!wantsHdfs('hdfs-three'))('HDFS with three datanodes', () => {
  let hdfs: RealHdfs
  beforeAll(async () => {
    hdfs = await RealHdfs.start('hdfs-three')
  })
  afterAll(() => hdfs?.close())

  test('no file is lost or cut when one dies, and all are read without it', async () => {
    const settings = { ...hdfsSettings([hdfs.address], hdfs.newFolder()), replication: 2 }
    const lake = openTestHdfsLake(settings)
    const bodyOf = (n: number): Buffer => Buffer.alloc(2_000_000 + n, `rows of ${n};`)
    let next = 0
    let killing: Promise<void> | undefined
    const write = async (): Promise<void> => {
      for (let n = next++; n < fileCount; n = next++) {
        if (n === killedAfter) killing = hdfs.kill('datanode-2')
        const place = {
          stagedPath: `events/_staging/c/${n}.staged`,
          path: `${folder}/${n}.parquet`,
        }
        await lake.stage({ ...place, chunks: [bodyOf(n)] })
        const outcome = await lake.publish({ ...place, sizeBytes: 2_000_000 + n })
        expect(outcome.kind, `${n}`).toMatch(/^(already-)?published$/)
      }
    }
    await Promise.all(Array.from({ length: writersCount }, write))
    await killing
    const other = openTestHdfsLake(settings)
    expect(await other.list('events')).toHaveLength(fileCount)
    for (let n = 0; n < fileCount; n++) {
      const body = Buffer.from((await other.read(`${folder}/${n}.parquet`)) ?? [])
      expect(body.equals(bodyOf(n)), `${n}`).toBe(true)
    }
  })
})
