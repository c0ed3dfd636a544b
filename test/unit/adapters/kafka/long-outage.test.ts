/** All brokers are down for ten minutes, on a clock of ours: what is asked meanwhile, and after. */
import { expect, test } from 'vitest'
import type { ClientLibrary } from '../../../../src/adapters/kafka/client-library.ts'
import type { ClusterFacts } from '../../../../src/adapters/kafka/cluster-facts.ts'
import { errorCode } from '../../../../src/adapters/kafka/error-code.ts'
import { openKafkaSource } from '../../../../src/adapters/kafka/kafka-source.ts'
import { durationMs } from '../../../../src/base/time.ts'
import { nextOffset, offset } from '../../../../src/model/offset.ts'
import { clusterId, topicId } from '../../../../src/model/topic-partition.ts'
import { SimClock } from '../../../sim/clock.ts'
import { SimTelemetry } from '../../../sim/telemetry.ts'
import { sourceOptions } from '../../../support/kafka-world.ts'
import { encodeBatch } from '../../../support/record-batch.ts'
import { RecordingReader } from '../../../support/recording-reader.ts'

const downMs = 600_000
const at = { topic: 't', topicId: topicId('6f0e8a4e-2f3b-4f53-9b0b-4f5a2b1c0d9e') }
const address = { host: '127.0.0.1', port: 9092 }
const led = { partition: 0, leaderId: 1, leaderEpoch: 0 }
const cluster: ClusterFacts = {
  clusterId: clusterId('c'),
  brokers: new Map([[1, address]]),
  topics: new Map([['t', { ...at, partitions: [led] }]]),
  missingTopics: [],
  hiddenTopics: new Map(),
}

/** One broker with one topic-partition; it forgets its members while it is down. */
class Broker {
  readonly clock = new SimClock()
  readonly values: string[] = []
  /** Moments of all that was asked while it was down. */
  readonly askedInVain: number[] = []
  isDown = false
  #memberKnown = false

  #ask(): void {
    if (!this.isDown) return
    this.#memberKnown = false
    this.askedInVain.push(this.clock.monotonicMs())
    throw new Error('connect ECONNREFUSED 127.0.0.1:9092')
  }

  readonly library: ClientLibrary = {
    control: {
      metadata: async () => {
        this.#ask()
        return cluster
      },
      listOffsets: async () => [],
      epochEnds: async () => [],
      coordinator: async () => {
        this.#ask()
        return address
      },
      dropGroupConnection: () => {},
      close: () => {},
    },
    newMember: () => ({
      join: async () => {
        this.#ask()
        this.#memberKnown = true
        return { errorCode: 0, leads: false, members: undefined }
      },
      sync: async () => {
        this.#ask()
        return { errorCode: 0, assigned: [{ topic: 't', partition: 0 }], mark: '' }
      },
      heartbeat: async () => {
        this.#ask()
        return this.#memberKnown ? errorCode.none : errorCode.unknownMember
      },
      leave: async () => {},
      commit: async () => 0,
      dropGeneration: () => {},
    }),
    newConsumer: () => {
      throw new Error('nobody speaks KIP-848 here')
    },
    newFetching: () => ({
      close: () => {},
      fetch: async (_address, { topics }) => {
        this.#ask()
        const first = topics[0]?.partitions[0]?.fetchOffset ?? offset(0n)
        if (Number(first) >= this.values.length) await this.clock.sleep(durationMs(500))
        this.#ask()
        const value = this.values[Number(first)]
        const bytes =
          value === undefined
            ? new Uint8Array()
            : encodeBatch({ baseOffset: first, records: [{ value }] })
        const part = {
          topic: at.topicId,
          partition: 0,
          errorCode: 0,
          highWatermark: nextOffset(BigInt(this.values.length)),
          abortedTransactions: [],
          preferredReplica: -1,
          diverged: undefined,
          leader: undefined,
          start: 0,
          end: bytes.length,
        }
        return { throttleMs: 0, errorCode: 0, partitions: [part], bytes, byId: true }
      },
    }),
    groupOffsets: async () => new Map(),
  }
}

test.each([
  ['a static share', { static: { workerIndex: 0, workerCount: 1 } }, ['assigned t/0']],
  ['a group', 'group', ['assigned t/0', 'lost t/0', 'assigned t/0']],
] as const)(
  'brokers that are down for ten minutes are waited for: %s',
  async (_, assignment, events) => {
    const broker = new Broker()
    const { clock, values } = broker
    const options = sourceOptions(address, ['t'], { assignment, metadataRefreshMs: 5_000 })
    const source = openKafkaSource(options, clock, new SimTelemetry(), broker.library)
    const reader = new RecordingReader()
    // As the log has it: what was taken is not read again.
    reader.from = () => offset(BigInt(reader.count))
    const pass = (ms: number): Promise<void> => clock.run(clock.sleep(durationMs(ms)))
    values.push('a', 'b')
    await clock.run(source.open(reader))
    await pass(5_000)
    expect(reader.of('t/0')).toEqual(['a', 'b'])

    broker.isDown = true
    const beganMs = clock.monotonicMs()
    await pass(downMs)
    const { askedInVain } = broker
    const pauses = askedInVain.slice(1).map((ms, index) => ms - (askedInVain[index] ?? ms))
    // Never given up, and no storm: whoever asks pauses up to 5 s between.
    expect(Math.max(...pauses)).toBeLessThanOrEqual(5_000)
    expect(askedInVain.at(-1)).toBeGreaterThan(beganMs + downMs - 5_000)
    expect(askedInVain.length).toBeLessThan(1_500)
    expect(reader.troubles.map((fault) => fault?.code)).toEqual(['KAFKA_UNREACHABLE'])

    broker.isDown = false
    values.push('c')
    await pass(10_000)
    expect(reader.of('t/0')).toEqual(['a', 'b', 'c'])
    expect(reader.events).toEqual(events)
    expect(reader.troubles.at(-1)).toBeUndefined()
    expect(reader.refused).toEqual([])
    await clock.run(source.close())
  },
)
