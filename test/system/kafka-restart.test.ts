/** A real broker that dies, hangs and comes back: the source goes on where it was. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openKafkaSource } from '../../src/adapters/kafka/kafka-source.ts'
import { SystemClock } from '../../src/adapters/local/system-clock.ts'
import type { Source } from '../../src/ports/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { eventually } from '../support/eventually.ts'
import { sourceOptions } from '../support/kafka-world.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { RecordingReader } from '../support/recording-reader.ts'

const until = (what: string, look: () => boolean): Promise<true> =>
  eventually(what, 60_000, () => look() || undefined)
const valuesOf = (first: number, next: number): readonly string[] =>
  Array.from({ length: next - first }, (_, index) => `value ${first + index}`)

describe.skipIf(!hasKafka('kafka-4'))('kafka-4 dies and comes back', () => {
  let kafka: RealKafka | undefined
  const opened: Source[] = []

  beforeAll(async () => {
    kafka = await RealKafka.start('kafka-4')
  })
  afterAll(() => kafka?.close())
  beforeEach(() => broker().createTopic('t', 1))
  afterEach(async () => {
    for (const source of opened.splice(0)) await source.close()
    await broker().deleteAllTopics()
  })

  const broker = (): RealKafka => {
    if (kafka === undefined) throw new Error('kafka-4 was not started')
    return kafka
  }
  const read = async (): Promise<RecordingReader> => {
    const reader = new RecordingReader()
    const more = { assignment: { static: { workerIndex: 0, workerCount: 1 } } } as const
    const options = sourceOptions(broker(), ['t'], more)
    const source = openKafkaSource(options, new SystemClock(), new SimTelemetry())
    opened.push(source)
    await source.open(reader)
    return reader
  }
  const append = (values: readonly string[]): Promise<void> => {
    const records = values.map((value) => ({ value }))
    return broker().append({ topic: 't', partition: 0 }, { records, codec: 'zstd' })
  }

  test('what was acknowledged is there after SIGKILL, once, in order; the reader goes on', async () => {
    await append(valuesOf(0, 1_000))
    const reader = await read()
    await until('the first records', () => reader.count === 1_000)
    await append(valuesOf(1_000, 2_000))
    await broker().kill()
    await until('the source says so', () => reader.troubles.some((fault) => fault !== undefined))
    await broker().startAgain()
    await append(valuesOf(2_000, 3_000))
    await until('the rest', () => reader.count >= 3_000)
    expect(reader.of('t/0')).toEqual(valuesOf(0, 3_000))
    expect(reader.refused).toEqual([])
    const late = await read()
    await until('all of it, read again', () => late.count >= 3_000)
    expect(late.of('t/0')).toEqual(valuesOf(0, 3_000))
  })

  test('a paused broker answers nobody; resumed it goes on where it was', async () => {
    await append(valuesOf(0, 10))
    const reader = await read()
    await until('the first records', () => reader.count === 10)
    await broker().pause()
    const appended = append(valuesOf(10, 20))
    // However long it is waited for: nobody is there to answer.
    expect(await Promise.race([appended, sleep(1_000, 'hangs')])).toBe('hangs')
    expect(reader.count).toBe(10)
    broker().resume()
    await appended
    await until('the rest', () => reader.count >= 20)
    expect(reader.of('t/0')).toEqual(valuesOf(0, 20))
  })
})
