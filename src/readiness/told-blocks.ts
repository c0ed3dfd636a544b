import { topicPartitionName } from '../model/topic-partition.ts'
import type { Logger } from '../ports/telemetry.ts'
import type { Block, BlockRule } from '../protocol/readiness-blocks.ts'

/** What passes by itself while records flow, each minute anew: metrics tell it, logs do not. */
const passing: ReadonlySet<BlockRule> = new Set([
  'delay',
  'lagging',
  'idle-without-proof',
  'unpublished',
  'metadata',
])

/** Which rules block a stream, told to the log: each once, when it begins to. */
export class ToldBlocks {
  readonly #log: Logger
  /** Streams, each with a rule that blocked it at the turn before. */
  #before: ReadonlySet<string> = new Set()

  constructor(log: Logger) {
    this.#log = log
  }

  tell(blocks: readonly Block[]): void {
    const before = this.#before
    this.#before = new Set(blocks.map(streamAndRule))
    for (const block of blocks) {
      const { stream, rule, partition, at } = block
      if (before.has(streamAndRule(block)) || passing.has(rule)) continue
      const topicPartition = at && topicPartitionName(at.source)
      this.#log.info('partition-blocked', {
        stream,
        partition: partition.path,
        rule,
        topicPartition,
      })
    }
  }
}

const streamAndRule = ({ stream, rule }: Block): string => `${stream} ${rule}`
