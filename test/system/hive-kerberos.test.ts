/**
 * A real metastore that lets in whom a ticket names (`metastore.sasl.enabled`), with MIT's KDC: a
 * whole daemon shows its partitions there.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { HiveCatalog } from '../../src/adapters/hive/hive-catalog.ts'
import { MetastoreConnection } from '../../src/adapters/hive/metastore-connection.ts'
import { struct, structOf, text, textMap } from '../../src/adapters/hive/thrift-value.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { GssKerberos, type GssPackage } from '../../src/adapters/kerberos/kerberos.ts'
import { eventually } from '../support/eventually.ts'
import { numberRecord, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { requireNamedService } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { serviceNamed } from './services/catalogue.ts'
import { artifactsFolder, isFetched } from './services/fetch-artifacts.ts'
import { kerberosModules } from './services/kerberos.ts'
import { ServiceHarness, userPlaces } from './services/service-harness.ts'

const places = userPlaces(join(import.meta.dirname, '..', '..'))
const needed = ['hive-kerberos', 'kerberos'].map(serviceNamed)
const wanted = requireNamedService('hive-kerberos', () =>
  needed.every((kind) => isFetched(kind, places.cacheRoot)),
)
const boundMs = 120_000
const hourMs = 3_600_000

describe.skipIf(!wanted)('a metastore behind Kerberos', () => {
  const harness = new ServiceHarness({ ...places, say: () => {} })
  const instance = `test-hive-kerberos-${process.pid}`
  const modules = kerberosModules(artifactsFolder(serviceNamed('kerberos'), places.cacheRoot))
  const client = createRequire(join(modules, 'x'))('kerberos') as GssPackage
  const folderOf = (file: string): string => join(places.runRoot, instance, file)
  let port = 0
  let caches = 0

  beforeAll(async () => {
    await harness.sweep()
    const { ports } = await harness.up('hive-kerberos', { instance, ownerPid: process.pid })
    port = ports['thrift'] ?? 0
  }, 240_000)
  afterAll(() => harness.wipe(instance))

  const environment = (keytab = folderOf('client.keytab')) => ({
    KRB5_CONFIG: folderOf('krb5.conf'),
    KRB5_CLIENT_KTNAME: keytab,
    KRB5CCNAME: `MEMORY:${instance}-${++caches}`,
  })
  const setEnvironment = (keytab?: string): void => {
    for (const [name, value] of Object.entries(environment(keytab))) vi.stubEnv(name, value)
  }
  beforeEach(() => setEnvironment())
  afterEach(() => vi.unstubAllEnvs())

  const login = (service = 'hive') => ({
    kerberos: new GssKerberos(client, 'lakeward@LAKEWARD.TEST'),
    service,
  })
  const catalogOf = (service?: string, at = port) =>
    new HiveCatalog({
      name: 'secured',
      addresses: [{ host: 'localhost', port: at }],
      user: 'lakeward',
      database: 'ods',
      kerberos: login(service),
    })

  async function createDatabase(): Promise<void> {
    const { kerberos, service } = login()
    const sasl = { kerberos, service: `${service}@localhost` }
    const connection = await MetastoreConnection.open({ host: 'localhost', port }, boundMs, sasl)
    const database = structOf([
      [1, text('ods')],
      [2, text('')],
      [3, text(`file://${folderOf('ods')}`)],
      [4, textMap({})],
    ])
    await connection.call('create_database', structOf([[1, struct(database)]]), boundMs)
    connection.close()
  }

  test('a daemon logs in, makes its table and shows its partition', {
    timeout: 400_000,
  }, async () => {
    await createDatabase()
    await using folder = await temporaryFolder()
    const broker = await startBroker({ directory: join(folder.path, 'broker') })
    broker.createTopic('numbers', 1)
    const hive = `{ hive: { uris: ["thrift://localhost:${port}"], database: ods, kerberos: {} } }`
    const config = await writeNumbersConfig(folder.path, {
      brokerPort: broker.port,
      assignment: 'static',
      more: `commit: { interval: 250ms }\nready: { delay: 0s, idle: 1h, notify: [ ${hive} ] }`,
    })
    const env = { ...environment(), NODE_PATH: modules }
    const args = ['run', '-c', config, '--worker-index', '0', '--worker-count', '1']
    const daemon = new LakewardProcess(args, { env })
    try {
      await daemon.line('"event":"listening"')
      const startMs = Math.floor(Date.now() / hourMs) * hourMs - 300 * 24 * hourMs
      const brokers = [`127.0.0.1:${broker.port}`]
      const producer = new RecordProducer({ brokers, clientId: 'ledger', compression: 'none' })
      await producer.send(
        [0, 1, 2].map((n) => {
          const timestampMs = startMs + (n === 2 ? hourMs : n)
          const value = numberRecord('numbers', n, timestampMs)
          return { topic: 'numbers', partition: 0, key: undefined, value, timestampMs }
        }),
      )
      await producer.close()
      const [date, hour] = new Date(startMs).toISOString().split(/[T:]/)
      const path = `dt=${date}/hour=${hour}`
      const catalog = catalogOf()
      const shown = await eventually('the hour is announced', boundMs, async () => {
        const [found] = await catalog.read('numbers', [path], AbortSignal.timeout(boundMs))
        return found?.revision === 1 ? found : undefined
      })
      expect(shown.location.replace(/^file:\/+/, 'file:///')).toBe(
        `file://${join(folder.path, 'lake', 'numbers', path)}`,
      )
      await catalog.close()
      expect(await daemon.stop()).toBe(0)
    } finally {
      await daemon.kill()
      await broker.close()
    }
    // Without the package nothing is begun.
    const without = await lakeward(args)
    expect(without.code).toBe(2)
    expect(without.stderr).toMatch(/"ready\.notify\[\]\.hive\.kerberos" needs the npm package/)
  })

  test('who has no ticket, or asks for another service, is not let in', async () => {
    const signal = AbortSignal.timeout(boundMs)
    const refused = { code: 'CATALOG_LOGIN_REFUSED' }
    await expect(catalogOf('spark').probe(signal)).rejects.toMatchObject(refused)
    setEnvironment('/nowhere/client.keytab')
    await expect(catalogOf().probe(signal)).rejects.toMatchObject(refused)
  })

  test('who comes without a login is not served', async () => {
    const plain = new HiveCatalog({
      name: 'secured',
      addresses: [{ host: 'localhost', port }],
      user: 'lakeward',
      database: 'ods',
    })
    await expect(plain.probe(AbortSignal.timeout(boundMs))).rejects.toMatchObject({
      code: 'CATALOG_UNAVAILABLE',
    })
  })
})
