/** A process that is a member of group "g" and prints what it is told: `source-member.ts PORT`. */
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { offset } from '../../src/model/offset.ts'
import {
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../../src/model/topic-partition.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { sourceOptions } from './kafka-world.ts'

const say = (event: string, sources: readonly SourcePartition[]): void => {
  process.stdout.write(`${event} ${sources.map(topicPartitionName).sort().join(' ')}\n`)
}

const broker = { host: '127.0.0.1', port: Number(process.argv[2]) }
const options = sourceOptions(broker, ['t'], { sessionTimeoutMs: 1_000 })
const source = openKafkaSource(options, new SystemClock(), new SimTelemetry())
await source.open({
  onAssigned: async (sources) => {
    say('assigned', sources)
    return new Map(sources.map((at) => [sourceKey(at), offset(0n)]))
  },
  onRevoked: async (sources) => say('revoked', sources),
  onLost: (sources) => say('lost', sources),
  onFetched: (parts) => {
    say(
      'fetched',
      parts.map((part) => part.source),
    )
  },
  onRefused: (at) => say('refused', [at]),
  onTrouble: (fault) => {
    process.stdout.write(`trouble ${fault?.code ?? 'over'}\n`)
  },
})
