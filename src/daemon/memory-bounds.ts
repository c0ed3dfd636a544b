import { mayShareTopic } from '../model/topic-selection.ts'
import type { MemoryBounds } from './back-pressure.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'

type BoundedStream = Pick<ResolvedConfig['streams'][number], 'name' | 'topics' | 'limits'>

/**
 * The budget of the process and each stream's share of it.
 *
 * A stream that is given none gets half of the budget where pausing it leaves anybody else to read:
 * where another stream has no topic in common with it. Otherwise it gets all.
 */
export function memoryBoundsOf(config: {
  readonly memory: { readonly buffers: number }
  readonly streams: readonly BoundedStream[]
}): MemoryBounds {
  const { memory, streams } = config
  const bytesMax = memory.buffers
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
        const shareBytes = limits.buffers ?? (isAlone(topics) ? bytesMax : bytesMax / 2)
        return [name, { topics, bytesMax: shareBytes }]
      }),
    ),
  }
}

const mayShare = (topic: string, others: ReadonlySet<string>): boolean =>
  [...others].some((other) => mayShareTopic(topic, other))
