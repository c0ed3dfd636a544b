import fc from 'fast-check'
import { expect, test } from 'vitest'
import { present } from '../../src/base/assert.ts'
import { shardProblems } from '../../src/daemon/config/shard-problems.ts'
import { type ShardSelectors, shardOf } from '../../src/daemon/config/shards.ts'
import type { StreamConfig } from '../../src/daemon/config/stream-config.ts'
import { parseConfig } from '../../src/daemon/config.ts'
import { selectsTopic } from '../../src/model/topic-selection.ts'
import { configTree } from '../support/config-trees.ts'

const topics = ['a.x', 'a.y', 'b.x', 'b.y', 'c'] as const
const selector = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom<string>(...topics) },
  { weight: 1, arbitrary: fc.constantFrom('a\\..*', 'b\\..*', 'a\\.(x|y)', '.*x', 'c|b.y') },
)
const selectors = fc.uniqueArray(selector, { minLength: 1, maxLength: 2 })
const spread = fc.record({
  shards: fc.record({ one: selectors, two: selectors }, { requiredKeys: [] }),
  streams: fc.array(fc.record({ topics: selectors, after: fc.option(fc.nat({ max: 3 })) }), {
    minLength: 1,
    maxLength: 4,
  }),
})

const [base] = parseConfig(configTree()).streams.map(({ stream }) => stream)

/** Streams as a configuration has them. */
function streamsOf(
  drawn: readonly { readonly topics: readonly string[]; readonly after: number | null }[],
): readonly StreamConfig[] {
  return drawn.map(({ topics: own, after }, index) => {
    const stream = present(base, 'the sample has a stream')
    const isThere = after !== null && after !== index && after < drawn.length
    const ready = { ...stream.ready, after: isThere ? [`s${after}`] : [] }
    return { ...stream, name: `s${index}`, topics: own, ready }
  })
}

const shardOfStream = (shards: ShardSelectors, stream: StreamConfig): string =>
  shardOf(shards, stream.topics[0] ?? '').shard

test('what is not refused lies in one shard each: topics, streams, and whom they wait for', () => {
  const seen = { accepted: 0, refused: 0, shared: 0 }
  fc.assert(
    fc.property(spread, ({ shards, streams: drawn }) => {
      const streams = streamsOf(drawn)
      const placed = streams.map((stream, index) => ({ index, stream }))
      if (shardProblems(shards, placed).length > 0) {
        seen.refused += 1
        return
      }
      seen.accepted += 1
      for (const topic of topics) {
        const readers = streams.filter((stream) => selectsTopic(stream.topics, topic))
        const homes = new Set(readers.map((stream) => shardOfStream(shards, stream)))
        expect(homes.size, topic).toBeLessThanOrEqual(1)
        const named = Object.entries(shards).find(([, list]) => selectsTopic(list, topic))
        if (readers.length > 0) expect([...homes], topic).toEqual([named?.[0] ?? 'first'])
        if (readers.length > 1 && named !== undefined) seen.shared += 1
      }
      const home = new Map(streams.map((one) => [one.name, shardOfStream(shards, one)]))
      for (const { name, ready } of streams) {
        for (const other of ready.after) expect(home.get(other)).toBe(home.get(name))
      }
    }),
    { seed: 24, numRuns: 5_000 },
  )
  expect(Math.min(seen.accepted, seen.refused, seen.shared), JSON.stringify(seen)).toBeGreaterThan(
    9,
  )
})
