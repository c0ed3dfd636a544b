/** A member of KIP-848 and all that its coordinator may answer, on the embedded broker. */
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { errorCode as brokers } from '../../../../src/adapters/embedded/error-code.ts'
import { errorCode } from '../../../../src/adapters/kafka/error-code.ts'
import { nextOffset } from '../../../../src/model/offset.ts'
import { sourceKey } from '../../../../src/model/topic-partition.ts'
import type { Source } from '../../../../src/ports/source.ts'
import { eventually } from '../../../support/eventually.ts'
import { KafkaWorld } from '../../../support/kafka-world.ts'
import { RecordingReader } from '../../../support/recording-reader.ts'

const boundMs = 30_000
const until = (what: string, look: () => boolean): Promise<true> =>
  eventually(what, boundMs, () => look() || undefined)

describe('a member of KIP-848', () => {
  let world: KafkaWorld
  const opened: Source[] = []
  const join = async (instanceId?: string) => {
    const reader = new RecordingReader()
    const source = world.source(['t', 'later'], { groupProtocol: 'consumer', instanceId })
    opened.push(source)
    await source.open(reader)
    return { reader, source }
  }
  const joined = async (instanceId?: string) => {
    const member = await join(instanceId)
    await until('the assignment', () => member.reader.assigned.length === 2)
    return member
  }
  /** Heartbeats go on: a topic that is made later is taken over. */
  const hearsOn = async (reader: RecordingReader): Promise<void> => {
    world.broker.createTopic('later', 1)
    await until('the later topic', () => reader.assigned.some(({ topic }) => topic === 'later'))
  }
  const openWorld = async (consumerSessionMs = 45_000): Promise<void> => {
    world = await KafkaWorld.open({ consumerHeartbeatMs: 50, consumerSessionMs })
    world.broker.createTopic('t', 2)
  }
  beforeEach(async () => {
    await openWorld()
  })
  afterEach(async () => {
    for (const source of opened.splice(0)) await source.close()
    await world.close()
  })

  test.each([
    ['is not known any more', errorCode.unknownMember],
    ['is fenced by its epoch', errorCode.fencedMemberEpoch],
  ])('who %s loses all at once, joins again and goes on', async (_, code) => {
    const { reader } = await joined()
    world.broker.faults.fail('consumerGroupHeartbeat', code)
    await until('all again', () => reader.events.length === 3 && reader.assigned.length === 2)
    expect(reader.events).toEqual(['assigned t/0 t/1', 'lost t/0 t/1', 'assigned t/0 t/1'])
    expect(reader.troubles).toEqual([])
  })

  test.each([
    ['lost', 'before-effect'],
    ['answered to nobody', 'after-effect'],
  ] as const)('a join that is %s is made again', async (_, moment) => {
    world.broker.faults.cut('consumerGroupHeartbeat', moment)
    const { reader } = await joined()
    expect(reader.events).toEqual(['assigned t/0 t/1'])
  })

  test('an answer that is lost takes nothing away, and what it told is heard', async () => {
    const { reader } = await joined()
    world.broker.faults.cut('consumerGroupHeartbeat', 'after-effect', 3)
    await hearsOn(reader)
    expect(reader.events).toEqual(['assigned t/0 t/1', 'assigned later/0'])
    await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
  })

  test('a coordinator that moves costs nothing and is not told', async () => {
    const { reader } = await joined()
    world.broker.faults.fail('consumerGroupHeartbeat', brokers.notCoordinator, 3)
    await hearsOn(reader)
    expect(reader.events).toEqual(['assigned t/0 t/1', 'assigned later/0'])
    expect(reader.troubles).toEqual([])
  })

  test('a refusal is told with its name, and is over when it is', async () => {
    world.broker.faults.fail('consumerGroupHeartbeat', brokers.unsupportedAssignor, 2)
    const { reader } = await joined()
    await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
    expect(reader.troubles[0]).toMatchObject({
      code: 'KAFKA_GROUP_REFUSED',
      facts: { group: 'g', reason: expect.stringContaining('UNSUPPORTED_ASSIGNOR') },
    })
  })

  test('who is fenced by its instance id loses all, says so and stays out', async () => {
    await world.close()
    await openWorld(2_000)
    const { reader } = await joined('host')
    world.broker.faults.fail('consumerGroupHeartbeat', errorCode.fencedInstanceId)
    await until('the loss', () => reader.events.length === 2)
    await until('the fault', () => reader.troubles.at(-1)?.code === 'KAFKA_INSTANCE_FENCED')
    await joined()
    expect(reader.events).toEqual(['assigned t/0 t/1', 'lost t/0 t/1'])
  })

  test('offsets are committed under the epoch; one that is stale is read anew', async () => {
    const { reader, source } = await joined()
    const next = new Map(reader.assigned.map((at) => [sourceKey(at), nextOffset(7n)]))
    world.broker.faults.fail('offsetCommit', errorCode.staleMemberEpoch)
    await source.commitOffsets(next)
    const bootstrap = [`${world.broker.host}:${world.broker.port}`]
    const admin = new Kafka({ brokers: bootstrap, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const [committed] = await admin.fetchOffsets({ groupId: 'g', topics: ['t'] })
    await admin.disconnect()
    expect(committed?.partitions.map(({ offset }) => offset)).toEqual(['7', '7'])
  })

  test('nobody joins for no topic; the first one that a pattern selects is read', async () => {
    const reader = new RecordingReader()
    const source = world.source(['growth\\..*'], { groupProtocol: 'consumer' })
    opened.push(source)
    await source.open(reader)
    await until('a look at the topics', () => source.assigned().length === 0)
    world.broker.createTopic('growth.a', 1)
    await until('the topic', () => reader.assigned.length === 1)
    expect(reader.troubles).toEqual([])
  })

  test('a classic member that holds the group is told of, and its end is waited for', async () => {
    const reader = new RecordingReader()
    const classic = world.source(['t'])
    opened.push(classic)
    await classic.open(reader)
    await until('all for it', () => reader.assigned.length === 2)
    const { reader: newer } = await join()
    await until('the refusal', () => newer.troubles[0]?.code === 'KAFKA_GROUP_REFUSED')
    expect(newer.troubles[0]?.message).toContain('members of the classic protocol hold it')
    expect(newer.events).toEqual([])
    await classic.close()
    await until('all for the newer', () => newer.assigned.length === 2)
  })
})
