/** Daemons of one pipeline whose log has shards, or had none before, on one simulated lake. */
import { loadConfig } from '../../src/daemon/config/load.ts'
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import { shardConfigs } from '../../src/daemon/config/shard-configs.ts'
import { MemoryConfigFiles } from '../unit/daemon/memory-config-files.ts'

const proto = 'syntax = "proto3"; package test; message Number { int64 n = 1; }'

/** Streams "numbers" and "clicks", each of its name's topic. @param shards YAML on one line. */
export const shardedConfig = (shards: string): Promise<ResolvedConfig> =>
  loadConfig('lakeward.yaml', shardedFiles(shards))

export function shardedFiles(shards: string): MemoryConfigFiles {
  const streams = ['numbers', 'clicks'].flatMap((name) => [
    `  - name: ${name}`,
    `    topic: ${name}`,
    '    schema: { file: number.proto, message: test.Number }',
    '    eventTime: { outOfOrderness: 0s, pastMax: 3650d }',
  ])
  const text = [
    'pipeline: sim',
    'lake: { url: "file:./lake" }',
    'kafka: { brokers: ["127.0.0.1:9092"] }',
    'memory: { buffers: 16MiB }',
    `log: { shards: ${shards} }`,
    'streams:',
    ...streams,
    '',
  ]
  return new MemoryConfigFiles({ 'lakeward.yaml': text.join('\n'), 'number.proto': proto })
}

/** The configuration of one of its shards. */
export async function shardConfig(shards: string, name: string): Promise<ResolvedConfig> {
  const found = shardConfigs(await shardedConfig(shards)).find(({ shard }) => shard?.name === name)
  if (found === undefined) throw new Error(`no shard ${name}`)
  return found
}
