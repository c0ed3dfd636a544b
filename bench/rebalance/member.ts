/**
 * A process that reads as a member of a group and keeps when records of each partition came:
 * `member.ts BROKERS TOPIC GROUP PROTOCOL SESSION_MS`. Prints a line of JSON for each change of its
 * share, and what it kept when it is told to end (SIGTERM).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { jsonLogger } from '../../src/adapters/telemetry/json-logger.ts'
import type { Offset } from '../../src/model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../../src/model/topic-partition.ts'

const [brokers = '', topic = '', group = '', protocol = '', sessionMs = ''] = process.argv.slice(2)
const mib = 1_048_576
const askAgainMs = 100
/** As the daemon has it. */
const rebalanceTimeoutMs = 60_000

export interface ShareLine {
  readonly event: 'assigned' | 'revoked' | 'lost'
  readonly atMs: number
  readonly partitions: readonly number[]
}

export interface EndLine {
  readonly event: 'ended'
  /** By partition. */
  readonly arrivals: Readonly<Record<number, readonly number[]>>
}

const arrivals: Record<number, number[]> = {}
const silent = { count: () => {}, gauge: () => {}, observe: () => {} }
const telemetry = { log: jsonLogger('silent'), metrics: silent }

const print = (line: ShareLine | EndLine): void => {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function say(event: ShareLine['event'], sources: readonly SourcePartition[]): void {
  const partitions = sources.map(({ partition }) => partition)
  print({ event, atMs: Date.now(), partitions })
}

const options = {
  brokers: brokers.split(','),
  group,
  topics: [topic],
  assignment: 'group',
  groupProtocol: protocol === 'consumer' ? 'consumer' : 'classic',
  clientId: 'bench',
  isolation: 'read_committed',
  sessionTimeoutMs: Number(sessionMs),
  rebalanceTimeoutMs,
  fetch: { maxBytes: 16 * mib, partitionMaxBytes: 4 * mib, maxWaitMs: 500, minBytes: 1 },
} as const

const source = openKafkaSource(options, new SystemClock(), telemetry)

/** As the daemon does: what no leader answers for is asked again, or nobody would ever read it. */
async function endsOf(
  sources: readonly SourcePartition[],
): Promise<ReadonlyMap<SourceKey, Offset>> {
  const found = new Map<SourceKey, Offset>()
  for (let left = sources; left.length > 0; ) {
    for (const [key, end] of await source.offsetsAt(left, 'latest')) found.set(key, end)
    left = left.filter((at) => !found.has(sourceKey(at)))
    if (left.length > 0) await sleep(askAgainMs)
  }
  return found
}

await source.open({
  onAssigned: async (sources) => {
    const from = await endsOf(sources)
    say('assigned', sources)
    return from
  },
  onRevoked: async (sources) => say('revoked', sources),
  onLost: (sources) => say('lost', sources),
  onFetched: (parts) => {
    const nowMs = Date.now()
    for (const { source: at } of parts) {
      arrivals[at.partition] ??= []
      arrivals[at.partition]?.push(nowMs)
    }
  },
  onRefused: (at, fault) => process.stderr.write(`${at.partition}: ${fault.message}\n`),
  onTrouble: (fault) => void (fault && process.stderr.write(`${fault.message}\n`)),
})
process.once('SIGTERM', () => {
  print({ event: 'ended', arrivals })
  source.close().catch((error: unknown) => process.stderr.write(`${String(error)}\n`))
})
