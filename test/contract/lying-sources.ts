/** One wrong source for each case of the source contract: right in all but what that case is of. */
import { readBatch } from '../../src/codec/kafka/record-batch.ts'
import { type Offset, offset } from '../../src/model/offset.ts'
import { type SourceKey, sourceKey } from '../../src/model/topic-partition.ts'
import type { FetchedBatches, Source, SourceReader } from '../../src/ports/source.ts'
import { lying } from './lying.ts'

/** Hands answers on as `change` makes them. */
const handing =
  (change: (part: FetchedBatches) => FetchedBatches | undefined) =>
  (reader: SourceReader): Partial<SourceReader> => ({
    onFetched: (answer) => reader.onFetched(answer.flatMap((part) => change(part) ?? [])),
  })

/** Reads from where `change` says. */
const placing =
  (change: (position: Offset | undefined, topic: string) => Offset | undefined) =>
  (reader: SourceReader): Partial<SourceReader> => ({
    onAssigned: async (sources) => {
      const told = await reader.onAssigned(sources)
      const positions = new Map<SourceKey, Offset>()
      for (const source of sources) {
        const position = change(told.get(sourceKey(source)), source.topic)
        if (position !== undefined) positions.set(sourceKey(source), position)
      }
      return positions
    },
  })

const silentOf =
  (code: string) =>
  (reader: SourceReader): Partial<SourceReader> => ({
    onRefused: (source, fault) => {
      if (fault.code !== code) reader.onRefused(source, fault)
    },
  })

const isCompressed = (part: FetchedBatches): boolean => {
  for (let at = part.start; at < part.end; ) {
    const batch = readBatch(part, at)
    if (batch.codec !== 'none') return true
    at = batch.end
  }
  return false
}

/** The start of each batch that is a marker. */
const markersOf = (part: FetchedBatches): readonly number[] =>
  part.skippedBatches.filter((start) => readBatch(part, start).control)

const isMarkersOnly = (part: FetchedBatches): boolean => {
  for (let at = part.start; at < part.end; ) {
    const batch = readBatch(part, at)
    if (!batch.control) return false
    at = batch.end
  }
  return true
}

/** By name of the case. */
export const lyingSources: Readonly<Record<string, (source: Source) => Source>> = {
  'tells up to where leaders have what was read under an epoch, by topic id': (source) =>
    lying(source, {
      epochEnds: async (asked) => {
        const { sources } = await source.metadata()
        const known = asked.map((one) => ({
          ...one,
          source: sources.find(({ partition }) => partition === one.source.partition) ?? one.source,
        }))
        const ends = [...(await source.epochEnds(known)).values()]
        return new Map(
          asked.flatMap((one, at) => {
            const end = ends[at]
            return end === undefined ? [] : [[sourceKey(one.source), end] as const]
          }),
        )
      },
    }),

  'hands on every record of every partition once, in order': (source) =>
    lying(source, { reader: handing((part) => (isCompressed(part) ? undefined : part)) }),

  'reads from where the reader says, inside a batch too, and tells where it is': (source) =>
    lying(source, { reader: placing((position) => (position === 1n ? offset(0n) : position)) }),

  'a partition without a position waits for a seek': (source) =>
    lying(source, { reader: placing((position) => position ?? offset(0n)) }),

  'a seek goes back, and nothing of before comes after it': (source) => {
    let refusals = 0
    return lying(source, {
      seek: (at, position, leaderEpoch) => {
        if (position > 0n || refusals > 0) source.seek(at, position, leaderEpoch)
      },
      reader: (reader) => ({
        onRefused: (at, fault) => {
          refusals += 1
          reader.onRefused(at, fault)
        },
      }),
    })
  },

  'a paused partition is not read, the others are; resumed it goes on': (source) =>
    lying(source, {
      pause: (sources) => {
        if (sources.length > 1) source.pause(sources)
      },
    }),

  'the next answer waits for the promise of the last': (source) =>
    lying(source, {
      reader: (reader) => ({
        onFetched: async (answer) => {
          void reader.onFetched(answer)
        },
      }),
    }),

  'a transaction taken back is marked to be skipped, and positions pass it': (source) =>
    lying(source, { reader: handing((part) => ({ ...part, skippedBatches: markersOf(part) })) }),

  'markers of transactions without records are passed, to the very end of a log': (source) =>
    lying(source, { reader: handing((part) => (isMarkersOnly(part) ? undefined : part)) }),

  'tells the whole set of partitions, and which topics are missing': (source) =>
    lying(source, {
      metadata: async () => ({ ...(await source.metadata()), missingTopics: [] }),
    }),

  'a topic that appears later is read from then on': (source) =>
    lying(source, {
      reader: placing((position, topic) => (topic === 'later' ? undefined : position)),
    }),

  'finds offsets at the ends and by time': (source) =>
    lying(source, {
      offsetsAt: (sources, position) =>
        source.offsetsAt(sources, typeof position === 'number' ? 'earliest' : position),
    }),

  'an offset that is not there stops that partition alone, until a seek': (source) =>
    lying(source, { reader: silentOf('KAFKA_OFFSET_OUT_OF_RANGE') }),

  'a topic made anew unseen is refused, until a seek with its new id': (source) =>
    lying(source, { reader: silentOf('KAFKA_TOPIC_RECREATED') }),

  'a deleted topic is given up; made anew it is assigned under its new id': (source) => {
    const firstIds = new Map<string, FetchedBatches['source']['topicId']>()
    return lying(source, {
      reader: handing((part) => {
        const { topic } = part.source
        const topicId = firstIds.get(topic) ?? part.source.topicId
        firstIds.set(topic, topicId)
        return { ...part, source: { ...part.source, topicId } }
      }),
    })
  },

  'a second member takes its share after the first has given it up, and back': (source) =>
    lying(source, {
      reader: (reader) => ({
        onRevoked: async (sources) => {
          // Long after the other one has its share, and before the case stops waiting.
          setTimeout(() => void reader.onRevoked(sources), 2_000)
        },
      }),
    }),

  'nothing is handed on after fetching was stopped, and the share is kept': (source) =>
    lying(source, { stopFetching: async () => {} }),

  'an offset commit is a hint: it never throws': (source) => {
    let isClosed = false
    return lying(source, {
      close: async () => {
        isClosed = true
        await source.close()
      },
      commitOffsets: async (next) => {
        if (isClosed) throw new Error('closed')
        await source.commitOffsets(next)
      },
    })
  },
}
