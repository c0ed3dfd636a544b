/** The lake contract through a real HttpFS, as a user and by a delegation token. */
import { userInfo } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lakeContract } from '../contract/lake.ts'
import { tailsContract } from '../contract/tails.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'

describe.skipIf(!wantsHdfs('hdfs-httpfs'))('HttpFS as a lake', () => {
  let hdfs: RealHdfs
  beforeAll(async () => {
    hdfs = await RealHdfs.start('hdfs-httpfs')
  })
  afterAll(() => hdfs?.close())

  const settingsOf = (token?: (() => Promise<string>) | 'own') => {
    const settings = hdfsSettings([hdfs.address], hdfs.newFolder())
    return { ...settings, httpfs: true, token }
  }
  const open = async () => {
    const settings = settingsOf()
    const another = () => openTestHdfsLake(settings)
    return { lake: another(), another, close: async () => {} }
  }

  lakeContract('HttpFS', open)
  tailsContract('HttpFS', open)

  /** As an operator gets one: for a user, by the same HTTP. */
  async function tokenOf(user: string): Promise<string> {
    const query = `op=GETDELEGATIONTOKEN&renewer=${user}&user.name=${user}`
    const answer = await fetch(`http://${hdfs.address}/webhdfs/v1/?${query}`)
    return ((await answer.json()) as { Token: { urlString: string } }).Token.urlString
  }

  test('a delegation token says who we are, for files as for names', async () => {
    const user = userInfo().username
    const lake = openTestHdfsLake(settingsOf(() => tokenOf(user)))
    expect(await lake.putIfAbsent('log/1', Buffer.from('by a token'))).toEqual({ kind: 'created' })
    expect(await lake.putIfAbsent('log/1', Buffer.from('again'))).toEqual({
      kind: 'already-exists',
    })
    expect(Buffer.from((await lake.read('log/1')) ?? []).toString()).toBe('by a token')
  })

  test('a token of our own is got and taken', async () => {
    const lake = openTestHdfsLake(settingsOf('own'))
    expect(await lake.putIfAbsent('log/1', Buffer.from('by our own'))).toEqual({ kind: 'created' })
    expect(Buffer.from((await lake.read('log/1')) ?? []).toString()).toBe('by our own')
  })

  test('a token that is none is refused, with the remedy', async () => {
    const lake = openTestHdfsLake(settingsOf(async () => 'GgAEcm9vdAJtZQ'))
    await expect(lake.stat('log/1')).rejects.toMatchObject({ code: 'LAKE_USER_REFUSED' })
  })

  test('who may not write is refused', async () => {
    const folder = '/of-another'
    const lake = openTestHdfsLake({ ...hdfsSettings([hdfs.address], folder), httpfs: true })
    await expect(lake.put('x', Buffer.from('x'))).rejects.toMatchObject({ code: 'LAKE_REFUSED' })
  })
})
