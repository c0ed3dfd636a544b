/**
 * Kafka on loopback as a service: one broker that is its own controller (KRaft), or three.
 *
 * Times are short, so that retention, deletion and rebalances happen within a test.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import {
  certificateSteps,
  listenerNames,
  listenerSettings,
  type Settings,
  scramWords,
} from './kafka-listeners.ts'
import type { MavenArtifacts } from './maven-project.ts'
import {
  type Ports,
  portOf,
  type ServiceKind,
  type ServicePlace,
  type ServicePlan,
  type TextFile,
} from './service-kind.ts'

/** What differs between versions. */
export interface KafkaRelease {
  readonly name: string
  readonly version: string
  readonly artifacts: MavenArtifacts
  /** Settings of this version alone. */
  readonly settings: Settings
  /** The file that tells the version's logging what to print, and the word that names it. */
  readonly logging: {
    readonly fileName: string
    readonly text: string
    readonly word: (path: string) => string
  }
}

/** The jars of a broker and its tools, without Kafka Connect. */
export const kafkaArtifacts = (version: string, logging: string): MavenArtifacts => ({
  kind: 'maven',
  roots: [
    { coordinate: `org.apache.kafka:kafka_2.13:${version}` },
    {
      coordinate: `org.apache.kafka:kafka-tools:${version}`,
      without: ['org.apache.kafka:connect-runtime', 'org.apache.kafka:connect-json'],
    },
    { coordinate: logging },
  ],
})

/** This release as one node or several, each broker and controller in one process. */
export function kafkaNodes(release: KafkaRelease, nodeCount: 1 | 3): ServiceKind {
  const nodes = Array.from({ length: nodeCount }, (_, index) => index + 1)
  const several = nodeCount > 1
  return {
    name: several ? `${release.name}-three` : release.name,
    version: release.version,
    artifacts: release.artifacts,
    ...(several ? { artifactsOf: release.name } : {}),
    portNames: nodes.flatMap((node) => nodePortNames.map((name) => portName(nodes, node, name))),
    foreignPortNames: nodes.map((node) => portName(nodes, node, 'proxy')),
    plan: (place) => planOf({ release, nodes }, place),
    address: (ports) => addresses(nodes, ports).join(','),
    isReady: (ports) => isReady(nodes, ports),
  }
}

const nodePortNames = [...listenerNames, 'proxy', 'controller'] as const
type NodePortName = (typeof nodePortNames)[number]

/** "plain" of a single node, "plain-2" of the second of several. */
const portName = (nodes: readonly number[], node: number, name: NodePortName): string =>
  nodes.length === 1 ? name : `${name}-${node}`

const addresses = (nodes: readonly number[], ports: Ports): readonly string[] =>
  nodes.map((node) => `127.0.0.1:${portOf(ports, portName(nodes, node, 'plain'))}`)

interface Cluster {
  readonly release: KafkaRelease
  /** From 1. */
  readonly nodes: readonly number[]
}

function planOf(cluster: Cluster, place: ServicePlace): ServicePlan {
  const { folder } = place
  const { fileName, text } = cluster.release.logging
  const parts = cluster.nodes.map((node) => nodePlan({ ...cluster, place, node }))
  return {
    files: [{ path: join(folder, fileName), text }, ...parts.map(({ settings }) => settings)],
    prepare: [...certificateSteps(folder), ...parts.map(({ format }) => format)],
    processes: parts.map(({ process }) => process),
  }
}

interface NodeOfCluster extends Cluster {
  readonly place: ServicePlace
  readonly node: number
}

