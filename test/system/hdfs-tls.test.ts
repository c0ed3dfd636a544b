/** The lake contract by HTTPS alone, and who is not trusted. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lakeContract } from '../contract/lake.ts'
import { tailsContract } from '../contract/tails.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { HttpProxy } from '../support/http-proxy.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'
import { HurriedClock } from '../support/s3-lakes.ts'

describe.skipIf(!wantsHdfs('hdfs-tls'))('HDFS by HTTPS as a lake', () => {
  let hdfs: RealHdfs
  beforeAll(async () => {
    hdfs = await RealHdfs.start('hdfs-tls')
  })
  afterAll(() => hdfs?.close())

  const open = async () => {
    const settings = { ...hdfsSettings([hdfs.address], hdfs.newFolder()), tls: { ca: hdfs.ca } }
    const another = () => openTestHdfsLake(settings)
    return { lake: another(), another, close: async () => {} }
  }

  lakeContract('HDFS by HTTPS', open)
  tailsContract('HDFS by HTTPS', open)

  test('a proxy makes a tunnel to the namenode and one to the datanode', async () => {
    const proxy = await HttpProxy.start()
    const settings = hdfsSettings([hdfs.address], hdfs.newFolder())
    const lake = openTestHdfsLake({ ...settings, tls: { ca: hdfs.ca }, proxy: proxy.url })
    const body = Buffer.alloc(3_000_000, 'rows')
    await lake.put('x', body)
    expect(body.equals((await lake.read('x')) ?? Buffer.alloc(0))).toBe(true)
    const targets = new Set(proxy.asked)
    expect(targets.size).toBe(2)
    expect(targets).toContain(`CONNECT ${hdfs.address}`)
    await proxy.close()
  })

  test('a server of an authority that is not trusted is not written to', async () => {
    const settings = { ...hdfsSettings([hdfs.address], hdfs.newFolder()), tls: { ca: undefined } }
    const lake = openTestHdfsLake(settings, { clock: new HurriedClock() })
    await expect(lake.put('x', Buffer.from('x'))).rejects.toMatchObject({
      code: 'LAKE_UNAVAILABLE',
      facts: { reason: expect.stringMatching(/certificate/i) },
    })
  })
})
