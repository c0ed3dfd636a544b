import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { unixMs } from '../../../src/base/time.ts'
import { adoptOrPutConfig } from '../../../src/committer/adopt-config.ts'
import { type CommitLogOptions, openCommitLog } from '../../../src/committer/commit-log.ts'
import { claim, holderOf } from '../../../src/committer/shard-claims.ts'
import type { ResolvedConfig } from '../../../src/daemon/config/resolved-config.ts'
import { announceShards, beginTopics, keepShards } from '../../../src/daemon/shard-duties.ts'
import { configuredStreams } from '../../../src/daemon/stage-streams.ts'
import { resolveStartPositions } from '../../../src/daemon/start-positions.ts'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { SimClock } from '../../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { HandSource, sourceAt } from '../../support/lane-world.ts'
import { shardConfig, shardedConfig } from '../../support/shard-world.ts'

const inClicks = '{ clicks: [clicks] }'

interface Parts extends Omit<CommitLogOptions, 'pipeline'> {
  readonly clock: SimClock
  readonly lake: SimLake
}

function partsOn(store: SimStore, seed = 1, fault?: LakeFault): Parts {
  const clock = new SimClock()
  const lake = new SimLake({ store, clock, ...(fault && { fault }) })
  return { lake, clock, random: new SimRandom(seed), telemetry: new SimTelemetry() }
}

/** What a daemon of this configuration does before it reads. */
async function takenUp(config: ResolvedConfig, parts: Parts): Promise<CommitLog> {
  const { pipeline, checksum, shard } = config
  const log = await openCommitLog({ ...parts, pipeline })
  if (shard !== undefined && log.state.config.version === 0) await announceShards(shard, parts)
  const streams = configuredStreams(config)
  await adoptOrPutConfig(log, { checksum, streams }, () => keepShards(config, parts))
  return log
}

/** Begins a topic as a daemon does that is given its partition. */
async function begins(config: ResolvedConfig, topic: string, store: SimStore): Promise<CommitLog> {
  const parts = partsOn(store)
  const log = await takenUp(config, parts)
  const { shard } = config
  const begin = async (topics: ReadonlySet<string>): Promise<void> => {
    if (shard !== undefined) await beginTopics(shard, topics, parts)
  }
  const source = new HandSource([sourceAt(0, topic)])
  const rule = { lane: 'lake', start: 'earliest', topics: [topic], config } as const
  await resolveStartPositions(log, source, [sourceAt(0, topic)], { ...rule, beginTopics: begin })
  return log
}

const topicsOf = ({ state }: CommitLog): readonly string[] =>
  [...(state.positions.get('lake')?.values() ?? [])].map(({ source }) => source.topic)

