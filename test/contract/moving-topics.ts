/**
 * Topics that come and go under a pattern, and positions taken over from another consumer group:
 * what any broker must show of our source.
 */
import { expect } from 'vitest'
import type { Fault } from '../../src/base/fault.ts'
import { sourceKey, topicPartitionName } from '../../src/model/topic-partition.ts'
import type { Source } from '../../src/ports/source.ts'
import { eventually } from '../support/eventually.ts'
import { RecordingReader } from '../support/recording-reader.ts'
import type { SourceWorld } from './source.ts'
import { type Suite, vitestSuite } from './suite.ts'

export interface MovingWorld extends SourceWorld {
  /** A plain consumer of a group commits these offsets of `topic`, then leaves it or stays. */
  commitAs(group: string, offsets: Committed, end: 'leaves' | 'stays'): Promise<Consumer>
}

interface Committed {
  readonly topic: string
  /** By partition. */
  readonly next: ReadonlyMap<number, bigint>
}

interface Consumer {
  readonly stop: () => Promise<void>
}

const boundMsDefault = 60_000
const batchOf = (...values: readonly string[]) => ({ records: values.map((value) => ({ value })) })
const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: Fault) => error.code,
  )

/** @param boundMs how long a case waits for what must come. */
export function movingTopicsContract(
  name: string,
  open: () => Promise<MovingWorld>,
  { describe, test, beforeEach, afterEach }: Suite = vitestSuite,
  boundMs = boundMsDefault,
): void {
  const until = (what: string, look: () => boolean): Promise<true> =>
    eventually(what, boundMs, () => look() || undefined)
  describe(name, () => {
    let world: MovingWorld
    const sources: Source[] = []
    beforeEach(async () => {
      world = await open()
    })
    afterEach(async () => {
      for (const source of sources.splice(0)) await source.close()
      await world.close()
    })
    const sourceOf = (topics: readonly string[], group = 'g'): Source => {
      const source = world.source(topics, group, 'often')
      sources.push(source)
      return source
    }

    test('a pattern reads what there is and what comes, and no topic beside it', async () => {
      await world.createTopic('growth.a', 2)
      await world.createTopic('other', 1)
      const reader = new RecordingReader()
      const source = sourceOf(['growth\\..*'])
      await source.open(reader)
      await until('the first topic', () => reader.assigned.length === 2)
      await world.createTopic('growth.b', 1)
      await world.append({ topic: 'growth.b', partition: 0 }, batchOf('new'))
      await until('the new topic', () => reader.of('growth.b/0').length === 1)
      const { sources: known, missingTopics } = await source.metadata()
      expect(known.map(topicPartitionName)).toEqual(['growth.a/0', 'growth.a/1', 'growth.b/0'])
      expect(missingTopics).toEqual([])
      expect(reader.events.filter((event) => !event.startsWith('assigned'))).toEqual([])
    })

    test('a topic that goes is given up and not told as there, whoever read it', async () => {
      await world.createTopic('growth.a', 1)
      await world.createTopic('growth.b', 1)
      const topics: ReadonlySet<string>[] = []
      const readers = [new RecordingReader(), new RecordingReader()]
      for (const reader of readers) {
        const told = { onTopics: (there: ReadonlySet<string>) => void topics.push(there) }
        await sourceOf(['growth\\..*']).open(Object.assign(reader, told))
      }
      const held = (): string[] => readers.flatMap((one) => one.assigned.map(topicPartitionName))
      await until('one each', () => readers.every((one) => one.assigned.length === 1))
      await world.deleteTopic('growth.b')
      await until('the loss', () => held().length === 1)
      expect(held()).toEqual(['growth.a/0'])
      await until('the news', () => topics.at(-1)?.has('growth.b') === false)
      expect(topics.at(-1)?.has('growth.a')).toBe(true)
    })

    test('a name that is missing beside a pattern is told as missing', async () => {
      await world.createTopic('growth.a', 1)
      const { sources: known, missingTopics } = await sourceOf(['growth\\..*', 'later']).metadata()
      expect([known.map(topicPartitionName), missingTopics]).toEqual([['growth.a/0'], ['later']])
    })

    test('offsets of another group are what it committed, once it has no members', async () => {
      await world.createTopic('t', 3)
      for (const partition of [0, 1, 2]) {
        await world.append({ topic: 't', partition }, batchOf('a', 'b', 'c'))
      }
      const committed = { topic: 't', next: new Map([0, 2].map((at) => [at, BigInt(at)])) }
      const consumer = await world.commitAs('old', committed, 'stays')
      const source = sourceOf(['t'])
      expect(await codeOf(source.groupOffsets('old'))).toBe('KAFKA_START_GROUP_BUSY')
      await consumer.stop()
      const found = await source.groupOffsets('old')
      const { sources: known } = await source.metadata()
      expect(known.map((at) => found.get(sourceKey(at)))).toEqual([0n, undefined, 2n])
    })

    test('a group that committed nothing of our topics is refused by name', async () => {
      await world.createTopic('t', 1)
      await world.createTopic('far', 1)
      const consumer = await world.commitAs(
        'far-away',
        { topic: 'far', next: new Map([[0, 0n]]) },
        'leaves',
      )
      await consumer.stop()
      const source = sourceOf(['t'])
      for (const group of ['far-away', 'nobody']) {
        expect(await codeOf(source.groupOffsets(group)), group).toBe('KAFKA_START_GROUP_EMPTY')
      }
    })
  })
}
