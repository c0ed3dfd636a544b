/** What static members (group.instance.id) promise, on the embedded broker and on real ones. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import type { Source } from '../../src/ports/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { sourceOptions } from '../support/kafka-world.ts'
import { RecordingReader } from '../support/recording-reader.ts'
import { concurrentSuite, type Suite } from './suite.ts'

export interface Brokers {
  readonly host: string
  readonly port: number
  createTopic(topic: string, partitionCount: number): unknown
}

type Options = Parameters<typeof openKafkaSource>[0]

/** The source of one member, not opened yet. */
export type OpenMember = (options: Options) => Source

export const openMember: OpenMember = (options) =>
  openKafkaSource(options, new SystemClock(), new SimTelemetry())

interface Bounds {
  readonly open: OpenMember
  /** How long a case waits for what must come. */
  readonly boundMs: number
}

/** Much longer than a process needs to start again, and at least what real brokers take. */
const sessionTimeoutMs = 12_000
/** In this time every member hears what there is to hear: they ask every three seconds. */
const hearMs = 4_000

let groups = 0

/**
 * The cases share nothing but the brokers, and wait most of their time: they run beside each other.
 *
 * @param brokers as they stand when a test runs; topics are the tests' to make, groups as well.
 */
export function staticMembers(
  name: string,
  brokers: () => Brokers,
  suite: Suite = concurrentSuite,
  { open, boundMs }: Bounds = { open: openMember, boundMs: 60_000 },
): void {
  const until = (what: string, look: () => boolean): Promise<true> =>
    eventually(what, boundMs, () => look() || undefined)
  suite.describe(`static members on ${name}`, () => {
    /** Closes what a case opened when it ends. */
    const test = (title: string, work: (opened: Source[]) => Promise<void>): void =>
      suite.test(title, async () => {
        const opened: Source[] = []
        try {
          await work(opened)
        } finally {
          for (const source of opened) await source.close()
        }
      })

    /** A group of its own, with topic `t` of four partitions and `u` that is not there yet. */
    async function group(opened: Source[]) {
      const id = `static-${process.pid}-${++groups}`
      const [t, u] = [`${id}-t`, `${id}-u`]
      await brokers().createTopic(t, 4)
      const join = async (instanceId: string) => {
        const more = { group: id, sessionTimeoutMs, instanceId }
        const reader = new RecordingReader()
        const source = open(sourceOptions(brokers(), [t, u], more))
        opened.push(source)
        await source.open(reader)
        return { reader, source }
      }
      return { t, u, join }
    }

    /** Two members that share the four partitions. */
    async function pair(opened: Source[]) {
      const at = await group(opened)
      const one = await at.join('one')
      await until('all', () => one.reader.assigned.length === 4)
      const two = await at.join('two')
      const shares = () => [one, two].map(({ reader }) => reader.assigned.length)
      await until('a share each', () => shares().join() === '2,2')
      return { ...at, one, two }
    }

    const namesOf = (reader: RecordingReader): string =>
      reader.assigned
        .map(({ partition }) => partition)
        .sort((a, b) => a - b)
        .join()

    // The first to join leads the group: that its leader starts again is the harder case.
    for (const [restarting, staying] of [
      ['one', 'two'],
      ['two', 'one'],
    ] as const) {
      test(`"${restarting}" starts again within the session and nothing moves`, async (opened) => {
        const at = await pair(opened)
        const [before, other] = [at[restarting], at[staying]]
        const told = [...other.reader.events]
        const share = namesOf(before.reader)
        await before.source.close()
        await sleep(hearMs)
        const again = await at.join(restarting)
        await until('the share of before', () => again.reader.assigned.length === 2)
        expect(namesOf(again.reader)).toBe(share)
        expect(again.reader.events).toHaveLength(1)
        expect(other.reader.events).toEqual(told)
      })
    }

    test('partitions that come after the leader started again are dealt out', async (opened) => {
      const at = await pair(opened)
      await at.one.source.close()
      const again = await at.join('one')
      await until('the share of before', () => again.reader.assigned.length === 2)
      await brokers().createTopic(at.u, 2)
      const total = () => again.reader.assigned.length + at.two.reader.assigned.length
      await until('all six', () => total() === 6)
    })

    test('partitions that come while the leader is away are dealt out when it is back', async (opened) => {
      const at = await pair(opened)
      await at.one.source.close()
      await brokers().createTopic(at.u, 2)
      const again = await at.join('one')
      const total = () => again.reader.assigned.length + at.two.reader.assigned.length
      await until('all six', () => total() === 6)
    })

    test('who stays away longer than the session is given up, and its share goes on', async (opened) => {
      const at = await pair(opened)
      await at.one.source.close()
      await until('all at the other', () => at.two.reader.assigned.length === 4)
    })

    test('a second process of one id fences the first, which says so and stays out', async (opened) => {
      const at = await group(opened)
      const first = await at.join('one')
      await until('all', () => first.reader.assigned.length === 4)
      const second = await at.join('one')
      await until('all at the second', () => second.reader.assigned.length === 4)
      await until('the loss', () => first.reader.events.length === 2)
      expect(first.reader.events[1]).toMatch(/^lost /)
      await until('the fault', () => first.reader.troubles.at(-1) !== undefined)
      expect(first.reader.troubles.at(-1)).toMatchObject({
        code: 'KAFKA_INSTANCE_FENCED',
        retry: 'never',
        facts: { instanceId: 'one' },
        hint: expect.stringContaining('kafka.instance'),
      })
      const told = [...second.reader.events]
      await sleep(hearMs)
      expect(first.reader.assigned).toEqual([])
      expect(second.reader.events).toEqual(told)
      expect(first.reader.troubles.at(-1)?.code).toBe('KAFKA_INSTANCE_FENCED')
    })
  })
}
