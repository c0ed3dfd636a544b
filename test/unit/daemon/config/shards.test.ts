import { describe, expect, test } from 'vitest'
import { hasShards, shardConfigs } from '../../../../src/daemon/config/shard-configs.ts'
import { shardOf } from '../../../../src/daemon/config/shards.ts'
import {
  configTree,
  onlyProblem,
  problemsOf,
  streamTree,
  type Tree,
} from '../../../support/config-trees.ts'
import { shardedConfig } from '../../../support/shard-world.ts'

const tree = (shards: unknown, streams: readonly Tree[] = []): Tree =>
  configTree({ log: { shards }, streams: [streamTree(), ...streams] })

const clicks = (more: Tree = {}): Tree =>
  streamTree({ name: 'clicks', topic: 'growth.clicks', ...more })

describe('what cannot be spread over shards is refused by name', () => {
  test.each<[string, unknown, readonly Tree[], string]>([
    [
      'a stream with topics of two',
      { clicks: ['growth.clicks'] },
      [clicks({ topic: undefined, topics: ['growth.clicks', 'growth.taps'] })],
      'streams[1].topic: "growth.clicks" lies in the shard "clicks" of the log, "growth.taps" ' +
        'in "first"; accepted: all topics of a stream in one shard',
    ],
    [
      'a pattern that may select topics of one and others',
      { clicks: ['growth.clicks'] },
      [clicks({ topic: 'growth\\..*' })],
      'streams[1].topic: "growth\\..*" may select topics of log.shards.clicks, "growth.clicks", ' +
        'and others; accepted: ' +
        'the pattern word for word in log.shards.clicks, or one apart from it',
    ],
    [
      'a topic in two',
      { a: ['growth.clicks'], b: ['growth.clicks'] },
      [clicks()],
      'log.shards.b[0]: "growth.clicks" is also in log.shards.a; accepted: each topic in one shard',
    ],
    [
      'a pattern that may select a topic of another',
      { a: ['growth.clicks'], b: ['growth\\.cl.*'] },
      [clicks()],
      'log.shards.b[0]: "growth\\.cl.*" and "growth.clicks" of log.shards.a may share a topic; ' +
        'accepted: each topic in one shard',
    ],
    [
      'a topic that nobody reads',
      { clicks: ['growth.klicks'] },
      [],
      'log.shards.clicks[0]: no stream reads "growth.klicks"; ' +
        'accepted: topics of streams, or an empty list',
    ],
    [
      'a stream that waits for one of another',
      { clicks: ['growth.clicks'] },
      [clicks({ ready: { after: ['app_events'] } })],
      'streams[1].ready.after[0]: "app_events" lies in the shard "first" of the log, ' +
        '"clicks" in "clicks"; accepted: streams of one shard',
    ],
    [
      'a shard that is called as the first log is',
      { first: ['growth.clicks'] },
      [clicks()],
      'log.shards.first: "first" is no name of a shard; ' +
        'accepted: letters, digits, "_" and "-", up to 32, not "first"',
    ],
    [
      'no section',
      ['growth.clicks'],
      [clicks()],
      'log.shards: is not a section; accepted: names, each with a list of topics and patterns',
    ],
  ])('%s', (_, shards, streams, problem) => {
    expect(onlyProblem(tree(shards, streams))).toBe(problem)
  })

  test('a start by the group of one of them', () => {
    const kafka = { brokers: ['b:1'], start: 'group:growth.clicks' }
    const given = { ...tree({ clicks: ['growth.clicks'] }, [clicks()]), kafka }
    expect(onlyProblem(given)).toContain('kafka.start: "group:growth.clicks" is our own group')
  })

  test('a table that is called as the dead letters of one are', () => {
    const taken = clicks({ table: 'growth_clicks_dead_letters' })
    expect(onlyProblem(tree({ clicks: ['growth.clicks'] }, [taken]))).toContain(
      '"growth_clicks_dead_letters" is taken by log.shards.clicks',
    )
  })
})

test.each<[string, unknown, readonly Tree[]]>([
  ['no topic', { clicks: [] }, []],
  ['a pattern that selects a name', { clicks: ['growth\\.cl.*'] }, [clicks()]],
  ['a pattern word for word', { clicks: ['growth\\.cl.*'] }, [clicks({ topic: 'growth\\.cl.*' })]],
  [
    'streams of which one waits for the other',
    { clicks: ['growth.clicks', 'growth.taps'] },
    [clicks(), clicks({ name: 'taps', topic: 'growth.taps', ready: { after: ['clicks'] } })],
  ],
])('a shard may have %s', (_, shards, streams) => {
  expect(problemsOf(tree(shards, streams))).toEqual([])
})

test('a pattern apart from all shards lies in the first log', () => {
  expect(shardOf({ clicks: ['clicks\\..*'] }, 'orders\\..*')).toEqual({
    kind: 'in',
    shard: 'first',
  })
})

describe('the configurations of shards', () => {
  test('have names, groups, streams and checksums of their own', async () => {
    const whole = await shardedConfig('{ clicks: [clicks] }')
    const [first, second] = shardConfigs(whole)
    expect(first).toMatchObject({ pipeline: 'sim', kafka: { group: 'sim' } })
    expect(first?.streams.map(({ name, index }) => [name, index])).toEqual([['numbers', 0]])
    expect(second).toMatchObject({ pipeline: 'sim.clicks', kafka: { group: 'sim.clicks' } })
    expect(second?.streams.map(({ name, index }) => [name, index])).toEqual([['clicks', 0]])
    expect(second?.shard).toMatchObject({ name: 'clicks', pipeline: 'sim' })
    expect(first?.shard?.first.checksum).toBe(first?.checksum)
    expect(second?.shard?.first.checksum).toBe(first?.checksum)
    expect(first?.checksum).not.toBe(second?.checksum)
  })

  test('the first one tells what it does not have, though its streams are the same', async () => {
    const names = async (shards: string): Promise<string> =>
      shardConfigs(await shardedConfig(shards))[0]?.checksum ?? ''
    expect(await names('{ clicks: [clicks] }')).not.toBe(await names('{ others: [clicks] }'))
  })

  test('of a pipeline without shards there is one, as it was', async () => {
    const whole = await shardedConfig('{}')
    expect(hasShards(whole)).toBe(false)
    expect(shardConfigs(whole)).toEqual([whole])
  })
})
