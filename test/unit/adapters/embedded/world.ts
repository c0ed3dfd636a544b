/** A broker in a folder of its own with a raw client: `await using world = await brokerWorld()`. */
import { type EmbeddedBroker, startBroker } from '../../../../src/adapters/embedded/broker.ts'
import type { BrokerOptions } from '../../../../src/adapters/embedded/settings.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { RawClient } from './raw-client.ts'

export interface BrokerWorld extends AsyncDisposable {
  readonly directory: string
  readonly broker: EmbeddedBroker
  readonly client: RawClient
  /** What the broker told of connections it closed. */
  readonly troubles: readonly Error[]
  /** Stops the broker and starts another on the same folder. */
  restart(options?: Partial<BrokerOptions>): Promise<BrokerWorld>
}

export async function brokerWorld(
  options: Partial<BrokerOptions> = {},
  inFolder?: Awaited<ReturnType<typeof temporaryFolder>>,
): Promise<BrokerWorld> {
  const folder = inFolder ?? (await temporaryFolder())
  const troubles: Error[] = []
  const settings = { directory: folder.path, ...options }
  const broker = await startBroker(settings, (trouble) => troubles.push(trouble))
  const client = await RawClient.open(broker.port)
  const stop = async (): Promise<void> => {
    await client[Symbol.asyncDispose]()
    await broker.close()
  }
  return {
    directory: folder.path,
    broker,
    client,
    troubles,
    async restart(more = {}) {
      await stop()
      return await brokerWorld({ ...options, ...more }, folder)
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** A world whose broker has the topic "orders". */
export async function ordersWorld(partitionCount: number): Promise<BrokerWorld> {
  const world = await brokerWorld()
  world.broker.createTopic('orders', partitionCount)
  return world
}
