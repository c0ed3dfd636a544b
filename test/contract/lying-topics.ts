/** One wrong source for each case of moving topics: right in all but what that case is of. */
import { Fault } from '../../src/base/fault.ts'
import type { Source } from '../../src/ports/source.ts'
import { lying } from './lying.ts'

/** Takes a fault of `code` for an answer without offsets. */
const answering =
  (code: string) =>
  (source: Source): Source =>
    lying(source, {
      groupOffsets: async (group) => {
        try {
          return await source.groupOffsets(group)
        } catch (error) {
          if (error instanceof Fault && error.code === code) return new Map()
          throw error
        }
      },
    })

/** By name of the case. */
export const lyingTopics: Readonly<Record<string, (source: Source) => Source>> = {
  'a pattern reads what there is and what comes, and no topic beside it': (source) => {
    const known = source.metadata()
    return lying(source, {
      reader: (reader) => ({
        onAssigned: async (sources) => {
          const topics = new Set((await known).sources.map(({ topic }) => topic))
          const old = sources.filter(({ topic }) => topics.has(topic))
          return old.length > 0 ? reader.onAssigned(old) : new Map()
        },
      }),
    })
  },

  'a topic that goes is given up and not told as there, whoever read it': (source) => {
    const seen = new Set<string>()
    return lying(source, {
      reader: (reader) => ({
        onTopics: (topics) => {
          for (const topic of topics) seen.add(topic)
          reader.onTopics?.(new Set(seen))
        },
      }),
    })
  },

  'a name that is missing beside a pattern is told as missing': (source) =>
    lying(source, {
      metadata: async () => ({ ...(await source.metadata()), missingTopics: [] }),
    }),

  'offsets of another group are what it committed, once it has no members':
    answering('KAFKA_START_GROUP_BUSY'),

  'a group that committed nothing of our topics is refused by name':
    answering('KAFKA_START_GROUP_EMPTY'),
}
