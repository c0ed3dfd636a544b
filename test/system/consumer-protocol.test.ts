/**
 * Groups of KIP-848 on a real broker: what of the contracts of sources the brokers have a part in,
 * and whole processes, of which one is killed.
 */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { consumerMembers } from '../contract/consumer-members.ts'
import { type MovingWorld, movingTopicsContract } from '../contract/moving-topics.ts'
import { sourceContract } from '../contract/source.ts'
import { registerSome } from '../contract/suite.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { abortTransaction } from '../support/aborted-transaction.ts'
import { foldOf } from '../support/commit-phase.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { appendEmptyTransaction } from '../support/empty-transaction.ts'
import { eventually } from '../support/eventually.ts'
import { GroupDaemon } from '../support/group-daemon.ts'
import { refreshMs, sourceOptions } from '../support/kafka-world.ts'
import { PacedNumbers, writeNumbersConfig } from '../support/numbers.ts'
import { commitAsConsumer } from '../support/plain-consumer.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A real broker may show a topic that is made anew as gone: that case is the embedded one's. */
const sourceCases = [
  'hands on every record of every partition once, in order',
  'a topic that appears later is read from then on',
  'a deleted topic is given up; made anew it is assigned under its new id',
  'a second member takes its share after the first has given it up, and back',
  'nothing is handed on after fetching was stopped, and the share is kept',
  'an offset commit is a hint: it never throws',
]
const topicCases = [
  'a pattern reads what there is and what comes, and no topic beside it',
  'a topic that goes is given up and not told as there, whoever read it',
  'a name that is missing beside a pattern is told as missing',
]
const partitionCount = 6

describe.skipIf(!hasKafka('kafka-4'))('kafka-4', () => {
  let kafka: RealKafka | undefined
  let worlds = 0
  const brokers = (): RealKafka => {
    if (kafka === undefined) throw new Error('kafka-4 was not started')
    return kafka
  }
  beforeAll(async () => {
    kafka = await RealKafka.start('kafka-4')
  })
  afterAll(() => kafka?.close())

  const open = async (): Promise<MovingWorld> => {
    const broker = brokers()
    // Groups outlive a test; topics do not.
    const suffix = `-${++worlds}`
    return {
      source: (topics, group, look) => {
        const more = { group: group + suffix, metadataRefreshMs: refreshMs[look] }
        const options = sourceOptions(broker, topics, { ...more, groupProtocol: 'consumer' })
        return openKafkaSource(options, new SystemClock(), new SimTelemetry())
      },
      createTopic: (topic, count) => broker.createTopic(topic, count),
      deleteTopic: (topic) => broker.deleteTopic(topic),
      recreateTopic: (topic, count) => broker.recreateTopic(topic, count),
      append: (at, batch) => broker.append(at, batch),
      appendAborted: (at, values) => abortTransaction(broker.address, at, values),
      appendEmpty: (at, end) => appendEmptyTransaction(broker.address, at, end),
      commitAs: (group, offsets, end) => commitAsConsumer(broker.client(), group, offsets, end),
      close: () => broker.deleteAllTopics(),
    }
  }
  registerSome(sourceCases, (suite) => sourceContract('groups of KIP-848', open, suite))
  registerSome(topicCases, (suite) => movingTopicsContract('moving topics', open, suite))
  consumerMembers('kafka-4', brokers)

  test('of two daemons one is killed and a third comes: what stays stays, each row is there once', {
    timeout: 240_000,
  }, async () => {
    await using folder = await temporaryFolder()
    const { port: brokerPort } = brokers()
    await brokers().createTopic('numbers', partitionCount)
    const options = { brokerPort, kafka: 'groupProtocol: consumer, group: killed' }
    const config = await writeNumbersConfig(folder.path, options)
    const lake = join(folder.path, 'lake')
    const startMs = Date.now() - 3_600_000
    const paced = { brokerPort, topic: 'numbers', partitionCount, startMs, stepMs: 1, perTick: 6 }
    const numbers = new PacedNumbers(paced)
    const run = (): GroupDaemon => {
      const daemon = new GroupDaemon(['run', '-c', config])
      onTestFinished(() => daemon.kill())
      return daemon
    }
    const half = partitionCount / 2
    const shares = (...daemons: readonly GroupDaemon[]) =>
      daemons.map(({ share }) => share.size).join()
    const until = (what: string, look: () => boolean): Promise<true> =>
      eventually(what, 90_000, () => look() || undefined)

    const first = run()
    await until('all for the first', () => shares(first) === `${partitionCount}`)
    const second = run()
    await until('a share each', () => shares(first, second) === `${half},${half}`)
    const before = first.told.length
    second.signal('SIGKILL')
    await until('all for the first again', () => shares(first) === `${partitionCount}`)
    expect(new Set(first.told.slice(before).map(({ event }) => event))).toEqual(
      new Set(['assigned']),
    )
    const third = run()
    await until('a share for the third', () => shares(first, third) === `${half},${half}`)
    await numbers.stop()
    await eventually('everything is committed', 60_000, async () => {
      const positions = (await foldOf(lake, 'test')).positions.get('lake')
      const read = [...(positions?.values() ?? [])].reduce((sum, { next }) => sum + Number(next), 0)
      return read === numbers.count ? true : undefined
    })
    expect(await Promise.all([first.stop(), third.stop()])).toEqual([0, 0])
    const [found] = await duck(
      `SELECT count(*) AS rows, count(DISTINCT n) AS numbers FROM ${tableGlob(lake, 'numbers')}`,
    )
    const count = BigInt(numbers.count)
    expect(found).toEqual({ rows: count, numbers: count })
    expect(first.told.filter(({ event }) => event === 'lost')).toEqual([])
  })
})
