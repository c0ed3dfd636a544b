/** Two whole daemons on a real broker, and a partition that brings more than all the others. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { GroupDaemon } from '../support/group-daemon.ts'
import { numberRecord, writeNumbersConfig } from '../support/numbers.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const partitionCount = 4
/** A member tells what it observed for a minute. */
const observedMs = 65_000
const tickMs = 250
const hotText = 'x'.repeat(50_000)

describe.skipIf(!hasKafka('kafka-4'))('kafka-4', () => {
  let kafka: RealKafka | undefined
  beforeAll(async () => {
    kafka = await RealKafka.start('kafka-4')
  })
  afterAll(() => kafka?.close())

  test('a second daemon takes what weighs as much as what stays: bytes, not partitions', {
    timeout: 240_000,
  }, async () => {
    if (kafka === undefined) throw new Error('kafka-4 was not started')
    await using folder = await temporaryFolder()
    await kafka.createTopic('numbers', partitionCount)
    const config = await writeNumbersConfig(folder.path, { brokerPort: kafka.port })
    const run = (): GroupDaemon => {
      const daemon = new GroupDaemon(['run', '-c', config])
      onTestFinished(() => daemon.kill())
      return daemon
    }
    const options = { brokers: [kafka.address], clientId: 'skew' }
    const producer = new RecordProducer({ ...options, compression: 'none' })
    let count = 0
    /** One number to each partition; those of the first are large. */
    const tick = async (): Promise<void> => {
      const timestampMs = Date.now()
      const records = Array.from({ length: partitionCount }, (_, partition) => {
        const text = partition === 0 ? hotText : 'little'
        const value = numberRecord('numbers', count++, timestampMs, text)
        return { topic: 'numbers', partition, key: undefined, value, timestampMs }
      })
      await producer.send(records)
      await pause(tickMs)
    }

    const first = run()
    await eventually('all for the first', 60_000, () => first.share.size === 4 || undefined)
    const untilMs = performance.now() + observedMs
    while (performance.now() < untilMs) await tick()
    const second = run()
    const wanted = 'numbers/0 and numbers/1,numbers/2,numbers/3'
    const shares = (): string =>
      [first, second]
        .map(({ share }) => [...share].sort().join())
        .sort()
        .join(' and ')
    for (let ticks = 0; ticks < 240 && shares() !== wanted; ticks++) await tick()
    expect(shares()).toBe(wanted)
    // Nothing moves any more, and both go on.
    for (let ticks = 0; ticks < 20; ticks++) await tick()
    expect(shares()).toBe(wanted)
    await producer.close()
    const [row] = await eventually(`${count} numbers in the lake`, 60_000, async () => {
      const table = tableGlob(join(folder.path, 'lake'), 'numbers')
      const found = await duck(`SELECT count(*) AS c, count(DISTINCT n) AS d FROM ${table}`)
      return Number(found[0]?.['d']) === count ? found : undefined
    })
    expect(row).toEqual({ c: BigInt(count), d: BigInt(count) })
    expect(await Promise.all([first.stop(), second.stop()])).toEqual([0, 0])
  })
})