function nodePlan(of: NodeOfCluster) {
  const { release, nodes, node, place } = of
  const { folder, artifactsFolder } = place
  const suffix = nodes.length === 1 ? '' : `-${node}`
  const dataFolder = join(folder, `data${suffix}`)
  const settings: TextFile = {
    path: join(folder, `server${suffix}.properties`),
    text: settingsText(of, dataFolder),
  }
  const logging = join(folder, release.logging.fileName)
  const java = (heap: readonly string[], ...words: readonly string[]): readonly string[] => [
    'java',
    ...heap,
    // The second compiler costs half of a start's CPU time and pays only in long runs.
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Djava.awt.headless=true',
    release.logging.word(logging),
    '-cp',
    join(artifactsFolder, '*'),
    ...words,
  ]
  const heapMax = nodes.length === 1 ? '-Xmx768m' : '-Xmx384m'
  const format = ['format', '--cluster-id', clusterIdOf(folder), '--config', settings.path]
  return {
    settings,
    format: {
      command: java(['-Xmx128m'], 'kafka.tools.StorageTool', ...format, ...scramWords),
      makes: join(dataFolder, 'meta.properties'),
    },
    process: {
      name: `broker${suffix}`,
      command: java(['-Xms128m', heapMax], 'kafka.Kafka', settings.path),
    },
  }
}

const idBytes = 16

/** 22 characters of base64url, another for each folder. A leading "-" would read as an option. */
function clusterIdOf(folder: string): string {
  const bytes = createHash('sha256').update(folder).digest().subarray(0, idBytes)
  return bytes.toString('base64url').replace(/^-/, 'A')
}

function settingsText({ release, nodes, node, place }: NodeOfCluster, data: string): string {
  const port = (name: NodePortName, of = node): number =>
    portOf(place.ports, portName(nodes, of, name))
  const voters = nodes.map((each) => `${each}@127.0.0.1:${port('controller', each)}`)
  const own: Settings = {
    'process.roles': 'broker,controller',
    'node.id': node,
    'broker.rack': `r${node}`,
    'controller.quorum.voters': voters.join(','),
    'log.dirs': data,
  }
  const listeners = listenerSettings(place.folder, (name) => port(name))
  const replicas = replicaSettings(nodes.length)
  const all: Settings = { ...own, ...listeners, ...replicas, ...shortTimes, ...release.settings }
  return `${Object.entries(all)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`
}

/** What a broker keeps for itself has as many replicas as there are nodes, and few partitions. */
function replicaSettings(nodeCount: number): Settings {
  const insync = nodeCount > 1 ? 2 : 1
  return {
    'default.replication.factor': nodeCount,
    'min.insync.replicas': insync,
    'offsets.topic.replication.factor': nodeCount,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': nodeCount,
    'transaction.state.log.min.isr': insync,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': nodeCount,
    'share.coordinator.state.topic.min.isr': insync,
    'share.coordinator.state.topic.num.partitions': 2,
    // Clients that name their rack are sent to the replica in it.
    'replica.selector.class': 'org.apache.kafka.common.replica.RackAwareReplicaSelector',
  }
}

const shortTimes: Settings = {
  // A client that asks for a missing topic must show how it copes.
  'auto.create.topics.enable': false,
  // Records of tests carry times of long ago; a topic that is to lose its old ones says so itself.
  'log.retention.ms': -1,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 1_000,
  'group.consumer.heartbeat.interval.ms': 1_000,
  'group.consumer.min.heartbeat.interval.ms': 500,
  // Long enough to start a process again in it, short enough to wait for its end.
  'group.consumer.session.timeout.ms': 12_000,
  'group.consumer.min.session.timeout.ms': 6_000,
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1_000,
  'log.retention.check.interval.ms': 2_000,
  'log.initial.task.delay.ms': 500,
  'file.delete.delay.ms': 1_000,
  'log.cleaner.dedupe.buffer.size': 4_194_304,
  'log.cleaner.backoff.ms': 1_000,
  // A leader that was killed is replaced after that.
  'broker.session.timeout.ms': 6_000,
  'broker.heartbeat.interval.ms': 1_000,
  // Of each listener.
  'num.network.threads': 1,
  'num.io.threads': 4,
  'background.threads': 2,
}

/** Every broker tells a foreign client of all of them and of their controller: they serve. */
async function isReady(nodes: readonly number[], ports: Ports): Promise<boolean> {
  for (const address of addresses(nodes, ports)) {
    const bootstrapBrokers = [address]
    const admin = new Admin({ clientId: 'lakeward-services', bootstrapBrokers, retries: 0 })
    try {
      const { brokers, controllerId } = await admin.metadata({ topics: [] })
      if (brokers.size < nodes.length || !brokers.has(controllerId)) return false
    } finally {
      await admin.close()
    }
  }
  return true
}
