/**
 * Our path from the broker to walked records, without parsing them: source, checksums, inflating,
 * walking, as the service does it.
 *
 * usage: our-consumer.ts PORT TOPIC TOPIC_RECORDS WARM RECORDS
 * prints: {"records", "cpuSeconds", "peakRssBytes"}
 * Reads WARM records, then RECORDS more, from the beginning again whenever a partition ends.
 */
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { jsonLogger } from '../../src/adapters/telemetry/json-logger.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { offset } from '../../src/model/offset.ts'
import { sourceKey } from '../../src/model/topic-partition.ts'
import { Intake } from '../../src/source/intake.ts'
import { partitionCount } from './topics.ts'

const [port, topic = '', topicRecords, warm, records] = process.argv.slice(2)
const [warmCount, wantedCount] = [Number(warm), Number(records)]
const endOf = BigInt(Number(topicRecords) / partitionCount)
const mib = 1_024 * 1_024
const options = {
  brokers: [`127.0.0.1:${port}`],
  group: 'bench',
  topics: [topic],
  assignment: { static: { workerIndex: 0, workerCount: 1 } },
  clientId: 'bench',
  isolation: 'read_committed',
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 60_000,
  // As `daemon/start.ts` has them.
  fetch: { maxBytes: 16 * mib, partitionMaxBytes: 4 * mib, maxWaitMs: 500, minBytes: 1 },
} as const
const silent = { count: () => {}, gauge: () => {}, observe: () => {} }
const telemetry = { log: jsonLogger('silent'), metrics: silent }
const source = openKafkaSource(options, new SystemClock(), telemetry)
const kernel = Kernel.open({ hashSeed: 1n, memoryMaxBytes: 1_024 * mib })

let count = 0
let begun: NodeJS.CpuUsage | undefined
const none: ReadonlySet<number> = new Set()
const fail = (why: string): never => {
  console.error(why)
  process.exit(1)
}
const intake = new Intake({
  input: kernel.input,
  onLoad: (load) => {
    count += load.records.count
    if (count >= warmCount) begun ??= process.cpuUsage()
    if (count >= warmCount + wantedCount) end()
  },
  onAdvance: (at, next) => {
    if (next >= endOf) source.seek(at, offset(0n))
  },
  missingSchemas: () => none,
  onSchemasMissing: () => {},
  onUnreadable: (_at, fault) => fail(fault.message),
})

function end(): never {
  const { user, system } = process.cpuUsage(begun)
  const cpuSeconds = (user + system) / 1e6
  const peakRssBytes = process.resourceUsage().maxRSS * 1_024
  console.log(JSON.stringify({ records: count - warmCount, cpuSeconds, peakRssBytes }))
  process.exit(0)
}

await source.open({
  onAssigned: async (sources) => new Map(sources.map((at) => [sourceKey(at), offset(0n)])),
  onRevoked: async () => {},
  onLost: () => {},
  onFetched: (answer) => intake.take(answer, Date.now()),
  onRefused: (_at, fault) => fail(fault.message),
  onTrouble: (fault) => {
    if (fault !== undefined) console.error(fault.message)
  },
})
