import { describe, expect, test } from 'vitest'
import { isFault } from '../../../src/base/fault.ts'
import { unixMs } from '../../../src/base/time.ts'
import { adoptOrPutConfig } from '../../../src/committer/adopt-config.ts'
import { openCommitLog } from '../../../src/committer/commit-log.ts'
import { resolveStartPositions, type StartRule } from '../../../src/daemon/start-positions.ts'
import type { FoldedPosition } from '../../../src/model/fold-state.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import {
  clusterId,
  type SourcePartition,
  sourceKey,
  topicId,
} from '../../../src/model/topic-partition.ts'
import type { CommitLog } from '../../../src/ports/commit-log.ts'
import { decideStart } from '../../../src/protocol/source-judgement.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimLake, type SimStore } from '../../sim/lake.ts'
import { SimRandom } from '../../sim/random.ts'
import { SimTelemetry } from '../../sim/telemetry.ts'
import { judgeLog } from '../../support/judged-log.ts'
import { HandSource, sourceAt } from '../../support/lane-world.ts'

const pipeline = 'sim'
const own = { pipeline, checksum: 'own' }
const rule = (start: StartRule['start'], topics = ['events']): StartRule => ({
  lane: 'lake',
  start,
  topics,
  config: own,
})
const clock = new SimClock()

async function openLog(store: SimStore, seed = 1): Promise<CommitLog> {
  const lake = new SimLake({ store, clock })
  const random = new SimRandom(seed)
  const log = await openCommitLog({ lake, pipeline, clock, random, telemetry: new SimTelemetry() })
  await adoptOrPutConfig(log, { checksum: 'own', streams: [] })
  return log
}

const at = (
  source: SourcePartition,
  next: bigint,
): [ReturnType<typeof sourceKey>, FoldedPosition] => [
  sourceKey(source),
  {
    source,
    next: nextOffset(next),
    leaderEpoch: 3,
    commitId: commitIdOf(writerId('00'.repeat(16)), 0),
    sinceMs: unixMs(0),
    movedAtMs: unixMs(0),
    eventWatermarkMs: undefined,
  },
]

const offsetsOf = (found: { from: ReadonlyMap<string, { from: bigint }> }): readonly number[] =>
  [...found.from.values()].map(({ from }) => Number(from))

describe('where to read from', () => {
  const known = new Map([at(sourceAt(0), 7n)])

  test('is what the log says, with the epoch of the record before', () => {
    const start = { from: 7n, leaderEpoch: 3, resetEpoch: 0 }
    expect(decideStart(known, sourceAt(0))).toEqual({ kind: 'known', start })
  })

  test('is the beginning for a partition added to a topic', () => {
    expect(decideStart(known, sourceAt(1))).toEqual({ kind: 'added-partition' })
  })

  test('is the rule’s for a topic that the log does not know', () => {
    expect(decideStart(known, sourceAt(0, 'other'))).toEqual({ kind: 'new-topic' })
    expect(decideStart(new Map(), sourceAt(0))).toEqual({ kind: 'new-topic' })
  })

  test('is nowhere for another topic under the name, or another cluster', () => {
    const renewed = { ...sourceAt(0), topicId: topicId('new') }
    const moved = { ...sourceAt(0), clusterId: clusterId('elsewhere') }
    const codes = [renewed, moved].map((source) => {
      const decision = decideStart(known, source)
      return decision.kind === 'refused' ? [decision.fault.code, decision.fault.facts] : decision
    })
    expect(codes).toMatchObject([
      ['KAFKA_TOPIC_RECREATED', { logHas: 'id-of-events', brokerHas: 'new' }],
      ['KAFKA_CLUSTER_CHANGED', { logHas: 'c', brokerHas: 'elsewhere' }],
    ])
  })
})

