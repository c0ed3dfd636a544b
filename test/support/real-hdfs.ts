/**
 * A real HDFS for one test file, with what tests do to it.
 *
 *     describe.skipIf(!wantsHdfs())('…', () => { … await RealHdfs.start() … })
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceNamed } from '../system/services/catalogue.ts'
import { isFetched } from '../system/services/fetch-artifacts.ts'
import { hdfsFirstFolder } from '../system/services/hdfs.ts'
import { certificateFiles } from '../system/services/kafka-listeners.ts'
import { ServiceHarness, userPlaces } from '../system/services/service-harness.ts'
import { commandEndsWell, requireNamedService, type ServiceName } from './require-service.ts'

const checkout = join(import.meta.dirname, '..', '..')
const places = userPlaces(checkout)

/** HDFS as tests want it: one namenode, a pair of them, HttpFS before one, three datanodes. */
export type HdfsService = 'hdfs' | 'hdfs-ha' | 'hdfs-httpfs' | 'hdfs-three' | 'hdfs-tls'

/**
 * Java, and the jars in the cache: a test does not download them unasked. Two JVMs take half a
 * minute to start, and a core: only where they are asked for by name.
 *
 * @param asked the name of what is tested, where it is not that of the service.
 */
export const wantsHdfs = (name: HdfsService = 'hdfs', asked: ServiceName = name): boolean =>
  requireNamedService(
    asked,
    () => commandEndsWell('java', ['-version']) && isFetched(serviceNamed(name), places.cacheRoot),
  )

interface RealHdfsPlace {
  readonly service: HdfsService
  readonly instance: string
  readonly address: string
  readonly rpcPort: number
}

export class RealHdfs {
  /** "127.0.0.1:24001": of the namenode, of both with a comma between, or of HttpFS. */
  readonly address: string
  /** Of the same one, as Hadoop's own clients reach it. */
  readonly rpcAddress: string
  readonly #harness: ServiceHarness
  readonly #instance: string
  readonly #service: HdfsService
  #folderCount = 0

  private constructor(harness: ServiceHarness, place: RealHdfsPlace) {
    this.#harness = harness
    this.#instance = place.instance
    this.#service = place.service
    this.address = place.address
    this.rpcAddress = `127.0.0.1:${place.rpcPort}`
  }

  /** A cluster of its own, empty; those of test runs that died are removed first. */
  static async start(service: HdfsService = 'hdfs'): Promise<RealHdfs> {
    const harness = new ServiceHarness({ ...places, say: () => {} })
    await harness.sweep()
    const instance = `test-${service}-${process.pid}`
    const { address, ports } = await harness.up(service, { instance, ownerPid: process.pid })
    const rpcPort = ports['namenode-rpc'] ?? 0
    return new RealHdfs(harness, { service, instance, address, rpcPort })
  }

  /** The authority that all have their certificates from, PEM. Of `hdfs-tls` alone. */
  get ca(): string {
    return readFileSync(certificateFiles(join(places.runRoot, this.#instance)).ca, 'utf8')
  }

  /** @returns a folder that nobody else uses. */
  newFolder(): string {
    return `${hdfsFirstFolder}/test-${++this.#folderCount}`
  }

  kill(node: string): Promise<void> {
    return this.#harness.kill(this.#instance, node)
  }

  /** On the same data. @throws {Error} it came up elsewhere: clients would not find it. */
  async startAgain(): Promise<void> {
    const { address } = await this.#harness.up(this.#service, { instance: this.#instance })
    if (address !== this.address) throw new Error(`came up on ${address}, was ${this.address}`)
  }

  /** Ends it and forgets its data. */
  close(): Promise<void> {
    return this.#harness.wipe(this.#instance)
  }
}