describe('a topic is begun in one log', () => {
  test('the one that its configuration says', async () => {
    const store: SimStore = new Map()
    const log = await begins(await shardConfig(inClicks, 'clicks'), 'clicks', store)
    expect(topicsOf(log)).toEqual(['clicks'])
    const again = await begins(await shardConfig(inClicks, 'clicks'), 'clicks', store)
    expect(topicsOf(again)).toEqual(['clicks'])
  })

  test('another shard that gets it later refuses it, and its stream before that', async () => {
    const store: SimStore = new Map()
    await begins(await shardConfig(inClicks, 'clicks'), 'clicks', store)
    for (const [shards, configured] of [
      ['{ clicks: [], taps: [clicks] }', 'taps'],
      ['{ clicks: [] }', 'first'],
    ] as const) {
      const moved = await shardConfig(shards, configured)
      const facts = { name: 'clicks', pipeline: 'sim', configured, taken: 'clicks' }
      const fault = { code: 'LOG_SHARD_TAKEN', facts: { ...facts, kind: 'stream' } }
      await expect(begins(moved, 'clicks', store)).rejects.toMatchObject(fault)
      const place = present(moved.shard, 'it is of a shard')
      const begun = beginTopics(place, new Set(['clicks']), partsOn(store, 2))
      await expect(begun).rejects.toMatchObject({ ...fault, facts: { ...facts, kind: 'topic' } })
    }
  })

  test('a shard refuses what the first log read before there were shards', async () => {
    const store: SimStore = new Map()
    await begins(await shardedConfig('{}'), 'clicks', store)
    const config = await shardConfig(inClicks, 'clicks')
    const facts = { kind: 'topic', name: 'clicks', configured: 'clicks', taken: 'first' }
    const fault = { code: 'LOG_SHARD_TAKEN', facts }
    await expect(begins(config, 'clicks', store)).rejects.toMatchObject(fault)
    const place = present(config.shard, 'it is of a shard')
    const begun = beginTopics(place, new Set(['clicks']), partsOn(store, 2))
    await expect(begun).rejects.toMatchObject(fault)
    // The refusal has claimed nothing: with the topic back where it was, all is as before.
    await begins(await shardConfig('{ clicks: [] }', 'first'), 'clicks', store)
  })

  test('a shard refuses a stream that the first log has rows of, whatever its topic', async () => {
    const store: SimStore = new Map()
    const whole = await shardedConfig('{}')
    const log = await takenUp(whole, partsOn(store))
    const source = sourceAt(0, 'old')
    const range = { lane: 'lake', source, expected: undefined, first: offset(0n) }
    const progress = [{ stream: 'clicks', source, eventWatermarkMs: unixMs(1) }]
    const outcome = await log.put({
      kind: 'append',
      commitId: log.nextCommitId(),
      ranges: [{ ...range, next: nextOffset(0n), leaderEpoch: -1 }],
      places: [],
      configVersion: 1,
      body: { files: [], counts: [], progress, evidence: [] },
    })
    expect(outcome.kind).toBe('decided')
    const config = await shardConfig('{ clicks: [clicks, numbers] }', 'clicks')
    await expect(takenUp(config, partsOn(store, 2))).rejects.toMatchObject({
      code: 'LOG_SHARD_TAKEN',
      facts: { kind: 'stream', name: 'clicks', configured: 'clicks', taken: 'first' },
    })
    // Nor has it claimed the other stream of that configuration.
    await takenUp(await shardConfig('{ clicks: [] }', 'first'), partsOn(store, 3))
  })

  test('of two that claim it at the same moment both are told the same', async () => {
    const { lake } = partsOn(new Map())
    const ask = (shard: string): Promise<string> =>
      claim(lake, 'sim', { kind: 'topic', name: 'clicks', shard })
    const told = await Promise.all([ask('a'), ask('b')])
    expect(new Set([...told, await ask('c')]).size).toBe(1)
  })

  test('a configuration that is refused for one stream claims no other', async () => {
    const parts = partsOn(new Map())
    const { lake } = parts
    await claim(lake, 'sim', { kind: 'stream', name: 'clicks', shard: 'taps' })
    const config = await shardConfig('{ both: [numbers, clicks] }', 'both')
    const facts = { kind: 'stream', name: 'clicks', configured: 'both', taken: 'taps' }
    await expect(keepShards(config, parts)).rejects.toMatchObject({ facts })
    expect(await holderOf(lake, 'sim', { kind: 'stream', name: 'numbers' })).toBeUndefined()
  })

  test('a claim that does not say whose it is stops who asks', async () => {
    const store: SimStore = new Map()
    const { lake } = partsOn(store)
    const wanted = { kind: 'topic', name: 'clicks', shard: 'clicks' } as const
    await claim(lake, 'sim', wanted)
    const [path = ''] = [...store.keys()]
    for (const text of ['no json', '{"topic":"clicks"}']) {
      await lake.put(path, Buffer.from(text))
      await expect(claim(lake, 'sim', wanted)).rejects.toMatchObject({
        code: 'LOG_CLAIM_UNREADABLE',
        facts: { path },
      })
    }
  })

  test.each(['before-effect', 'after-effect'] as const)(
    'of two that claim it one has it, whichever call fails (%s)',
    async (moment) => {
      for (let failAt = 1; ; failAt++) {
        const store: SimStore = new Map()
        const { lake } = partsOn(store, 1, { failAt, moment, lasting: 'once' })
        const ask = (shard: string): Promise<string | undefined> =>
          claim(lake, 'sim', { kind: 'topic', name: 'clicks', shard }).catch(() => undefined)
        const told = [await ask('a'), await ask('b'), await ask('a'), await ask('b')]
        const holders = new Set(told.filter((shard) => shard !== undefined))
        expect(holders.size, `failAt=${failAt}`).toBe(1)
        const silent = told.filter((shard) => shard === undefined).length
        expect(silent, `failAt=${failAt}`).toBeLessThanOrEqual(1)
        if (lake.calls < failAt) return
      }
    },
  )
})

