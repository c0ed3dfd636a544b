/**
 * What members of a group of KIP-848 promise beside the contract of sources, on the embedded broker
 * and on real ones. Their session is the brokers': longer than a member takes to start again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Source } from '../../src/ports/source.ts'
import { eventually } from '../support/eventually.ts'
import { sourceOptions } from '../support/kafka-world.ts'
import type { TestBatch } from '../support/record-batch.ts'
import { RecordingReader } from '../support/recording-reader.ts'
import { type Brokers, type OpenMember, openMember } from './static-members.ts'
import { type Suite, vitestSuite } from './suite.ts'

export interface ConsumerBrokers extends Brokers {
  append(at: { topic: string; partition: number }, batch: TestBatch): Promise<void>
}

interface Bounds {
  readonly open: OpenMember
  /** How long a case waits for what must come. */
  readonly boundMs: number
}

/** In this time every member has heard what there is to hear: they ask every second. */
const hearMs = 3_000
/** What a reader may take to give something up. */
const rebalanceTimeoutMs = 60_000

let groups = 0

/** @param brokers as they stand when a test runs; topics are the tests' to make, groups as well. */
export function consumerMembers(
  name: string,
  brokers: () => ConsumerBrokers,
  { describe, test, afterEach }: Suite = vitestSuite,
  { open, boundMs }: Bounds = { open: openMember, boundMs: 60_000 },
): void {
  const until = (what: string, look: () => boolean): Promise<true> =>
    eventually(what, boundMs, () => look() || undefined)
  describe(`members of KIP-848 on ${name}`, () => {
    const opened: Source[] = []
    afterEach(async () => {
      for (const source of opened.splice(0)) await source.close()
    })

    /** A group of its own, with a topic of four partitions. */
    async function group() {
      const id = `consumer-${process.pid}-${++groups}`
      await brokers().createTopic(id, 4)
      const join = async (instanceId?: string) => {
        const more = { group: id, groupProtocol: 'consumer', instanceId } as const
        const reader = new RecordingReader()
        const source = open(sourceOptions(brokers(), [id], { ...more, rebalanceTimeoutMs }))
        opened.push(source)
        await source.open(reader)
        return { reader, source }
      }
      return { topic: id, join }
    }

    test('what is given up is nobody else’s until its reader is done, the rest is read', async () => {
      const { topic, join } = await group()
      const one = await join()
      await until('all', () => one.reader.assigned.length === 4)
      const done = Promise.withResolvers<void>()
      const revoked = one.reader.onRevoked.bind(one.reader)
      one.reader.onRevoked = async (sources) => {
        await revoked(sources)
        await done.promise
      }
      const two = await join()
      await until('something is given up', () => one.reader.assigned.length < 4)
      const kept = one.reader.assigned.map(({ partition }) => partition)
      for (const partition of kept) {
        await brokers().append({ topic, partition }, { records: [{ value: 'kept' }] })
      }
      await until('what is kept is read', () => one.reader.count === kept.length)
      await sleep(hearMs)
      expect(two.reader.events).toEqual([])
      done.resolve()
      await until('a share each', () => two.reader.assigned.length === 2)
      expect(one.reader.assigned).toHaveLength(2)
    })

    test('a static member that starts again takes its place, and nothing moves', async () => {
      const { join } = await group()
      const one = await join('one')
      await until('all', () => one.reader.assigned.length === 4)
      const two = await join('two')
      await until('a share each', () => two.reader.assigned.length === 2)
      await until('a share each', () => one.reader.assigned.length === 2)
      const share = (reader: RecordingReader): readonly number[] =>
        reader.assigned.map(({ partition }) => partition).sort((a, b) => a - b)
      const before = share(two.reader)
      const told = [...one.reader.events]
      await two.source.close()
      await sleep(hearMs)
      const again = await join('two')
      await until('the share of before', () => again.reader.assigned.length === 2)
      expect(share(again.reader)).toEqual(before)
      expect(one.reader.events).toEqual(told)
    })

    test('a second process of one name is told that it is held, and has it when it is free', async () => {
      const { join } = await group()
      const first = await join('one')
      await until('all', () => first.reader.assigned.length === 4)
      const second = await join('one')
      await until('it is told', () => second.reader.troubles.length > 0)
      expect(second.reader.troubles.at(-1)).toMatchObject({
        code: 'KAFKA_INSTANCE_HELD',
        retry: 'backoff',
        facts: { instanceId: 'one' },
        hint: expect.stringContaining('kafka.instance'),
      })
      await sleep(hearMs)
      expect(second.reader.events).toEqual([])
      expect(first.reader.events).toHaveLength(1)
      await first.source.close()
      await until('all at the second', () => second.reader.assigned.length === 4)
      await until('the end of the trouble', () => second.reader.troubles.at(-1) === undefined)
    })
  })
}
