/** The port is not made for one library: kafkajs serves it as well. */
import { afterEach, describe, expect, test } from 'vitest'
import type { KafkaSourceOptions } from '../../src/adapters/kafka/options.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import type { Source } from '../../src/ports/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { KafkaWorld, refreshMs, sourceOptions } from '../support/kafka-world.ts'
import { openKafkajsSource } from '../support/kafkajs/kafkajs-library.ts'
import { RecordingReader } from '../support/recording-reader.ts'
import { embeddedWorld } from './embedded-world.ts'
import { sourceContract } from './source.ts'

const open = (
  world: KafkaWorld,
  topics: readonly string[],
  more: Partial<KafkaSourceOptions> = {},
): Source =>
  openKafkajsSource(
    sourceOptions(world.broker, topics, more),
    new SystemClock(),
    new SimTelemetry(),
  )

sourceContract('kafkajs on the embedded broker', async () => {
  const world = await KafkaWorld.open()
  return {
    ...embeddedWorld(world),
    source: (topics, group, look) =>
      open(world, topics, { group, metadataRefreshMs: refreshMs[look] }),
  }
})

describe('a source over kafkajs', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })
  const newWorld = async (): Promise<KafkaWorld> => {
    const world = await KafkaWorld.open()
    closing.push(() => world.close())
    return world
  }
  const until = (what: string, look: () => boolean): Promise<true> =>
    eventually(what, 30_000, () => look() || undefined)

  // A fallback is taken up member by member.
  for (const first of ['kafkajs', 'shipped'] as const) {
    test(`is in one group with one over the library that ships; ${first} leads`, async () => {
      const world = await newWorld()
      world.broker.createTopic('t', 4)
      const both = { kafkajs: () => open(world, ['t']), shipped: () => world.source(['t']) }
      const order = first === 'kafkajs' ? ['kafkajs', 'shipped'] : ['shipped', 'kafkajs']
      const readers: RecordingReader[] = []
      for (const name of order) {
        const source = name === 'kafkajs' ? both.kafkajs() : both.shipped()
        const reader = new RecordingReader()
        closing.push(() => source.close())
        await source.open(reader)
        readers.push(reader)
        await until('a share', () => reader.assigned.length > 0)
      }
      await until('even shares', () => readers.every(({ assigned }) => assigned.length === 2))
      for (const partition of [0, 1, 2, 3]) {
        await world.append({ topic: 't', partition }, { records: [{ value: `${partition}` }] })
      }
      await until('each record once', () => readers.every(({ count }) => count === 2))
      const values = readers.flatMap((reader) => [...reader.values.values()].flat())
      expect(values.sort()).toEqual(['0', '1', '2', '3'])
    })
  }

  test('is closed while a broker waits for records', async () => {
    const world = await newWorld()
    world.broker.createTopic('t', 1)
    await world.append({ topic: 't', partition: 0 }, { records: [{ value: 'a' }] })
    const reader = new RecordingReader()
    const anHour = { maxBytes: 1_000_000, partitionMaxBytes: 1_000_000, maxWaitMs: 3_600_000 }
    const source = open(world, ['t'], { fetch: { ...anHour, minBytes: 1 } })
    await source.open(reader)
    await until('the record', () => reader.count === 1)
    // By the time of this answer the next fetch is on its way.
    await source.metadata()
    await source.close()
    expect(reader.of('t/0')).toEqual(['a'])
  })

  test('refuses by name what it has not', async () => {
    const world = await newWorld()
    const given: [string, Partial<KafkaSourceOptions>][] = [
      ['sasl', { sasl: { mechanism: 'plain', username: 'u', password: 'p' } }],
      ['tls', { tls: {} }],
      ['instanceId', { instanceId: 'one' }],
    ]
    for (const [name, more] of given) {
      expect(() => open(world, ['t'], more)).toThrow(`"${name}" is not supported over kafkajs`)
    }
    expect(() => open(world, ['growth\\..*'])).toThrow('"growth\\..*" is not supported')
    const source = open(world, ['t'])
    closing.push(() => source.close())
    await expect(source.groupOffsets('old')).rejects.toMatchObject({ code: 'KAFKA_GROUP_REFUSED' })
  })
})