describe('a log with shards is never run as if it had none', () => {
  test('its configuration without them is not taken up, whoever began', async () => {
    for (const name of ['first', 'clicks']) {
      const store: SimStore = new Map()
      await takenUp(await shardConfig(inClicks, name), partsOn(store))
      const whole = takenUp(await shardedConfig('{}'), partsOn(store, 2))
      await expect(whole).rejects.toMatchObject({
        code: 'LOG_SHARDS_MISSING',
        facts: { pipeline: 'sim', shards: ['clicks'] },
      })
    }
  })

  test('who runs without them puts nothing any more once a shard has begun', async () => {
    const store: SimStore = new Map()
    const whole = await shardedConfig('{}')
    const old = await takenUp(whole, partsOn(store))
    await takenUp(await shardConfig(inClicks, 'clicks'), partsOn(store, 2))
    const source = new HandSource([sourceAt(0, 'clicks')])
    const rule = { lane: 'lake', start: 'earliest', topics: ['clicks'], config: whole } as const
    const reading = resolveStartPositions(old, source, [sourceAt(0, 'clicks')], rule)
    await expect(reading).rejects.toMatchObject({ code: 'CONFIG_CONFLICT' })
    expect(topicsOf(old)).toEqual([])
  })

  test('a shard that begins leaves the first log alone where that knows of shards', async () => {
    const store: SimStore = new Map()
    const first = await takenUp(await shardConfig(inClicks, 'first'), partsOn(store))
    const { next } = first.state
    await takenUp(await shardConfig('{ clicks: [clicks], taps: [] }', 'clicks'), partsOn(store, 2))
    expect((await first.refresh()).next).toBe(next)
  })

  test('what one log is told is not told by another: each has its own version', async () => {
    const store: SimStore = new Map()
    const first = await takenUp(await shardConfig(inClicks, 'first'), partsOn(store))
    const clicks = await takenUp(await shardConfig(inClicks, 'clicks'), partsOn(store, 2))
    expect([first.state.config.version, clicks.state.config.version]).toEqual([1, 1])
    expect(first.state.config.checksum).not.toBe(clicks.state.config.checksum)
    const homes = new Set([...store.keys()].map((path) => path.split('/log/')[0]))
    expect(homes).toContain('_lakeward/sim')
    expect(homes).toContain('_lakeward/sim/shards/clicks')
  })

  test.each(['before-effect', 'after-effect'] as const)(
    'a shard begins behind the first log, whichever call fails (%s)',
    async (moment) => {
      const [whole, config] = [await shardedConfig('{}'), await shardConfig(inClicks, 'clicks')]
      for (let failAt = 1; ; failAt++) {
        const store: SimStore = new Map()
        const old = await takenUp(whole, partsOn(store))
        const parts = partsOn(store, 2, { failAt, moment, lasting: 'once' })
        const begun = async (): Promise<CommitLog> => parts.clock.run(takenUp(config, parts))
        const log = await begun().catch(begun)
        expect(log.state.config, `failAt=${failAt}`).toMatchObject({ checksum: config.checksum })
        const { config: inForce } = await old.refresh()
        expect(inForce.checksum, `failAt=${failAt}`).toBe(config.shard?.first.checksum)
        const again = takenUp(whole, partsOn(store, 3))
        await expect(again).rejects.toMatchObject({ code: 'LOG_SHARDS_MISSING' })
        if (parts.lake.calls < failAt) return
      }
    },
  )
})
