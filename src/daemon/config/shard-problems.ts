/**
 * What cannot be spread over the shards of a log as configured.
 *
 * A shard holds whole components: streams that have a topic in common, or of which one waits for
 * the other's announcements. What is announced relies on one log alone.
 */
import { mayShareTopic } from '../../model/topic-selection.ts'
import type { ConfigProblem, KeyPath } from './problems.ts'
import { type ShardSelectors, shardOf } from './shards.ts'
import type { PlacedStream } from './stream-config.ts'

export function shardProblems(
  shards: ShardSelectors,
  streams: readonly PlacedStream[],
): readonly ConfigProblem[] {
  return [
    ...sharedBetweenShards(shards),
    ...readByNobody(shards, streams),
    ...streams.flatMap((placed) => scattered(shards, placed)),
    ...waitsAcross(shards, streams),
  ]
}

interface PlacedSelector {
  readonly shard: string
  readonly selector: string
  readonly path: KeyPath
}

const selectorsIn = (shards: ShardSelectors): readonly PlacedSelector[] =>
  Object.entries(shards).flatMap(([shard, selectors]) =>
    selectors.map((selector, index) => ({
      shard,
      selector,
      path: ['log', 'shards', shard, index],
    })),
  )

function sharedBetweenShards(shards: ShardSelectors): readonly ConfigProblem[] {
  const all = selectorsIn(shards)
  return all.flatMap(({ shard, selector, path }, position) => {
    const other = all
      .slice(0, position)
      .find((one) => one.shard !== shard && mayShareTopic(one.selector, selector))
    if (other === undefined) return []
    const shared =
      other.selector === selector
        ? `"${selector}" is also in log.shards.${other.shard}`
        : `"${selector}" and "${other.selector}" of log.shards.${other.shard} may share a topic`
    return [{ path, text: `${shared}; accepted: each topic in one shard` }]
  })
}

function readByNobody(
  shards: ShardSelectors,
  streams: readonly PlacedStream[],
): readonly ConfigProblem[] {
  const read = streams.flatMap(({ stream }) => stream.topics)
  return selectorsIn(shards).flatMap(({ selector, path }) => {
    if (read.some((topics) => mayShareTopic(topics, selector))) return []
    const text = `no stream reads "${selector}"; accepted: topics of streams, or an empty list`
    return [{ path, text }]
  })
}

/** A stream lies in one shard with all of its topics, and for certain. */
function scattered(
  shards: ShardSelectors,
  { index, stream: { topics } }: PlacedStream,
): readonly ConfigProblem[] {
  const path: KeyPath = ['streams', index, 'topic']
  const places = topics.map((topic) => ({ topic, place: shardOf(shards, topic) }))
  for (const { topic, place } of places) {
    if (place.kind === 'in') continue
    const { shard, selector } = place
    const text = `"${topic}" may select topics of log.shards.${shard}, "${selector}", and others`
    const accepted = `the pattern word for word in log.shards.${shard}, or one apart from it`
    return [{ path, text: `${text}; accepted: ${accepted}` }]
  }
  const [one, ...others] = places
  const other = others.find(({ place }) => place.shard !== one?.place.shard)
  if (one === undefined || other === undefined) return []
  const where = `"${one.topic}" lies in the shard "${one.place.shard}" of the log`
  const text = `${where}, "${other.topic}" in "${other.place.shard}"`
  return [{ path, text: `${text}; accepted: all topics of a stream in one shard` }]
}

function waitsAcross(
  shards: ShardSelectors,
  streams: readonly PlacedStream[],
): readonly ConfigProblem[] {
  const shardOfStream = new Map(
    streams.map(({ stream: { name, topics } }) => [name, shardOf(shards, topics[0] ?? '').shard]),
  )
  return streams.flatMap(({ index, stream: { name, ready } }) =>
    ready.after.flatMap((other, place) => {
      const [own, theirs] = [shardOfStream.get(name), shardOfStream.get(other)]
      if (theirs === undefined || own === theirs) return []
      const path: KeyPath = ['streams', index, 'ready', 'after', place]
      const text = `"${other}" lies in the shard "${theirs}" of the log, "${name}" in "${own}"`
      return [{ path, text: `${text}; accepted: streams of one shard` }]
    }),
  )
}
