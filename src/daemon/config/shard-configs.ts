/** The configurations of a log's shards: each that of a pipeline with some of the streams. */
import { present } from '../../base/assert.ts'
import type { ConfiguredStream } from '../../model/log-entry.ts'
import { pipelineOfShard } from '../../model/log-shard.ts'
import { checksumOf } from './checksum.ts'
import type { ResolvedConfig, ResolvedStream } from './resolved-config.ts'
import { shardNames, shardOf } from './shards.ts'

/** Which shard a configuration is for, and what it must know of the first one. */
export interface ShardPlace {
  readonly name: string
  /** Of the first log. */
  readonly pipeline: string
  /** All that are configured, the first one included. */
  readonly names: readonly string[]
  /** The first log's configuration, as its `config` entries tell it. */
  readonly first: { readonly checksum: string; readonly streams: readonly ConfiguredStream[] }
}

export const hasShards = ({ log }: Pick<ResolvedConfig, 'log'>): boolean =>
  Object.keys(log.shards).length > 0

/** One for each shard, the first one first; of a pipeline without shards its own. */
export function shardConfigs(config: ResolvedConfig): readonly ResolvedConfig[] {
  if (!hasShards(config)) return [config]
  const { pipeline, log, kafka } = config
  const names = shardNames(log.shards)
  const parts = names.map((name) => {
    const streams = streamsOf(config, name)
    const own = pipelineOfShard(pipeline, name)
    const group = pipelineOfShard(kafka.group, name)
    return { ...config, pipeline: own, kafka: { ...kafka, group }, streams, name }
  })
  const [firstPart] = parts
  const { streams } = present(firstPart, 'there is a first shard')
  const first = {
    // Which topics left it belongs to what the first log knows.
    checksum: checksumOf(config, streams, log.shards),
    streams: streams.map(({ name, table, topics }) => ({ name, table, topics })),
  }
  return parts.map(({ name, ...part }) => {
    const checksum = part.pipeline === pipeline ? first.checksum : checksumOf(part, part.streams)
    return { ...part, checksum, shard: { name, pipeline, names, first } }
  })
}

/** Those of a shard, with places of their own. */
const streamsOf = ({ streams, log }: ResolvedConfig, shard: string): readonly ResolvedStream[] =>
  streams
    .filter(({ topics }) => shardOf(log.shards, topics[0] ?? '').shard === shard)
    .map((stream, index) => ({ ...stream, index }))
