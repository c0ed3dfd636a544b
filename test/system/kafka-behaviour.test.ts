/**
 * What real brokers do and clients must cope with, beside the source contract: transactions,
 * compaction, batches beyond limits, foreign codecs, quotas, answers that are not true.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { encodeBatch } from '../support/record-batch.ts'
import { SourceRun, until, valuesOf } from '../support/source-run.ts'
import { FaultProxy } from './services/fault-proxy.ts'

const at = { topic: 't', partition: 0 }
/** Smaller than any batch: each comes alone. */
const oneBatch = { maxBytes: 1, partitionMaxBytes: 1, maxWaitMs: 100, minBytes: 1 }

for (const name of ['kafka-4', 'kafka-3'] as const) {
  describe.skipIf(!hasKafka(name))(`behaviour of ${name}`, () => {
    let kafka: RealKafka | undefined
    const sources = new SourceRun()
    const broker = (): RealKafka => {
      if (kafka === undefined) throw new Error(`${name} was not started`)
      return kafka
    }
    const append = (values: readonly string[], partition = 0): Promise<void> =>
      broker().append({ topic: 't', partition }, { records: values.map((value) => ({ value })) })

    beforeAll(async () => {
      kafka = await RealKafka.start(name)
    })
    afterAll(() => kafka?.close())
    beforeEach(() => broker().createTopic('t', 2))
    afterEach(async () => {
      await sources.close()
      await broker().deleteAllTopics()
    })

    /** Two transactions at once, batch by batch, and plain records between. One is taken back. */
    async function interleave(rounds: number): Promise<readonly string[]> {
      const transactions = await Promise.all(['kept', 'gone'].map((id) => broker().transact(id)))
      const [kept, gone] = transactions
      for (let round = 0; round < rounds; round++) {
        await kept?.send(at, [`kept ${round}`])
        await gone?.send(at, [`gone ${round}`])
        await append([`plain ${round}`])
      }
      await gone?.abort()
      await kept?.commit()
      await append(['end'])
      const rows = Array.from({ length: rounds }, (_, round) => [`kept ${round}`, `plain ${round}`])
      return [...rows.flat(), 'end']
    }

    test('of interleaved transactions only what was committed is delivered, in order', async () => {
      const wanted = await interleave(20)
      const reader = await sources.read(broker().port, ['t'])
      await until('the end', () => reader.of('t/0').at(-1) === 'end')
      expect(reader.of('t/0')).toEqual(wanted)
    })

    test('also when each batch comes in an answer of its own', async () => {
      const wanted = await interleave(20)
      const reader = await sources.read(broker().port, ['t'], { fetch: oneBatch })
      await until('the end', () => reader.of('t/0').at(-1) === 'end')
      expect(reader.of('t/0')).toEqual(wanted)
      // Answers of several batches would show nothing.
      expect(reader.fetches.length).toBeGreaterThan(20)
      const skipped = reader.fetches.reduce(
        (sum, { batch }) => sum + batch.skippedBatches.length,
        0,
      )
      // One batch each, and the marker.
      expect(skipped).toBeGreaterThanOrEqual(21)
    })

    test('an open transaction holds up what is behind it, and no more than that', async () => {
      await append(['before'])
      const open = await broker().transact('open')
      await open.send(at, ['in it'])
      await append(['behind'])
      await append(['beside'], 1)
      const reader = await sources.read(broker().port, ['t'])
      const isFirst = () => reader.of('t/1').length === 1 && reader.of('t/0').length > 0
      await until('what is before it, and beside it', isFirst)
      expect(reader.of('t/0')).toEqual(['before'])
      await open.commit()
      await until('the rest', () => reader.of('t/0').length === 3)
      expect(reader.of('t/0')).toEqual(['before', 'in it', 'behind'])
    })

    test('without isolation everything is delivered but the markers', async () => {
      await interleave(3)
      const reader = await sources.read(broker().port, ['t'], { isolation: 'read_uncommitted' })
      await until('the end', () => reader.of('t/0').at(-1) === 'end')
      expect(reader.count).toBe(10)
    })

    test('a compacted topic is read over its gaps: what is left, in order, to the end', async () => {
      const settings = {
        'cleanup.policy': 'compact',
        'segment.ms': '100',
        'min.cleanable.dirty.ratio': '0.01',
        'max.compaction.lag.ms': '200',
        'delete.retention.ms': '100',
      }
      await broker().createTopic('compacted', 1, settings)
      const place = { topic: 'compacted', partition: 0 }
      const put = (value: string): Promise<void> =>
        broker().append(place, {
          // Ten records of which the last one alone survives, with the offsets of before.
          records: Array.from({ length: 10 }, (_, index) => {
            return { key: 'key', value: `${value}.${index}`, timestampMs: Date.now() }
          }),
        })
      for (let round = 0; round < 20; round++) await put(`${round}`)
      let left: readonly string[] = []
      for (let round = 20; left.length === 0 || left.length >= round * 10; round++) {
        expect(round, 'the broker compacts nothing').toBeLessThan(200)
        await put(`${round}`)
        const reader = await sources.read(broker().port, ['compacted'])
        await until('the end', () => reader.of('compacted/0').at(-1) === `${round}.9`)
        left = reader.of('compacted/0')
        expect(reader.refused).toEqual([])
        const numbers = left.map((value) => Number(value.replace('.', '')))
        expect(numbers).toEqual([...new Set(numbers)].sort((one, other) => one - other))
        expect(reader.fetches.at(-1)?.batch.nextOffset).toBe(BigInt(round * 10 + 10))
        await sources.close()
      }
    })

    test('batches larger than every limit come through, on each partition in its turn', async () => {
      const large = (index: number): string => `${index}`.padEnd(300_000, 'x')
      for (const index of [0, 1, 2]) for (const of of [0, 1]) await append([large(index)], of)
      const reader = await sources.read(broker().port, ['t'], { fetch: oneBatch })
      await until('all of them', () => reader.count >= 6)
      for (const partition of ['t/0', 't/1']) {
        expect(reader.of(partition).map((value) => value[0])).toEqual(['0', '1', '2'])
      }
    })

    test.each(['gzip', 'snappy', 'lz4', 'zstd'])(
      'records of the Java producer in %s are what it was given',
      async (codec) => {
        const words = ['--topic', 't', '--compression-codec', codec]
        const values = valuesOf(0, 2_000)
        broker().tool(broker().producerClass, words, values.join('\n'))
        const reader = await sources.read(broker().port, ['t'])
        await until('all of them', () => reader.count >= 2_000)
        expect([...reader.of('t/0'), ...reader.of('t/1')].sort()).toEqual([...values].sort())
      },
    )

    test('a quota slows us down and loses nothing', async () => {
      const values = Array.from({ length: 40 }, (_, index) => `${index}`.padEnd(10_000, 'x'))
      for (const value of values) await append([value])
      const client = ['--entity-type', 'clients', '--entity-name', 'throttled']
      const set = ['--alter', '--add-config', 'consumer_byte_rate=25000', ...client]
      broker().tool('kafka.admin.ConfigCommand', set)
      const startMs = performance.now()
      const reader = await sources.read(broker().port, ['t'], {
        clientId: 'throttled',
        fetch: { maxBytes: 50_000, partitionMaxBytes: 50_000, maxWaitMs: 100, minBytes: 1 },
      })
      await until('all of them', () => reader.count >= 40)
      expect(performance.now() - startMs).toBeGreaterThan(1_500)
      expect(reader.of('t/0')).toEqual(values)
      expect(reader.troubles.filter((fault) => fault !== undefined)).toEqual([])
    })

    test('partitions that are added are read from their beginning', async () => {
      await append(['a'])
      const reader = await sources.read(broker().port, ['t'])
      await until('the first record', () => reader.count === 1)
      await broker().addPartitions('t', 4)
      await broker().send({ topic: 't', partition: 3 }, ['new'])
      await until('the record of the new one', () => reader.of('t/3').length === 1)
      expect(reader.assigned.length).toBe(4)
    })

    describe('through a proxy', () => {
      let proxy: FaultProxy
      beforeEach(async () => {
        proxy = await FaultProxy.open(
          { port: broker().portOf('proxied') },
          broker().portOf('proxy'),
        )
      })
      afterEach(async () => {
        await sources.close()
        await proxy.close()
      })
      const readProxied = () => sources.read(proxy.port, ['t'], { metadataRefreshMs: 600_000 })

      test('an answer cut in its middle is asked for again: nothing lost or doubled', async () => {
        const values = Array.from({ length: 200 }, (_, index) => `${index}`.padEnd(1_000, 'x'))
        const reader = await readProxied()
        await append(['0'.padEnd(1_000, 'x')])
        await until('the first record', () => reader.count === 1)
        const cut = proxy.cutAfter('down', 60_000)
        await append(values.slice(1))
        await cut
        await until('all of them', () => reader.count >= 200)
        expect(reader.of('t/0')).toEqual(values)
        await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
        expect(reader.troubles[0]?.code).toBe('KAFKA_UNREACHABLE')
      })

      test('late and slow answers are waited for, and are no trouble', async () => {
        proxy.slow('down', { latencyMs: 500, bytesPerSecond: 50_000 })
        const values = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(1_000, 'x'))
        await append(values)
        const reader = await readProxied()
        await until('all of them', () => reader.count >= 100)
        expect(reader.of('t/0')).toEqual(values)
        expect(reader.troubles.filter((fault) => fault !== undefined)).toEqual([])
      })

      /** The one batch of an answer, found by its records. */
      const changed = (marker: string, change: (batch: Buffer, start: number) => void) =>
        proxy.rewrite('down', (bytes) => {
          const found = bytes.indexOf(marker)
          if (found >= 0) change(bytes, found)
          return bytes
        })

      test('a batch that was changed on its way is refused with both checksums', async () => {
        changed('CHANGED', (bytes, start) => bytes.write('DAMAGED', start))
        await append(['CHANGED'])
        await append(['beside'], 1)
        const reader = await readProxied()
        await until('it is refused', () => reader.refused.length > 0)
        const [refusal] = reader.refused
        expect(refusal?.name).toBe('t/0')
        expect(refusal?.fault).toMatchObject({
          code: 'KAFKA_BATCH_CORRUPT',
          facts: { topicPartition: 't/0', offset: 0n },
        })
        const both = /has checksum 0x(\w{8}), its header says 0x(?!\1)\w{8}/
        expect(refusal?.fault.message).toMatch(both)
        await until('the other partition', () => reader.of('t/1').length === 1)
        expect(reader.of('t/0')).toEqual([])
      })

      test('a batch of the format before 2 is refused by name', async () => {
        const batch = encodeBatch({ records: [{ value: 'OLDEST' }] })
        // The magic byte, as far before the value as it is in the batch.
        const before = batch.indexOf('OLDEST') - 16
        changed('OLDEST', (bytes, start) => bytes.writeInt8(1, start - before))
        await append(['OLDEST'])
        const reader = await readProxied()
        await until('it is refused', () => reader.refused.length > 0)
        expect(reader.refused[0]?.fault).toMatchObject({
          code: 'KAFKA_FORMAT_NOT_SUPPORTED',
          facts: { topicPartition: 't/0', offset: 0n, magic: 1 },
        })
      })
    })
  })
}
