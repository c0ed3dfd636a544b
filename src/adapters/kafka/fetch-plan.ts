import type { WantedTopic } from '../../codec/kafka/fetch-request.ts'
import type { Reading } from './reading.ts'

/**
 * The order in which partitions are asked for, another one first each time. Pure.
 *
 * Only the first partition with data may pass the answer's limit by its first batch; the others get
 * what room is left, which may be nothing: without the turning a large batch would wait for ever.
 *
 * @param turn number of this request, from 0. Within topics x partitions turns each has been first.
 */
export function planFetch(readings: readonly Reading[], turn: number): readonly WantedTopic[] {
  const byTopic = [...Map.groupBy(readings, ({ source }) => source.topicId).values()]
  const round = Math.floor(turn / Math.max(byTopic.length, 1))
  return rotated(byTopic, turn).flatMap((ofTopic) => {
    const partitions = rotated(ofTopic, round).flatMap(wantedOf)
    return ofTopic.slice(0, 1).map(({ source: { topic, topicId } }) => {
      return { topic, topicId, partitions }
    })
  })
}

function wantedOf({ source, position, leaderEpoch, lastEpoch }: Reading) {
  if (position === undefined) return []
  return [{ partition: source.partition, leaderEpoch, fetchOffset: position, lastEpoch }]
}

function rotated<Item>(items: readonly Item[], turn: number): readonly Item[] {
  const first = items.length === 0 ? 0 : turn % items.length
  return [...items.slice(first), ...items.slice(0, first)]
}
