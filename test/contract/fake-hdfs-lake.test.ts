import { FakeHdfs } from '../support/fake-hdfs.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { lakeContract } from './lake.ts'
import { tailsContract } from './tails.ts'

const open = async () => {
  const fake = await FakeHdfs.start()
  const settings = hdfsSettings([fake.address], '/lake')
  const another = () => openTestHdfsLake(settings)
  return { lake: another(), another, close: () => fake.close() }
}

lakeContract('HDFS, in memory', open)
tailsContract('HDFS, in memory', open)
