import { expect } from 'vitest'
import { unixMs } from '../../src/base/time.ts'
import { type NextOffset, nextOffset, type Offset, offset } from '../../src/model/offset.ts'
import {
  type SourceKey,
  sourceKey,
  type TopicPartition,
  topicId,
  topicPartitionName,
} from '../../src/model/topic-partition.ts'
import type { Source } from '../../src/ports/source.ts'
import type { TransactionEnd } from '../support/empty-transaction.ts'
import { eventually } from '../support/eventually.ts'
import type { TestBatch } from '../support/record-batch.ts'
import { RecordingReader } from '../support/recording-reader.ts'
import { type Suite, vitestSuite } from './suite.ts'

/** Brokers that a test fills and breaks, and the sources that read them. */
export interface SourceWorld {
  /** @param look how often the source looks at the metadata on its own. */
  source(topics: readonly string[], group: string, look: 'often' | 'rarely'): Source
  createTopic(topic: string, partitionCount: number): Promise<void> | void
  deleteTopic(topic: string): Promise<void> | void
  /** Deletes the topic and makes one of the same name; whoever looks may see it gone. */
  recreateTopic(topic: string, partitionCount: number): Promise<void> | void
  append(at: TopicPartition, batch: TestBatch): Promise<void>
  /** A transaction that is taken back. */
  appendAborted(at: TopicPartition, values: readonly string[]): Promise<void>
  /** A transaction without records: its marker is all there is of it. */
  appendEmpty(at: TopicPartition, end: TransactionEnd): Promise<void>
  close(): Promise<void>
}

/** For what hangs; a real broker on a busy machine takes its time. */
const boundMsDefault = 30_000

const batchOf = (...values: readonly string[]): TestBatch => ({
  records: values.map((value) => ({ value })),
})
const t0 = { topic: 't', partition: 0 }
const t1 = { topic: 't', partition: 1 }

/**
 * What every source promises. Run on the simulated one and on the adapter.
 *
 * @param boundMs how long a case waits for what must come.
 */
