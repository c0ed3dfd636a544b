/** Faults of Kafka that take several brokers. */
import type { FaultCase } from './fault-case.ts'
import type { FaultWorld } from './fault-world.ts'
import { unreachable } from './kafka-cases.ts'

const at = { topic: 'numbers', partition: 1 }

async function leaderOf({ kafka }: FaultWorld): Promise<number> {
  const partitions = (await kafka.partitionsOf(at.topic)) ?? []
  return partitions.find(({ partitionId }) => partitionId === at.partition)?.leader ?? -1
}

/** The daemon knows one broker by its configuration, and the others by that one. */
const direct = (world: FaultWorld): string => {
  world.brokerPort = world.kafka.portOf('plain-1')
  return 'start: earliest'
}

export const clusterCases: readonly FaultCase[] = [
  {
    name: 'A leader moves, and the old one goes on serving',
    meanwhile: 'the old leader fences us by its epoch, and names the new one',
    ends: 'by itself, on the new leader',
    kafka: direct,
    provoke: async (world) => {
      const before = await leaderOf(world)
      await world.kafka.moveLeader(at, before)
      if ((await leaderOf(world)) === before) throw new Error(`${before} is still the leader`)
      await world.produce(100)
    },
    heal: async () => undefined,
  },
  {
    name: 'All brokers are down',
    code: 'KAFKA_UNREACHABLE',
    told: unreachable,
    ends: 'when they are back, read on from where it was',
    kafka: direct,
    provoke: (world) => world.kafka.kill(),
    heal: (world) => world.kafka.startAgain(),
  },
]
