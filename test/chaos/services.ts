/** Real brokers and stores as a chaos run hits them: their data lie in the folder of the round. */
import { join } from 'node:path'
import { ServiceHarness, userPlaces } from '../system/services/service-harness.ts'
import { killAtExit } from './children.ts'

const checkout = join(import.meta.dirname, '..', '..')

/** A service that is killed and comes back on its data, on the same ports. */
export class KilledService {
  readonly #harness: ServiceHarness
  readonly #name: string
  readonly #folder: string
  #address = ''
  #pids: readonly number[] = []

  /** @param folder of the round. */
  constructor(folder: string, name: 'kafka-4' | 's3' | 'hdfs') {
    const runRoot = join(folder, 'services')
    this.#harness = new ServiceHarness({ ...userPlaces(checkout), runRoot, say: () => {} })
    this.#name = name
    this.#folder = join(runRoot, name)
    killAtExit(() => this.#killNow())
  }

  /** "127.0.0.1:9092", "http://127.0.0.1:9000"; of HDFS the namenode's. */
  get address(): string {
    return this.#address
  }

  get port(): number {
    return Number(this.#address.split(':').at(-1))
  }

  /** Where versitygw keeps the first bucket: an object is a file. */
  get bucketFolder(): string {
    return join(this.#folder, 'data', 'lakeward')
  }

  /** Ends when it answers as it answers a client. */
  async start(): Promise<void> {
    const { address, pids } = await this.#harness.up(this.#name)
    if (this.#address !== '' && address !== this.#address) {
      throw new Error(`${this.#name} came up on ${address}, was ${this.#address}`)
    }
    this.#address = address
    this.#pids = Object.values(pids)
  }

  /** @param node one process of it; all when absent. */
  async kill(node?: string): Promise<void> {
    await this.#harness.kill(this.#name, node)
    if (node === undefined) this.#pids = []
  }

  #killNow(): void {
    for (const pid of this.#pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It ended before.
      }
    }
  }
}
