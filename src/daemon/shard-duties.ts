/**
 * What a daemon does for the shards of its log besides its own work: it begins no topic that lies
 * in another one, and takes up no configuration that has lost them.
 *
 * Invariants:
 * - A topic has places in one log: who begins one claims it, and looks before whether the first log
 *   has any from the time before there were shards. It gets no more of those then, for it has a
 *   configuration with shards in force before any other shard begins.
 * - A pipeline that had shards never runs without: its topics would be read from their beginning.
 */
import { Fault } from '../base/fault.ts'
import { adoptOrPutConfig } from '../committer/adopt-config.ts'
import { type CommitLogOptions, openCommitLog } from '../committer/commit-log.ts'
import { claimTopic } from '../committer/topic-claims.ts'
import type { FoldState } from '../model/fold-state.ts'
import { firstShard } from '../model/log-shard.ts'
import type { Lake } from '../ports/lake.ts'
import { clockPath, shardedConfigPath, shardingFolder } from '../protocol/log-paths.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import type { ShardPlace } from './config/shard-configs.ts'

/** What the first log is opened with. */
export type LogParts = Omit<CommitLogOptions, 'pipeline' | 'readOnly'>

/**
 * Begins topics in the log of this shard, or refuses.
 *
 * @throws {Fault} LOG_SHARD_TAKEN: another shard has begun one of them; LAKE_…: try again.
 */
export async function beginTopics(
  shard: ShardPlace,
  topics: ReadonlySet<string>,
  parts: LogParts,
): Promise<void> {
  const { name, pipeline } = shard
  const taken = (topic: string, by: string): Fault =>
    new Fault('LOG_SHARD_TAKEN', { topic, pipeline, configured: name, taken: by })
  if (name !== firstShard) {
    const first = await openCommitLog({ ...parts, pipeline, readOnly: true })
    const elsewhere = topicsRead(first.state)
    for (const topic of topics) if (elsewhere.has(topic)) throw taken(topic, firstShard)
  }
  for (const topic of topics) {
    const holder = await claimTopic(parts.lake, pipeline, { topic, shard: name })
    if (holder !== name) throw taken(topic, holder)
  }
}

const topicsRead = ({ positions }: FoldState): ReadonlySet<string> =>
  new Set([...positions.values()].flatMap((at) => [...at.values()].map((one) => one.source.topic)))

/**
 * To be called before a configuration is put into the log that it is for.
 *
 * @throws {Fault} LOG_SHARDS_MISSING; LAKE_…: try again.
 */
export async function keepShards(
  lake: Lake,
  { pipeline, shard }: Pick<ResolvedConfig, 'pipeline' | 'shard'>,
): Promise<void> {
  if (shard === undefined) return refuseLostShards(lake, pipeline)
  if (shard.name === firstShard) await recordShards(lake, shard)
}

/** Says that the first log's configuration has shards, which its checksum alone does not tell. */
async function recordShards(lake: Lake, { pipeline, names, first }: ShardPlace): Promise<void> {
  const path = shardedConfigPath(pipeline, first.checksum)
  await lake.putIfAbsent(path, Buffer.from(JSON.stringify({ shards: names.slice(1) })))
}

async function refuseLostShards(lake: Lake, pipeline: string): Promise<void> {
  const known = await lake.list(`${shardingFolder(pipeline)}/configs`)
  if (known.length === 0) return
  const names = new Set<string>()
  for (const { path } of known) {
    const text = Buffer.from((await lake.read(path)) ?? []).toString()
    for (const name of namesIn(text)) names.add(name)
  }
  throw new Fault('LOG_SHARDS_MISSING', { pipeline, shards: [...names].toSorted() })
}

function namesIn(text: string): readonly string[] {
  try {
    const { shards } = JSON.parse(text) as { readonly shards?: unknown }
    return Array.isArray(shards) ? shards.map(String) : []
  } catch {
    return []
  }
}

/**
 * Sees to it that the first log has a configuration with shards in force, before another shard puts
 * anything: whoever runs on one without shards puts nothing after it.
 *
 * @throws {Fault} CONFIG_CONFLICT: somebody put another at the same time; LAKE_…: try again.
 */
export async function announceShards(shard: ShardPlace, parts: LogParts): Promise<void> {
  if (shard.name === firstShard) return
  const { lake } = parts
  const { pipeline, first } = shard
  const log = await openCommitLog({ ...parts, pipeline })
  try {
    const { version, checksum } = log.state.config
    const isKnown = version > 0 && (await lake.stat(shardedConfigPath(pipeline, checksum)))
    if (isKnown) return
    const outcome = await adoptOrPutConfig(log, first, () => recordShards(lake, shard))
    if (outcome.kind !== 'conflict') return
    const facts = { ownChecksum: first.checksum, logChecksum: outcome.checksum }
    throw new Fault('CONFIG_CONFLICT', { pipeline, ...facts })
  } finally {
    await lake.remove(clockPath(pipeline, log.writerId))
  }
}
