/** A group's leader balances by what members read: from the first byte to what they read then. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { KafkaSourceOptions } from '../../src/adapters/kafka/options.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import { offset } from '../../src/model/offset.ts'
import { topicPartitionName } from '../../src/model/topic-partition.ts'
import type { Source } from '../../src/ports/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { KafkaWorld, sourceOptions } from '../support/kafka-world.ts'
import { openKafkajsSource } from '../support/kafkajs/kafkajs-library.ts'
import { RecordingReader } from '../support/recording-reader.ts'

const until = (what: string, look: () => boolean): Promise<true> =>
  eventually(what, 60_000, () => look() || undefined)
const partitions = [0, 1, 2, 3]
const recordsMax = 20

let world: KafkaWorld
const opened: Source[] = []
beforeEach(async () => {
  world = await KafkaWorld.open()
  world.broker.createTopic('t', partitions.length)
})
afterEach(async () => {
  for (const source of opened.splice(0)) await source.close()
  await world.close()
})

const more: Partial<KafkaSourceOptions> = { balance: { everyMs: 500, observedMsMin: 300 } }
const openings = {
  shipped: () => world.source(['t'], more),
  kafkajs: () =>
    openKafkajsSource(
      sourceOptions(world.broker, ['t'], more),
      new SystemClock(),
      new SimTelemetry(),
    ),
}

/** Members that read on where the one before them ended. */
async function join(names: readonly (keyof typeof openings)[]) {
  const readers: RecordingReader[] = []
  for (const name of names) {
    const reader = new RecordingReader()
    readers.push(reader)
    reader.from = (at) => {
      const fetches = readers.flatMap((one) => one.fetches)
      const mine = fetches.filter((fetched) => fetched.name === topicPartitionName(at))
      const reached = mine.map(({ batch }) => batch.nextOffset)
      return offset(reached.reduce((most, next) => (next > most ? next : most), 0n))
    }
    const source = openings[name]()
    opened.push(source)
    await source.open(reader)
    await until('a share', () => reader.assigned.length > 0)
  }
  return readers
}

for (const first of ['shipped', 'kafkajs'] as const) {
  test(`a hot partition is left alone with a member, nothing is lost: ${first} leads`, async () => {
    const readers = await join([first, 'shipped'])
    await until('even shares', () => readers.every(({ assigned }) => assigned.length === 2))
    const hot = 'x'.repeat(100_000)
    for (let number = 0; number < recordsMax; number++) {
      for (const partition of partitions) {
        const value = `${number} ${partition === 0 ? hot : ''}`
        await world.append({ topic: 't', partition }, { records: [{ value }] })
      }
    }
    const shares = () =>
      readers.map(({ assigned }) => assigned.map(topicPartitionName).sort().join())
    const wanted = 't/0 and t/1,t/2,t/3'
    await until(wanted, () => shares().sort().join(' and ') === wanted)
    const count = partitions.length * recordsMax
    await until('all records', () => readers.reduce((sum, one) => sum + one.count, 0) >= count)
    for (const partition of partitions) {
      const read = readers.flatMap((reader) => reader.of(`t/${partition}`))
      const numbers = read.map((value) => Number.parseInt(value, 10)).sort((a, b) => a - b)
      expect(numbers).toEqual(Array.from({ length: recordsMax }, (_, number) => number))
    }
  })
}
