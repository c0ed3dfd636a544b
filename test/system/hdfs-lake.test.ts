/** The lake contract on real HDFS, and what only a real one shows. */
import { afterAll, beforeAll, describe } from 'vitest'
import { lakeContract } from '../contract/lake.ts'
import { tailsContract } from '../contract/tails.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'

describe.skipIf(!wantsHdfs())('HDFS as a lake', () => {
  let hdfs: RealHdfs
  beforeAll(async () => {
    hdfs = await RealHdfs.start()
  })
  afterAll(() => hdfs?.close())

  const open = async () => {
    const settings = hdfsSettings([hdfs.address], hdfs.newFolder())
    const another = () => openTestHdfsLake(settings)
    return { lake: another(), another, close: async () => {} }
  }

  lakeContract('HDFS', open)
  tailsContract('HDFS', open)
})
