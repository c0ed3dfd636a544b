import { mayShareTopic } from '../model/topic-selection.ts'
import { rowBytesOf } from '../protocol/row-memory.ts'
import type { MemoryBounds } from './back-pressure.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'

type BoundedStream = Pick<ResolvedConfig['streams'][number], 'name' | 'topics' | 'limits'>

/**
 * What the budget of the process leaves for rows, and each stream's share of that.
 *
 * A stream that is given none gets half of the budget where pausing it leaves anybody else to read:
 * where another stream has no topic in common with it. Otherwise it gets all.
 */
export function memoryBoundsOf(config: {
  readonly memory: { readonly buffers: number }
  readonly streams: readonly BoundedStream[]
}): MemoryBounds {
  const { memory, streams } = config
  const bytesMax = rowBytesOf(memory.buffers, streams.length)
  // Of a thousand streams few sets of topics differ: what is asked of each set is asked once.
  const sets = new Map(streams.map(({ topics }) => [topics.join('\n'), new Set(topics)]))
  const isAlone = (topics: readonly string[]): boolean =>
    [...sets.values()].every((others) =>
      topics.some((topic) => others.has(topic) || mayShare(topic, others)),
    )
  return {
    bytesMax,
    streams: new Map(
      streams.map(({ name, topics, limits }) => {
        if (limits.buffers !== undefined) return [name, { topics, bytesMax: limits.buffers }]
        const part = isAlone(topics) ? bytesMax : bytesMax / 2
        return [name, { topics, bytesMax: part, shrinks: true }]
      }),
    ),
  }
}

const mayShare = (topic: string, others: ReadonlySet<string>): boolean =>
  [...others].some((other) => mayShareTopic(topic, other))
