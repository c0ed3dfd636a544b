/**
 * Which shard of a log has a topic or a stream: said once, by an object that is put and never
 * replaced, before the first position of the topic, or the first configuration with the stream,
 * stands in any log. So no two logs have places in one topic, or partitions of one stream.
 *
 *     {"topic":"growth.clicks","shard":"clicks"}
 */
import { createHash } from 'node:crypto'
import { present } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import type { Lake } from '../ports/lake.ts'
import { shardClaimPath } from '../protocol/log-paths.ts'

export interface ShardClaim {
  readonly kind: 'topic' | 'stream'
  readonly name: string
  readonly shard: string
}

/**
 * The shard that has it; undefined where none has yet.
 *
 * @param pipeline of the first log.
 * @throws {Fault} LAKE_…: try again; LOG_CLAIM_UNREADABLE.
 */
export async function holderOf(
  lake: Lake,
  pipeline: string,
  { kind, name }: Pick<ShardClaim, 'kind' | 'name'>,
): Promise<string | undefined> {
  const path = pathOf(pipeline, { kind, name })
  const known = await lake.read(path)
  return known === undefined ? undefined : shardIn(known, path)
}

/**
 * Claims something for a shard, unless one has it.
 *
 * A put whose answer is lost may stand: whoever asks again finds it.
 *
 * @param pipeline of the first log.
 * @returns the shard that has it.
 * @throws {Fault} LAKE_…: try again; LOG_CLAIM_UNREADABLE.
 */
export async function claim(lake: Lake, pipeline: string, wanted: ShardClaim): Promise<string> {
  const known = await holderOf(lake, pipeline, wanted)
  if (known !== undefined) return known
  const { kind, name, shard } = wanted
  const body = Buffer.from(JSON.stringify({ [kind]: name, shard }))
  const put = await lake.putIfAbsent(pathOf(pipeline, wanted), body)
  if (put.kind === 'created') return shard
  return present(await holderOf(lake, pipeline, wanted), 'a claim is never taken away')
}

const pathOf = (pipeline: string, { kind, name }: Pick<ShardClaim, 'kind' | 'name'>): string =>
  shardClaimPath(pipeline, kind, createHash('sha256').update(name).digest('hex'))

function shardIn(bytes: Uint8Array, path: string): string {
  const shard = holderIn(Buffer.from(bytes).toString())
  if (shard !== undefined) return shard
  throw new Fault('LOG_CLAIM_UNREADABLE', { path })
}

function holderIn(text: string): string | undefined {
  try {
    const { shard } = JSON.parse(text) as { readonly shard?: unknown }
    return typeof shard === 'string' ? shard : undefined
  } catch {
    return undefined
  }
}
