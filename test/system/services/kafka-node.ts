/**
 * One Kafka broker that is its own controller (KRaft), plain text on loopback, as a service.
 *
 * What a broker keeps for itself (offsets, transactions) has one replica and few partitions; times
 * are short, so that retention, deletion and rebalances happen within a test.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
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
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** The file that tells the version's logging what to print, and the word that names it. */
  readonly logging: {
    readonly fileName: string
    readonly text: string
    readonly word: (path: string) => string
  }
}

type Settings = Readonly<Record<string, string | number | boolean>>

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

/** A single node of this release. */
export const kafkaNode = (release: KafkaRelease): ServiceKind => ({
  name: release.name,
  version: release.version,
  artifacts: release.artifacts,
  portNames: ['plain', 'controller'],
  plan: (place) => planOf(release, place),
  address,
  isReady,
})

const address = (ports: Ports): string => `127.0.0.1:${portOf(ports, 'plain')}`

function planOf(release: KafkaRelease, place: ServicePlace): ServicePlan {
  const { folder, artifactsFolder } = place
  const dataFolder = join(folder, 'data')
  const settingsFile = {
    path: join(folder, 'server.properties'),
    text: settingsText(release, place),
  }
  const { fileName, text, word } = release.logging
  const loggingFile: TextFile = { path: join(folder, fileName), text }
  const java = (heap: readonly string[], ...words: readonly string[]): readonly string[] => [
    'java',
    ...heap,
    // The second compiler costs half of a start's CPU time and pays only in long runs.
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Djava.awt.headless=true',
    word(loggingFile.path),
    '-cp',
    join(artifactsFolder, '*'),
    ...words,
  ]
  const format = ['format', '--cluster-id', clusterIdOf(folder), '--config', settingsFile.path]
  return {
    files: [settingsFile, loggingFile],
    prepare: [
      {
        command: java(['-Xmx128m'], 'kafka.tools.StorageTool', ...format),
        makes: join(dataFolder, 'meta.properties'),
      },
    ],
    processes: [
      {
        name: 'broker',
        command: java(['-Xms128m', '-Xmx768m'], 'kafka.Kafka', settingsFile.path),
      },
    ],
  }
}

const idBytes = 16

/** 22 characters of base64url, another for each folder. A leading "-" would read as an option. */
function clusterIdOf(folder: string): string {
  const bytes = createHash('sha256').update(folder).digest().subarray(0, idBytes)
  return bytes.toString('base64url').replace(/^-/, 'A')
}

function settingsText(release: KafkaRelease, { folder, ports }: ServicePlace): string {
  const listeners = `PLAINTEXT://${address(ports)}`
  const controller = `127.0.0.1:${portOf(ports, 'controller')}`
  const place: Settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `${listeners},CONTROLLER://${controller}`,
    'advertised.listeners': listeners,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
  }
  const all: Settings = { ...place, ...internalTopics, ...shortTimes, ...release.settings }
  return `${Object.entries(all)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`
}

const internalTopics: Settings = {
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 2,
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
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': 1_000,
  'log.retention.check.interval.ms': 2_000,
  'log.initial.task.delay.ms': 500,
  'file.delete.delay.ms': 1_000,
  'log.cleaner.dedupe.buffer.size': 4_194_304,
  'log.cleaner.backoff.ms': 1_000,
  'num.network.threads': 2,
  'num.io.threads': 4,
  'background.threads': 2,
}

/** The broker tells a foreign client of its controller: it is registered and serves. */
async function isReady(ports: Ports): Promise<boolean> {
  const bootstrapBrokers = [address(ports)]
  const admin = new Admin({ clientId: 'lakeward-services', bootstrapBrokers, retries: 0 })
  try {
    const { brokers, controllerId } = await admin.metadata({ topics: [] })
    return brokers.has(controllerId)
  } finally {
    await admin.close()
  }
}