describe('start positions', () => {
  const four = [0, 1, 2, 3].map((partition) => sourceAt(partition))
  const half = (first: number): readonly SourcePartition[] => four.slice(first, first + 2)
  const kafka = (): HandSource => {
    const source = new HandSource(four)
    source.ends = new Map([0, 1, 2, 3].map((partition) => [partition, 100n + BigInt(partition)]))
    return source
  }

  test('of a topic are put for all its partitions, so that all daemons start by one rule', async () => {
    const store: SimStore = new Map()
    const [one, other] = [await openLog(store), await openLog(store, 2)]
    const source = kafka()
    const first = await resolveStartPositions(one, source, half(0), rule('latest'))
    const second = await resolveStartPositions(other, source, half(2), rule('latest'))
    expect([offsetsOf(first), offsetsOf(second)]).toEqual([
      [100, 101],
      [102, 103],
    ])
  })

  test('put by two daemons at the same moment are those of one of them', async () => {
    const store: SimStore = new Map()
    const logs = [await openLog(store), await openLog(store, 2)]
    const sources = [kafka(), kafka()]
    sources[1]?.ends.set(0, 500n)
    const found = await Promise.all(
      logs.map((log, n) => resolveStartPositions(log, sources[n] ?? kafka(), four, rule('latest'))),
    )
    expect(offsetsOf(found[0] as never)).toEqual(offsetsOf(found[1] as never))
    const { entries } = judgeLog(store, pipeline)
    const decided = entries.filter((entry) => entry.decided && entry.entry.kind === 'append')
    expect(decided).toHaveLength(1)
  })

  test('of a partition added later are its first record, whatever the rule', async () => {
    const log = await openLog(new Map())
    const source = kafka()
    await resolveStartPositions(log, source, half(0), rule('latest'))
    const added = sourceAt(4)
    source.known.push(added)
    source.starts.set(4, 5n)
    source.ends.set(4, 900n)
    const found = await resolveStartPositions(log, source, [added], rule('latest'))
    expect(offsetsOf(found)).toEqual([5])
  })

  test('that no leader answers for are left open, and put nothing into the log', async () => {
    const store: SimStore = new Map()
    const log = await openLog(store)
    const source = kafka()
    source.starts.delete(1)
    const found = await resolveStartPositions(log, source, half(0), rule('earliest'))
    expect([offsetsOf(found), found.unanswered]).toEqual([[0], [four[1]]])
    const { length } = judgeLog(store, pipeline).entries
    await resolveStartPositions(log, source, half(0), rule('earliest'))
    expect(judgeLog(store, pipeline).entries).toHaveLength(length)
    source.starts.set(1, 3n)
    const again = await resolveStartPositions(log, source, half(0), rule('earliest'))
    expect([offsetsOf(again), again.unanswered]).toEqual([[0, 3], []])
  })

  test('at the end of a topic wait for all its leaders: one put later would start at 0', async () => {
    const store: SimStore = new Map()
    const log = await openLog(store)
    const source = kafka()
    source.ends.delete(3)
    const found = await resolveStartPositions(log, source, half(0), rule('latest'))
    expect([offsetsOf(found), found.unanswered]).toEqual([[], half(0)])
    expect(judgeLog(store, pipeline).state.positions.size).toBe(0)
    source.ends.set(3, 103n)
    const again = await resolveStartPositions(log, source, half(0), rule('latest'))
    expect(offsetsOf(again)).toEqual([100, 101])
  })

  test('of a pattern’s topics are put together; one that comes later is read whole', async () => {
    const store: SimStore = new Map()
    const log = await openLog(store)
    const source = new HandSource([sourceAt(0, 'ev-a'), sourceAt(0, 'ev-b'), sourceAt(0, 'other')])
    source.ends.set(0, 100n)
    const byPattern = rule('latest', ['ev-.*', 'other'])
    const first = await resolveStartPositions(log, source, [sourceAt(0, 'ev-a')], byPattern)
    expect(offsetsOf(first)).toEqual([100])
    source.ends.set(0, 200n)
    const known = await resolveStartPositions(log, source, [sourceAt(0, 'ev-b')], byPattern)
    expect(offsetsOf(known)).toEqual([100])
    source.known.push(sourceAt(0, 'ev-c'))
    const later = await resolveStartPositions(log, source, [sourceAt(0, 'ev-c')], byPattern)
    expect(offsetsOf(later)).toEqual([0])
    const named = await resolveStartPositions(log, source, [sourceAt(0, 'other')], byPattern)
    expect(offsetsOf(named)).toEqual([200])
  })

  test('of a pattern wait for the leaders of all its topics', async () => {
    const store: SimStore = new Map()
    const log = await openLog(store)
    const source = new HandSource([sourceAt(0, 'ev-a'), sourceAt(1, 'ev-b'), sourceAt(0, 'other')])
    source.ends.delete(1)
    const byPattern = rule('latest', ['ev-.*', 'other'])
    const asked = [sourceAt(0, 'ev-a'), sourceAt(0, 'other')]
    const found = await resolveStartPositions(log, source, asked, byPattern)
    expect([[...found.from.keys()], found.unanswered]).toEqual([
      [sourceKey(sourceAt(0, 'other'))],
      [sourceAt(0, 'ev-a')],
    ])
  })

  test('are where another group ended, and the beginning of what it never read', async () => {
    const store: SimStore = new Map()
    const log = await openLog(store)
    const source = kafka()
    source.starts.set(3, 7n)
    source.committed.set('old', new Map([0, 1, 2].map((at) => [at, 50n + BigInt(at)])))
    const found = await resolveStartPositions(log, source, four, rule({ group: 'old' }))
    expect(offsetsOf(found)).toEqual([50, 51, 52, 7])
    // It was the choice of that moment: the log has it, whatever the group does later.
    source.committed.set('old', new Map([[0, 99n]]))
    const again = await resolveStartPositions(log, source, four, rule({ group: 'old' }))
    expect(offsetsOf(again)).toEqual([50, 51, 52, 7])
  })

  test('are not put under the configuration of another daemon', async () => {
    const store: SimStore = new Map()
    const log = await openLog(store)
    const other = await openLog(store, 2)
    await adoptOrPutConfig(other, { checksum: 'another', streams: [] })
    const thrown = await resolveStartPositions(log, kafka(), four, rule('earliest')).catch(
      (error: unknown) => error,
    )
    expect(isFault(thrown, 'CONFIG_CONFLICT')).toBe(true)
    expect(judgeLog(store, pipeline).state.positions.size).toBe(0)
  })

  test('that are all known ask no broker', async () => {
    const log = await openLog(new Map())
    const source = kafka()
    await resolveStartPositions(log, source, four, rule('earliest'))
    source.asked = 0
    await resolveStartPositions(log, source, four, rule('earliest'))
    expect(source.asked).toBe(0)
  })
})
