/** The embedded broker killed in mid-produce: what was acknowledged is there, the rest is whole. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { crc32c } from '@node-rs/crc32'
import { expect, test } from 'vitest'
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { errorCode } from '../../src/adapters/embedded/error-code.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { batchOf, fetchRequest, produceRequest } from '../unit/adapters/embedded/batches.ts'
import { RawClient } from '../unit/adapters/embedded/raw-client.ts'

const helper = new URL('../support/broker-process.ts', import.meta.url).pathname
const rounds = 6
const inFlight = 5
const recordsPerBatch = 50

/** The batch of a sequence number: large, and told apart from every other by its values. */
function numberedBatch(index: number): Buffer {
  const values = Array.from({ length: recordsPerBatch }, (_, at) =>
    `${index}/${at} `.padEnd(900, 'x'),
  )
  return batchOf({ values, producerId: 9n, firstSequence: index * recordsPerBatch })
}

async function startChild(directory: string, fileKilobytesMax: number | 'unlimited' = 'unlimited') {
  const options = JSON.stringify({ directory, segmentBytes: 4_000_000 })
  // The signal of the limit is ignored, so that a write beyond it fails as on a full disk.
  const limited = `trap '' XFSZ; ulimit -f ${fileKilobytesMax}; exec "$@"`
  const command = ['-c', limited, 'bash', process.execPath, helper, options]
  const child = spawn('bash', command, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const { port } = JSON.parse(line.toString()) as { port: number }
  return { child, port, ended: once(child, 'exit') }
}

/**
 * Produces from `first` on, several at a time, until the connection breaks. @returns next
 * unacknowledged.
 */
async function produceUntilCut(
  port: number,
  first: number,
  onAcknowledged: (count: number) => void,
) {
  const client = await RawClient.open(port)
  let sent = first
  let acknowledged = first
  const line = async (): Promise<void> => {
    for (;;) {
      const request = produceRequest('orders', numberedBatch(sent++))
      const answer = await client.call('produce', 8, request)
      expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
      // One connection answers in order, so that counting answers is enough.
      acknowledged += 1
      onAcknowledged(acknowledged - first)
    }
  }
  await Promise.allSettled(Array.from({ length: inFlight }, line))
  return acknowledged
}

async function readAll(broker: EmbeddedBroker): Promise<readonly Buffer[]> {
  await using client = await RawClient.open(broker.port)
  const batches: Buffer[] = []
  for (let fetchOffset = 0n; fetchOffset < (broker.highWatermark('orders', 0) ?? 0n); ) {
    const answer = await client.call('fetch', 11, fetchRequest([{ topic: 'orders', fetchOffset }]))
    const bytes = Buffer.concat(answer.topics[0]?.partitions[0]?.records ?? [])
    for (let at = 0; at < bytes.length; ) {
      const next = at + bytes.readInt32BE(at + 8) + 12
      batches.push(bytes.subarray(at, next))
      at = next
    }
    fetchOffset = BigInt(batches.length * recordsPerBatch)
  }
  return batches
}

test('a broker killed again and again in mid-produce keeps what it acknowledged, whole', async () => {
  await using folder = await temporaryFolder()
  const made = await startBroker({ directory: folder.path })
  made.createTopic('orders', 1)
  await made.close()
  let next = 0
  for (let round = 0; round < rounds; round++) {
    const { child, port, ended } = await startChild(folder.path)
    const killAfter = 40 + round * 37
    const acknowledged = await produceUntilCut(port, next, (count) => {
      if (count === killAfter) child.kill('SIGKILL')
    })
    expect(await ended).toEqual([null, 'SIGKILL'])
    expect(acknowledged - next).toBeGreaterThanOrEqual(killAfter)
    const broker = await startBroker({ directory: folder.path })
    const batches = await readAll(broker)
    expect(batches.length).toBeGreaterThanOrEqual(acknowledged)
    expect(broker.highWatermark('orders', 0)).toBe(BigInt(batches.length * recordsPerBatch))
    for (const [index, batch] of batches.entries()) {
      expect(batch.readBigInt64BE(0)).toBe(BigInt(index * recordsPerBatch))
      expect(crc32c(batch.subarray(21))).toBe(batch.readUInt32BE(17))
      expect(batch.subarray(21).equals(numberedBatch(index).subarray(21))).toBe(true)
    }
    await broker.close()
    next = batches.length
  }
  expect(next).toBeGreaterThan(rounds * 40)
})

test('a disk that fills up refuses batches whole, and takes them again when there is room', async () => {
  await using folder = await temporaryFolder()
  const made = await startBroker({ directory: folder.path })
  made.createTopic('orders', 1)
  await made.close()
  const { child, port, ended } = await startChild(folder.path, 500)
  const client = await RawClient.open(port)
  const codes: (number | undefined)[] = []
  while (codes.length < 20) {
    const answer = await client.call(
      'produce',
      8,
      produceRequest('orders', numberedBatch(codes.length)),
    )
    codes.push(answer.topics[0]?.partitions[0]?.errorCode)
  }
  const taken = codes.indexOf(errorCode.kafkaStorageError)
  expect(taken).toBeGreaterThan(3)
  // The first refused batch leaves a gap in the sequence, so that none behind it is taken either.
  const refused = new Set(codes.slice(taken))
  expect(refused).toEqual(new Set([errorCode.kafkaStorageError, errorCode.outOfOrderSequence]))
  await client[Symbol.asyncDispose]()
  child.kill('SIGKILL')
  await ended
  const broker = await startBroker({ directory: folder.path })
  expect(broker.tornTails).toEqual([])
  expect(await readAll(broker)).toHaveLength(taken)
  await using again = await RawClient.open(broker.port)
  const answer = await again.call('produce', 8, produceRequest('orders', numberedBatch(taken)))
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
  await broker.close()
})