export function sourceContract(
  name: string,
  open: () => Promise<SourceWorld>,
  { describe, test, beforeEach, afterEach }: Suite = vitestSuite,
  boundMs = boundMsDefault,
): void {
  const wait = <T>(what: string, look: () => T | undefined | Promise<T | undefined>): Promise<T> =>
    eventually(what, boundMs, look)
  describe(`source contract: ${name}`, () => {
    let world: SourceWorld
    const opened: Source[] = []
    const read = async (
      reader: RecordingReader,
      topics: readonly string[] = ['t'],
      look: 'often' | 'rarely' = 'often',
    ): Promise<Source> => {
      const source = world.source(topics, 'g', look)
      opened.push(source)
      await source.open(reader)
      return source
    }
    beforeEach(async () => {
      world = await open()
      await world.createTopic('t', 2)
    })
    afterEach(async () => {
      for (const source of opened.splice(0)) await source.close()
      await world.close()
    })

    test('tells up to where leaders have what was read under an epoch, by topic id', async () => {
      await world.append(t0, batchOf('a', 'b'))
      const reader = new RecordingReader()
      const source = await read(reader)
      const { leaderEpoch, source: at } = (await wait('some', () => reader.fetches[0])).batch
      const ends = await source.epochEnds([{ source: at, leaderEpoch }])
      expect([...ends]).toEqual([[sourceKey(at), { leaderEpoch, next: 2n }]])
      const another = { ...at, topicId: topicId('6f0e8a4e-2f3b-4f53-9b0b-4f5a2b1c0d9e') }
      expect((await source.epochEnds([{ source: another, leaderEpoch }])).size).toBe(0)
    })

    test('hands on every record of every partition once, in order', async () => {
      await world.append(t0, batchOf('a', 'b'))
      await world.append(t1, { ...batchOf('x'), codec: 'zstd' })
      const reader = new RecordingReader()
      await read(reader)
      await wait('the first records', () => reader.count >= 3 || undefined)
      await world.append(t0, { ...batchOf('c'), codec: 'gzip' })
      await wait('the next record', () => reader.count >= 4 || undefined)
      expect(reader.of('t/0')).toEqual(['a', 'b', 'c'])
      expect(reader.of('t/1')).toEqual(['x'])
      expect(reader.events).toEqual(['assigned t/0 t/1'])
    })

    test('reads from where the reader says, inside a batch too, and tells where it is', async () => {
      await world.append(t0, batchOf('a', 'b', 'c'))
      await world.append(t0, batchOf('d'))
      const reader = new RecordingReader()
      reader.from = ({ partition }) => (partition === 0 ? offset(1n) : undefined)
      await read(reader)
      await wait('the records', () => reader.of('t/0').length >= 3 || undefined)
      expect(reader.of('t/0')).toEqual(['b', 'c', 'd'])
      expect(reader.fetches[0]?.batch.fetchOffset).toBe(1n)
      expect(reader.fetches.at(-1)?.batch.nextOffset).toBe(4n)
      expect(reader.fetches.at(-1)?.batch.highWatermark).toBe(4n)
    })

    test('a partition without a position waits for a seek', async () => {
      await world.append(t0, batchOf('a'))
      await world.append(t1, batchOf('x', 'y'))
      const reader = new RecordingReader()
      reader.from = ({ partition }) => (partition === 0 ? offset(0n) : undefined)
      const source = await read(reader)
      await wait('the other partition', () => reader.of('t/0').length === 1 || undefined)
      expect(reader.of('t/1')).toEqual([])
      for (const at of reader.assigned) if (at.partition === 1) source.seek(at, offset(1n))
      await wait('the record behind the seek', () => reader.of('t/1').length === 1 || undefined)
      expect(reader.of('t/1')).toEqual(['y'])
    })

    test('a seek goes back, and nothing of before comes after it', async () => {
      await world.append(t0, batchOf('a', 'b'))
      const reader = new RecordingReader()
      const source = await read(reader)
      await wait('all', () => reader.of('t/0').length === 2 || undefined)
      for (const at of reader.assigned) if (at.partition === 0) source.seek(at, offset(0n))
      await wait('all again', () => reader.of('t/0').length === 4 || undefined)
      expect(reader.of('t/0')).toEqual(['a', 'b', 'a', 'b'])
    })

    test('a paused partition is not read, the others are; resumed it goes on', async () => {
      const reader = new RecordingReader()
      const source = await read(reader)
      await wait('the assignment', () => reader.assigned.length === 2 || undefined)
      const paused = reader.assigned.filter(({ partition }) => partition === 0)
      source.pause(paused)
      await world.append(t0, batchOf('a'))
      await world.append(t1, batchOf('x'))
      await wait('the other partition', () => reader.of('t/1').length === 1 || undefined)
      expect(reader.of('t/0')).toEqual([])
      source.resume(paused)
      await wait('the resumed partition', () => reader.of('t/0').length === 1 || undefined)
      expect(reader.of('t/0')).toEqual(['a'])
    })

    test('the next answer waits for the promise of the last', async () => {
      await world.append(t0, batchOf('a'))
      const reader = new RecordingReader()
      const { promise, resolve } = Promise.withResolvers<void>()
      reader.gate = promise
      const source = await read(reader)
      await wait('the first answer', () => reader.count === 1 || undefined)
      await world.append(t0, batchOf('b'))
      await world.append(t1, batchOf('x'))
      const all = await source.metadata()
      await wait('the brokers show the records', async () => {
        const ends = await source.highWatermarks(all.sources)
        return [...ends.values()].every((end) => end > 0n) || undefined
      })
      expect(reader.count).toBe(1)
      reader.gate = undefined
      resolve()
      await wait('the rest', () => reader.count === 3 || undefined)
      expect(reader.of('t/0')).toEqual(['a', 'b'])
    })

    test('a transaction taken back is marked to be skipped, and positions pass it', async () => {
      await world.append(t0, batchOf('a'))
      await world.appendAborted(t0, ['gone', 'gone too'])
      await world.append(t0, batchOf('b'))
      const reader = new RecordingReader()
      await read(reader)
      await wait('both records', () => reader.of('t/0').length === 2 || undefined)
      expect(reader.of('t/0')).toEqual(['a', 'b'])
      const skipped = reader.fetches.flatMap(({ batch }) => batch.skippedBatches)
      expect(skipped.length).toBeGreaterThanOrEqual(2)
    })

    test('markers of transactions without records are passed, to the very end of a log', async () => {
      await world.append(t0, batchOf('a'))
      for (const at of [t0, t1]) {
        await world.appendEmpty(at, 'commit')
        await world.appendEmpty(at, 'abort')
      }
      const reader = new RecordingReader()
      const source = await read(reader)
      const passed = (name: string) => {
        const last = reader.fetches.findLast((fetch) => fetch.name === name)?.batch
        return last && [last.nextOffset, last.highWatermark]
      }
      await wait('the end of one', () => passed('t/0')?.[0] === 3n || undefined)
      await wait('the end of the other', () => passed('t/1')?.[0] === 2n || undefined)
      expect([passed('t/0'), passed('t/1')]).toEqual([
        [3n, 3n],
        [2n, 2n],
      ])
      const { sources } = await source.metadata()
      const ends = await source.highWatermarks(sources)
      expect(sources.map((at) => ends.get(sourceKey(at)))).toEqual([3n, 2n])
      await world.append(t1, batchOf('x'))
      await wait('the record behind them', () => reader.of('t/1').length === 1 || undefined)
      expect([reader.of('t/0'), reader.of('t/1')]).toEqual([['a'], ['x']])
      expect(reader.refused).toEqual([])
    })

    test('tells the whole set of partitions, and which topics are missing', async () => {
      const reader = new RecordingReader()
      const source = await read(reader, ['t', 'later'])
      const { sources, missingTopics } = await source.metadata()
      expect(sources.map(topicPartitionName)).toEqual(['t/0', 't/1'])
      expect(missingTopics).toEqual(['later'])
      expect(new Set(sources.map(sourceKey)).size).toBe(2)
    })

    test('a topic that appears later is read from then on', async () => {
      const reader = new RecordingReader()
      await read(reader, ['t', 'later'])
      await wait('the first topic', () => reader.assigned.length === 2 || undefined)
      await world.createTopic('later', 1)
      await world.append({ topic: 'later', partition: 0 }, batchOf('new'))
      await wait('the new topic', () => reader.of('later/0').length === 1 || undefined)
      expect(reader.events.filter((event) => !event.startsWith('assigned'))).toEqual([])
    })

    test('finds offsets at the ends and by time', async () => {
      await world.append(t0, { records: [{ timestampMs: 1_000 }, { timestampMs: 2_000 }] })
      await world.append(t0, { records: [{ timestampMs: 3_000 }] })
      const source = await read(new RecordingReader())
      const { sources } = await source.metadata()
      const inOrder = (answer: ReadonlyMap<SourceKey, Offset | NextOffset>) =>
        sources.map((source) => Number(answer.get(sourceKey(source))))
      const at = async (position: Parameters<Source['offsetsAt']>[1]) =>
        inOrder(await source.offsetsAt(sources, position))
      expect(await at('earliest')).toEqual([0, 0])
      expect(await at('latest')).toEqual([3, 0])
      expect(await at(unixMs(2_500))).toEqual([2, 0])
      expect(await at(unixMs(9_000))).toEqual([3, 0])
      expect(inOrder(await source.highWatermarks(sources))).toEqual([3, 0])
    })

    test('an offset that is not there stops that partition alone, until a seek', async () => {
      await world.append(t0, batchOf('a'))
      await world.append(t1, batchOf('x'))
      const reader = new RecordingReader()
      reader.from = ({ partition }) => offset(partition === 0 ? 50n : 0n)
      const source = await read(reader)
      await wait('the refusal', () => reader.refused[0])
      await wait('the other partition', () => reader.of('t/1').length === 1 || undefined)
      expect(reader.refused.map(({ name, fault }) => [name, fault.code, fault.facts])).toEqual([
        [
          't/0',
          'KAFKA_OFFSET_OUT_OF_RANGE',
          { topicPartition: 't/0', asked: 50n, earliest: 0n, latest: 1n },
        ],
      ])
      for (const at of reader.assigned) if (at.partition === 0) source.seek(at, offset(0n))
      await wait('the record', () => reader.of('t/0').length === 1 || undefined)
    })

    test('a topic made anew unseen is refused, until a seek with its new id', async () => {
      await world.append(t0, batchOf('old'))
      await world.createTopic('other', 1)
      const reader = new RecordingReader()
      const source = await read(reader, ['t', 'other'], 'rarely')
      await wait('the old record', () => reader.of('t/0').length === 1 || undefined)
      // Nobody asks for the topic while it is gone: it is found to be another afterwards.
      const paused = reader.assigned.filter(({ topic }) => topic === 't')
      source.pause(paused)
      await world.recreateTopic('t', 2)
      source.resume(paused)
      await world.append(t0, batchOf('new one', 'new two'))
      await world.append({ topic: 'other', partition: 0 }, batchOf('fine'))
      await wait('both refusals', () => reader.refused.length === 2 || undefined)
      await wait('the other topic', () => reader.of('other/0').length === 1 || undefined)
      expect(new Set(reader.refused.map(({ fault }) => fault.code))).toEqual(
        new Set(['KAFKA_TOPIC_RECREATED']),
      )
      expect(reader.of('t/0')).toEqual(['old'])
      const { sources } = await source.metadata()
      for (const at of sources) if (at.topic === 't') source.seek(at, offset(0n))
      await wait('the new records', () => reader.of('t/0').length === 3 || undefined)
      expect(reader.of('t/0')).toEqual(['old', 'new one', 'new two'])
    })

    test('a deleted topic is given up; made anew it is assigned under its new id', async () => {
      await world.append(t0, batchOf('old'))
      await world.createTopic('other', 1)
      const reader = new RecordingReader()
      await read(reader, ['t', 'other'])
      await wait('the old record', () => reader.of('t/0').length === 1 || undefined)
      await world.deleteTopic('t')
      await wait('it is given up', () => reader.assigned.length === 1 || undefined)
      await world.append({ topic: 'other', partition: 0 }, batchOf('fine'))
      await wait('the other topic', () => reader.of('other/0').length === 1 || undefined)
      await world.createTopic('t', 2)
      await world.append(t0, batchOf('new'))
      await wait('the new record', () => reader.of('t/0').length === 2 || undefined)
      expect(reader.of('t/0')).toEqual(['old', 'new'])
      const fetched = reader.fetches.filter(({ name }) => name === 't/0')
      expect(new Set(fetched.map(({ batch }) => batch.source.topicId)).size).toBe(2)
      expect(reader.refused).toEqual([])
    })

    test('a second member takes its share after the first has given it up, and back', async () => {
      const first = new RecordingReader()
      const second = new RecordingReader()
      const order: string[] = []
      const revoked = first.onRevoked.bind(first)
      first.onRevoked = async (sources) => {
        order.push('revoked')
        await revoked(sources)
      }
      const assigned = second.onAssigned.bind(second)
      second.onAssigned = async (sources) => {
        order.push('assigned')
        return assigned(sources)
      }
      await read(first)
      await wait('all for the first', () => first.assigned.length === 2 || undefined)
      const other = await read(second)
      await wait('a share for the second', () => second.assigned.length === 1 || undefined)
      expect(first.assigned.length).toBe(1)
      expect(order).toEqual(['revoked', 'assigned'])
      await world.append(t0, batchOf('a'))
      await world.append(t1, batchOf('x'))
      await wait('one record each', () => (first.count === 1 && second.count === 1) || undefined)
      await other.close()
      await wait('all back', () => first.assigned.length === 2 || undefined)
    })

    test('nothing is handed on after fetching was stopped, and the share is kept', async () => {
      const reader = new RecordingReader()
      const source = await read(reader)
      await wait('the assignment', () => reader.assigned.length === 2 || undefined)
      await source.stopFetching()
      await world.append(t0, batchOf('late'))
      const { sources } = await source.metadata()
      await wait(
        'the broker shows it',
        async () =>
          [...(await source.highWatermarks(sources)).values()].includes(nextOffset(1n)) ||
          undefined,
      )
      expect(reader.count).toBe(0)
      expect(source.assigned().length).toBe(2)
      expect(reader.events).toEqual(['assigned t/0 t/1'])
    })

    test('an offset commit is a hint: it never throws', async () => {
      const reader = new RecordingReader()
      const source = await read(reader)
      await wait('the assignment', () => reader.assigned.length === 2 || undefined)
      await source.commitOffsets(
        new Map(reader.assigned.map((at) => [sourceKey(at), nextOffset(1n)])),
      )
      await source.close()
      await source.commitOffsets(
        new Map(reader.assigned.map((at) => [sourceKey(at), nextOffset(2n)])),
      )
    })
  })
}
