/** Produces record batches byte for byte, by the adapter's own socket. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerSocket } from '../../src/adapters/kafka/broker-socket.ts'
import { WireReader } from '../../src/codec/kafka/wire-reader.ts'
import { WireWriter } from '../../src/codec/kafka/wire-writer.ts'
import type { TopicPartition } from '../../src/model/topic-partition.ts'

const produce = { apiKey: 0, version: 7, flexible: false }
const retriesMax = 200
const retryEveryMs = 25

/** @throws {Error} the broker refuses. Retries while a new topic has no leader yet. */
export async function produceBatches(
  address: { readonly host: string; readonly port: number },
  { topic, partition }: TopicPartition,
  batches: Uint8Array,
): Promise<void> {
  const options = { clientId: 'test', tls: undefined, connectTimeoutMs: 5_000 }
  const socket = await BrokerSocket.connect(address, options)
  try {
    for (let tries = 0; ; tries++) {
      const body = new WireWriter().int16(-1).int16(-1).int32(10_000).int32(1).string(topic, false)
      body.int32(1).int32(partition).byteString(batches, false)
      const { bytes, start } = await socket.request(produce, body.bytes())
      const reader = new WireReader(bytes, start)
      reader.int32()
      reader.string(false)
      reader.skip(8)
      const code = reader.int16()
      if (code === 0) return
      const retriable = (code === 3 || code === 5 || code === 6) && tries < retriesMax
      if (!retriable) throw new Error(`produce to ${topic}/${partition} answered ${code}`)
      await sleep(retryEveryMs)
    }
  } finally {
    socket.close()
  }
}
