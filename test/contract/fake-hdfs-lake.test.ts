import { FakeHdfs } from '../support/fake-hdfs.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { lakeContract } from './lake.ts'
import { tailsContract } from './tails.ts'

const openBy = (httpfs: boolean) => async () => {
  const fake = await FakeHdfs.start()
  fake.httpfs = httpfs
  const settings = { ...hdfsSettings([fake.address], '/lake'), httpfs }
  const another = () => openTestHdfsLake(settings)
  return { lake: another(), another, close: () => fake.close() }
}

lakeContract('HDFS, in memory', openBy(false))
tailsContract('HDFS, in memory', openBy(false))
lakeContract('HttpFS, in memory', openBy(true))
tailsContract('HttpFS, in memory', openBy(true))
