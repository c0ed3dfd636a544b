/** The key `log.shards`, and what it says of a topic: which shard of the log it lies in. */
import { z } from 'zod'
import { listOf } from '../../base/config-value.ts'
import type { DeepReadonly } from '../../base/deep-readonly.ts'
import { firstShard } from '../../model/log-shard.ts'
import { isTopicPattern, mayShareTopic, selectsTopic } from '../../model/topic-selection.ts'
import { topicSelector } from '../../source/config.ts'

const nameShape = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/
const acceptedName = `letters, digits, "_" and "-", up to 32, not "${firstShard}"`
const acceptedShards = 'names, each with a list of topics and patterns'

/** Topics and patterns by the name of the shard that reads them. */
export const shardsConfig = z
  .record(z.string(), listOf(topicSelector), {
    error: (issue) =>
      issue.code === 'invalid_type' ? `is not a section; accepted: ${acceptedShards}` : undefined,
  })
  .check((context) => {
    for (const name of Object.keys(context.value)) {
      if (nameShape.test(name) && name !== firstShard) continue
      const message = `"${name}" is no name of a shard; accepted: ${acceptedName}`
      context.issues.push({ code: 'custom', input: name, message, path: [name] })
    }
  })
  .meta({ accepted: acceptedShards })
  .prefault({})
  .describe(
    'Shards of the log, each with its topics: `clicks: [growth.clicks]`. Topics that none names ' +
      'stay in the first log. For more than about 128 workers; see workers.md.',
  )

export type ShardSelectors = DeepReadonly<z.output<typeof shardsConfig>>

/** The first one, and those that are configured, in their order. */
export const shardNames = (shards: ShardSelectors): readonly string[] => [
  firstShard,
  ...Object.keys(shards),
]

export type ShardOfTopics =
  | { readonly kind: 'in'; readonly shard: string }
  /** A pattern that may select topics of the shard, and others. */
  | { readonly kind: 'unclear'; readonly shard: string; readonly selector: string }

/**
 * The shard of all topics that a stream's name or pattern can select.
 *
 * Of a pattern that is certain only where it stands in the shard word for word, or has nothing in
 * common with any shard.
 */
export function shardOf(shards: ShardSelectors, topics: string): ShardOfTopics {
  for (const [shard, selectors] of Object.entries(shards)) {
    const isInside = isTopicPattern(topics)
      ? selectors.includes(topics)
      : selectsTopic(selectors, topics)
    if (isInside) return { kind: 'in', shard }
  }
  if (!isTopicPattern(topics)) return { kind: 'in', shard: firstShard }
  for (const [shard, selectors] of Object.entries(shards)) {
    const selector = selectors.find((one) => mayShareTopic(one, topics))
    if (selector !== undefined) return { kind: 'unclear', shard, selector }
  }
  return { kind: 'in', shard: firstShard }
}
