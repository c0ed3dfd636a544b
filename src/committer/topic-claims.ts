/**
 * Which shard of a log reads a topic: said once, by an object that is put and never replaced,
 * before the first position of the topic stands in any log. So no two logs have places in one.
 *
 *     {"topic":"growth.clicks","shard":"clicks"}
 */
import { createHash } from 'node:crypto'
import { present } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import type { Lake } from '../ports/lake.ts'
import { topicClaimPath } from '../protocol/log-paths.ts'

export interface TopicClaim {
  readonly topic: string
  readonly shard: string
}

/**
 * Claims a topic for a shard, unless one has it.
 *
 * A put whose answer is lost may stand: whoever asks again finds it.
 *
 * @param pipeline of the first log.
 * @returns the shard that has it.
 * @throws {Fault} LAKE_…: try again; LOG_CLAIM_UNREADABLE.
 */
export async function claimTopic(lake: Lake, pipeline: string, claim: TopicClaim): Promise<string> {
  const sha256 = createHash('sha256').update(claim.topic).digest('hex')
  const path = topicClaimPath(pipeline, sha256)
  const known = await lake.read(path)
  if (known !== undefined) return shardIn(known, path)
  const { topic, shard } = claim
  const put = await lake.putIfAbsent(path, Buffer.from(JSON.stringify({ topic, shard })))
  if (put.kind === 'created') return shard
  return shardIn(present(await lake.read(path), 'a claim is never taken away'), path)
}

function shardIn(bytes: Uint8Array, path: string): string {
  const claim = claimOf(Buffer.from(bytes).toString())
  if (claim !== undefined) return claim
  throw new Fault('LOG_CLAIM_UNREADABLE', { path })
}

function claimOf(text: string): string | undefined {
  try {
    const { shard } = JSON.parse(text) as { readonly shard?: unknown }
    return typeof shard === 'string' ? shard : undefined
  } catch {
    return undefined
  }
}
