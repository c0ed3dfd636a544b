/**
 * What a daemon does for the shards of its log besides its own work: it begins no topic that lies
 * in another one, and takes up no configuration that has lost them.
 *
 * Invariants:
 * - A topic has places in one log: who begins one claims it, and looks before whether the first log
 *   has any from the time before there were shards. It gets no more of those then, for it has a
 *   configuration with shards in force before any other shard begins.
 * - A stream has its partitions in one log, likewise: what is announced of it has all of its rows.
 * - A pipeline that had shards never runs without: its topics would be read from their beginning.
 */
import { Fault } from '../base/fault.ts'
import { adoptOrPutConfig } from '../committer/adopt-config.ts'
import { type CommitLogOptions, openCommitLog } from '../committer/commit-log.ts'
import { claim, holderOf, type ShardClaim } from '../committer/shard-claims.ts'
import type { FoldState } from '../model/fold-state.ts'
import { firstShard } from '../model/log-shard.ts'
import { selectsTopic } from '../model/topic-selection.ts'
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
  const { name } = shard
  if (name !== firstShard) {
    const known = topicsRead(await firstState(shard, parts))
    for (const topic of topics) if (known.has(topic)) throw taken(shard, 'topic', topic)
  }
  for (const topic of topics) await claimAs(name, { shard, kind: 'topic', name: topic }, parts.lake)
}

/** The first log has it, from the time before there were shards. */
const taken = (
  { pipeline, name: configured }: ShardPlace,
  kind: ShardClaim['kind'],
  name: string,
): Fault => new Fault('LOG_SHARD_TAKEN', { kind, name, pipeline, configured, taken: firstShard })

const topicsRead = ({ positions }: FoldState): ReadonlySet<string> =>
  new Set([...positions.values()].flatMap((at) => [...at.values()].map((one) => one.source.topic)))

/** The first log as it is, read only. */
async function firstState({ pipeline }: ShardPlace, parts: LogParts): Promise<FoldState> {
  return (await openCommitLog({ ...parts, pipeline, readOnly: true })).state
}

interface Claimed {
  readonly shard: ShardPlace
  readonly kind: ShardClaim['kind']
  readonly name: string
}

/** @param as the shard that is to have it. */
async function claimAs(as: string, { shard, kind, name }: Claimed, lake: Lake): Promise<void> {
  const holder = await claim(lake, shard.pipeline, { kind, name, shard: as })
  if (holder === as) return
  const { pipeline } = shard
  throw new Fault('LOG_SHARD_TAKEN', { kind, name, pipeline, configured: as, taken: holder })
}

/**
 * To be called before a configuration is put into the log that it is for.
 *
 * @throws {Fault} LOG_SHARDS_MISSING; LOG_SHARD_TAKEN; LAKE_…: try again.
 */
export async function keepShards(
  { pipeline, shard, streams }: Pick<ResolvedConfig, 'pipeline' | 'shard' | 'streams'>,
  parts: LogParts,
): Promise<void> {
  const { lake } = parts
  if (shard === undefined) return refuseLostShards(lake, pipeline)
  if (shard.name === firstShard) return recordShards(lake, shard)
  const first = await firstState(shard, parts)
  const selectors = streams.flatMap(({ topics }) => topics)
  for (const topic of topicsRead(first)) {
    if (selectsTopic(selectors, topic)) throw taken(shard, 'topic', topic)
  }
  for (const { name } of streams) if (first.streams.has(name)) throw taken(shard, 'stream', name)
  await claimStreams(shard.name, { shard, streams }, lake)
}

/** All of them or none: a configuration that is refused leaves nothing claimed. */
async function claimStreams(
  as: string,
  { shard, streams }: { shard: ShardPlace; streams: readonly { readonly name: string }[] },
  lake: Lake,
): Promise<void> {
  const { pipeline } = shard
  for (const { name } of streams) {
    const holder = await holderOf(lake, pipeline, { kind: 'stream', name })
    if (holder === undefined || holder === as) continue
    const facts = { kind: 'stream', name, pipeline, configured: as, taken: holder } as const
    throw new Fault('LOG_SHARD_TAKEN', facts)
  }
  for (const { name } of streams) await claimAs(as, { shard, kind: 'stream', name }, lake)
}

/**
 * Says that the first log's configuration has shards, which its checksum alone does not tell, and
 * that its streams are its own.
 */
async function recordShards(lake: Lake, shard: ShardPlace): Promise<void> {
  const { pipeline, names, first } = shard
  await claimStreams(firstShard, { shard, streams: first.streams }, lake)
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
