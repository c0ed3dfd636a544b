/**
 * The whole configuration: the sections of all rooms composed, read and printed.
 *
 * Nothing else reads configuration; stages get values. Text and files are `config/load.ts`; what
 * the pipeline needs of it is `config/resolve.ts`.
 */
import { stringify } from 'yaml'
import { z } from 'zod'
import { size, text } from '../base/config-units.ts'
import { listOf, notBuilt, section } from '../base/config-value.ts'
import type { DeepReadonly } from '../base/deep-readonly.ts'
import { hiddenSecret } from '../base/secret.ts'
import { commitConfig, logConfig } from '../committer/config.ts'
import { schemaRegistryConfig } from '../parser/config.ts'
import { readyConfig } from '../readiness/config.ts'
import { type KafkaConfig, kafkaConfig } from '../source/config.ts'
import { findContradictions, type ReadParts } from './config/contradictions.ts'
import { lakeConfig, registryConfig } from './config/lake-config.ts'
import { type ConfigProblem, problemsOf } from './config/problems.ts'
import { shardsConfig } from './config/shards.ts'
import { type PlacedStream, type StreamConfig, streamConfig } from './config/stream-config.ts'
import { httpConfig } from './http-config.ts'

/** The grammar of the main file. JSON Schema and docs/config.md are made from it. */
export const configSection = section({
  pipeline: text({
    accepted: 'letters, digits, "_" and "-"',
    shape: /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/,
  }).describe('The business unit. Names the commit log; never changed.'),
  kafka: kafkaConfig.describe('Where records come from.'),
  lake: lakeConfig.describe('Where tables stand.'),
  registry: registryConfig.optional().describe('A folder of schemas and streams.'),
  schemaRegistry: schemaRegistryConfig
    .optional()
    .describe('Schemas that records name by number, for the format `confluent-protobuf`.'),
  commit: commitConfig.prefault({}).describe('Commits.'),
  memory: section({
    buffers: size({ min: '16MiB', max: '1024GiB' })
      .prefault('1GiB')
      .describe(
        'Memory of the process: what it takes by itself, and with the rest, at least half, rows ' +
          'and files; topic-partitions pause above it.',
      ),
  })
    .prefault({})
    .describe('Memory of one process.'),
  log: section({ ...logConfig.shape, shards: shardsConfig })
    .prefault({})
    .describe('The commit log.'),
  ready: readyConfig.prefault({}).describe('Announcements of complete partitions.'),
  merge: notBuilt('Merging of small files.'),
  audit: notBuilt('Counts in ClickHouse.'),
  http: httpConfig.prefault({}).describe('Metrics, health and the API.'),
  streams: listOf(streamConfig)
    .prefault([])
    .describe('Streams; each file `streams/*.yaml` beside the main file is one more.'),
})

type Sections = z.output<typeof configSection>
type Filled = Omit<Sections, 'kafka' | 'streams' | 'merge' | 'audit'>

/** A configuration as code sees it: defaults filled in, units read. */
export type Config = DeepReadonly<Filled & { kafka: KafkaConfig & { group: string } }> & {
  readonly streams: readonly StreamConfig[]
}

/** What reading a tree of keys and values came to. */
export interface ParsedConfig {
  /** Undefined when there is any problem. */
  readonly config: Config | undefined
  readonly problems: readonly ConfigProblem[]
  /** Streams that are right by themselves, so that more can be checked although others are not. */
  readonly streams: readonly PlacedStream[]
}

/**
 * Reads a configuration from plain data and tells all that is wrong with it at once.
 *
 * Each section and each stream is read by itself, so that one mistake hides no contradiction
 * between the others.
 */
export function parseConfig(tree: unknown): ParsedConfig {
  const whole = configSection.safeParse(tree)
  const parts = readParts(isMap(tree) ? tree : {})
  const problems = [...problemsOf(whole.error), ...findContradictions(parts)]
  if (whole.data === undefined || problems.length > 0) {
    return { config: undefined, problems, streams: parts.streams }
  }
  return { config: configOf(whole.data), problems, streams: parts.streams }
}

function isMap(tree: unknown): tree is Readonly<Record<string, unknown>> {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree)
}

function readParts(tree: Readonly<Record<string, unknown>>): ReadParts {
  const { shape } = configSection
  const list: readonly unknown[] = Array.isArray(tree['streams']) ? tree['streams'] : []
  return {
    pipeline: shape.pipeline.safeParse(tree['pipeline']).data,
    kafka: shape.kafka.safeParse(tree['kafka']).data,
    hasSchemaRegistry: tree['schemaRegistry'] !== undefined,
    commit: shape.commit.safeParse(tree['commit']).data,
    memory: shape.memory.safeParse(tree['memory']).data,
    shards: shape.log.safeParse(tree['log'] ?? {}).data?.shards,
    lake: shape.lake.safeParse(tree['lake']).data,
    ready: shape.ready.safeParse(tree['ready']).data,
    http: shape.http.safeParse(tree['http']).data,
    streams: list.flatMap((given, index) => {
      const stream = streamConfig.safeParse(given).data
      return stream === undefined ? [] : [{ index, stream }]
    }),
  }
}

function configOf(sections: Sections): Config {
  const { kafka, merge: _merge, audit: _audit, ...rest } = sections
  return { ...rest, kafka: { ...kafka, group: kafka.group ?? rest.pipeline } }
}

/** How secrets are printed: as the reference that stands in the file, or as `***`. */
export type SecretsPrinted = 'as-references' | 'hidden'

/**
 * The configuration as YAML, with every default written out.
 *
 * With secrets as references it reads back as the same configuration; hidden is for people.
 */
export function printConfig(config: Config, secrets: SecretsPrinted): string {
  const tree = z.encode(configSection, structuredClone(config) as Sections)
  return stringify(secrets === 'hidden' ? withoutSecrets(tree) : tree)
}

const secretKeys: ReadonlySet<string> = new Set([
  'password',
  'secret',
  'token',
  'accessKey',
  'secretKey',
])

/** Each of them may be one. */
const secretMaps: ReadonlySet<string> = new Set(['headers', 'environment'])

function withoutSecrets(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withoutSecrets)
  if (!isMap(tree)) return tree
  const entries = Object.entries(tree).map(([key, value]) => [
    key,
    secretKeys.has(key) ? hiddenSecret : withoutSecrets(secretMaps.has(key) ? hide(value) : value),
  ])
  return Object.fromEntries(entries)
}

const hide = (tree: unknown): unknown =>
  isMap(tree) ? Object.fromEntries(Object.keys(tree).map((key) => [key, hiddenSecret])) : tree
