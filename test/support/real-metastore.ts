/**
 * A real Hive Metastore for one test file.
 *
 *     describe.skipIf(!hasMetastore('hive'))('…', () => { … await RealMetastore.start('hive') … })
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { MetastoreConnection } from '../../src/adapters/hive/metastore-connection.ts'
import { struct, structOf, text, textMap } from '../../src/adapters/hive/thrift-value.ts'
import { serviceNamed } from '../system/services/catalogue.ts'
import { isFetched } from '../system/services/fetch-artifacts.ts'
import { ServiceHarness, userPlaces } from '../system/services/service-harness.ts'
import { requireNamedService } from './require-service.ts'

export type MetastoreName = 'hive' | 'hive-3'

const checkout = join(import.meta.dirname, '..', '..')
const places = userPlaces(checkout)

/** The jars are in the cache: a test does not fetch them unasked. Takes half a minute and more. */
export const hasMetastore = (name: MetastoreName): boolean =>
  requireNamedService(name, () => isFetched(serviceNamed(name), places.cacheRoot))

export class RealMetastore {
  readonly port: number
  /** Where its database has its tables. */
  readonly folder: string
  readonly #harness: ServiceHarness
  readonly #name: MetastoreName
  readonly #instance: string

  private constructor(
    harness: ServiceHarness,
    place: { name: MetastoreName; instance: string; port: number },
  ) {
    this.#harness = harness
    this.#name = place.name
    this.#instance = place.instance
    this.port = place.port
    this.folder = join(places.runRoot, place.instance, 'lake')
    mkdirSync(this.folder, { recursive: true })
  }

  /** A metastore of its own; those of test runs that died are removed first. */
  static async start(name: MetastoreName): Promise<RealMetastore> {
    const harness = new ServiceHarness({ ...places, say: () => {} })
    await harness.sweep()
    const instance = `test-${name}-${process.pid}`
    const { ports } = await harness.up(name, { instance, ownerPid: process.pid })
    return new RealMetastore(harness, { name, instance, port: ports['thrift'] ?? 0 })
  }

  /** The metastore's tables are made as they are first needed, which takes some seconds. */
  async createDatabase(name: string): Promise<void> {
    const timeoutMs = 60_000
    const at = { host: '127.0.0.1', port: this.port }
    const client = await MetastoreConnection.open(at, timeoutMs)
    const database = structOf([
      [1, text(name)],
      [2, text('')],
      [3, text(`file://${this.folder}`)],
      [4, textMap({})],
    ])
    try {
      await client.call('create_database', structOf([[1, struct(database)]]), timeoutMs)
    } finally {
      client.close()
    }
  }

  kill(): Promise<void> {
    return this.#harness.kill(this.#instance)
  }

  pause(): Promise<void> {
    return this.#harness.pause(this.#instance)
  }

  resume(): void {
    this.#harness.resume(this.#instance)
  }

  /** On the same data. @throws {Error} it came up elsewhere: clients would not find it. */
  async startAgain(): Promise<void> {
    const { ports } = await this.#harness.up(this.#name, { instance: this.#instance })
    if (ports['thrift'] !== this.port) throw new Error('came up on another port')
  }

  /** Ends it and forgets its data. */
  close(): Promise<void> {
    return this.#harness.wipe(this.#instance)
  }
}
