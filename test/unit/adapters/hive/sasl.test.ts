/** Logins to a metastore by SASL GSSAPI, on a fake of the libraries, of the door and behind it. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HiveCatalog } from '../../../../src/adapters/hive/hive-catalog.ts'
import { FrameReader, framed } from '../../../../src/adapters/hive/sasl.ts'
import { GssKerberos } from '../../../../src/adapters/kerberos/kerberos.ts'
import { FakeGss } from '../../../support/fake-gss.ts'
import { FakeMetastore } from '../../../support/fake-metastore.ts'
import { SaslDoor } from '../../../support/sasl-door.ts'

const never = new AbortController().signal
let fake: FakeMetastore
let door: SaslDoor
let gss: FakeGss
let catalog: HiveCatalog

beforeEach(async () => {
  fake = await FakeMetastore.start()
  fake.createDatabase('ods')
  door = await SaslDoor.start(fake.port)
  gss = new FakeGss()
  catalog = catalogAt([door.port])
})
afterEach(async () => {
  await catalog.close()
  await door.close()
  await fake.close()
})

const catalogAt = (ports: readonly number[]): HiveCatalog =>
  new HiveCatalog({
    name: 'hive',
    addresses: ports.map((port) => ({ host: 'localhost', port })),
    user: 'lakeward',
    database: 'ods',
    kerberos: { kerberos: new GssKerberos(gss, 'etl@REALM'), service: 'hive' },
  })

test.each([undefined, 1, 7])('calls are made behind the door, in pieces of %s', async (pieces) => {
  if (pieces !== undefined) door.manners = { pieces }
  expect(await catalog.probe(never)).toContain('"ods"')
  expect(await catalog.probe(never)).toContain('"ods"')
  // One login, and no name of a user: the metastore has its own.
  expect(door.came).toEqual(['ticket of etl@REALM for hive@localhost'])
  expect(fake.users).toEqual([])
})

test.each([
  [
    'a server that refuses',
    { refuses: 'Peer indicated\n failure' },
    /answers 3 .*: Peer indicated/,
  ],
  ['a server that is another', { proof: 'proof of hive@elsewhere' }, /Token was modified/],
  ['a server that wants all encrypted', { offer: 4 }, /signed or encrypted/],
])('%s is not told anything', async (_, manners, reason) => {
  door.manners = manners
  await expect(catalog.probe(never)).rejects.toMatchObject({
    code: 'CATALOG_LOGIN_REFUSED',
    facts: { catalog: 'hive', reason: expect.stringMatching(reason) },
  })
  expect(fake.calls).toEqual([])
})

test('a server that offers more than nothing is taken at its least', async () => {
  door.manners = { offer: 7 }
  expect(await catalog.probe(never)).toContain('"ods"')
})

test('without a ticket it is refused; while no KDC answers it is away', async () => {
  gss.trouble = 'No Kerberos credentials available'
  await expect(catalog.probe(never)).rejects.toMatchObject({ code: 'CATALOG_LOGIN_REFUSED' })
  gss.trouble = 'Cannot contact any KDC for realm "REALM"'
  await expect(catalog.probe(never)).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' })
  gss.trouble = undefined
  expect(await catalog.probe(never)).toContain('"ods"')
})

test('of two addresses the one that lets us in is asked', async () => {
  const other = await SaslDoor.start(fake.port)
  other.manners = { refuses: 'no' }
  const both = catalogAt([other.port, door.port])
  expect(await both.probe(never)).toContain('"ods"')
  await both.close()
  await other.close()
})

test('a metastore that knows no SASL is away, not waited for', async () => {
  // As the real one does with what is no call.
  const server = createServer((socket) => socket.on('data', () => socket.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const plain = catalogAt([(server.address() as AddressInfo).port])
  await expect(plain.probe(never)).rejects.toMatchObject({ code: 'CATALOG_UNAVAILABLE' })
  await plain.close()
  server.close()
})

test('frames are taken apart wherever their bytes are cut', () => {
  const bytes = Buffer.concat([
    framed(Buffer.from('one')),
    framed(Buffer.alloc(0)),
    framed(Buffer.from('two')),
  ])
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new FrameReader()
    const read: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size)
      read.push(reader.take(bytes.subarray(at, at + size)))
    expect(Buffer.concat(read).toString()).toBe('onetwo')
  }
})

test('a frame without end is refused before it is held', () => {
  expect(() => new FrameReader().take(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow('a frame of')
})
