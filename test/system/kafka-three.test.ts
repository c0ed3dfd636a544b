/** Three real nodes: leaders that move or die, replicas that are nearer, all of them gone. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { RealKafka, wantsKafka } from '../support/real-kafka.ts'
import { SourceRun, until, valuesOf } from '../support/source-run.ts'
import { FaultProxy } from './services/fault-proxy.ts'

const at = { topic: 't', partition: 0 }

for (const name of ['kafka-4-three', 'kafka-3-three'] as const) {
  describe.skipIf(!wantsKafka(name))(name, () => {
    let kafka: RealKafka | undefined
    const sources = new SourceRun()
    const brokers = (): RealKafka => {
      if (kafka === undefined) throw new Error(`${name} was not started`)
      return kafka
    }
    const leader = async (): Promise<number> => {
      const [partition] = (await brokers().partitionsOf('t')) ?? []
      return partition?.leader ?? -1
    }
    /** To whoever leads now; a leader that was killed is replaced after six seconds. */
    const append = (first: number, next: number): Promise<void> =>
      brokers().send(at, valuesOf(first, next))

    beforeAll(async () => {
      kafka = await RealKafka.start(name)
    })
    afterAll(() => kafka?.close())
    beforeEach(() => brokers().createTopic('t', 1))
    afterEach(async () => {
      await sources.close()
      await brokers().deleteAllTopics()
    })

    test('a leader that is killed is followed by the next: nothing lost, doubled, moved', async () => {
      const reader = await sources.read(brokers().portOf('plain-1'), ['t'], {
        brokers: brokers().addresses,
      })
      await append(0, 100)
      await until('the first records', () => reader.count >= 100)
      const killed = await leader()
      await brokers().kill(killed)
      await append(100, 200)
      await until('the next records', () => reader.count >= 200)
      expect(await leader()).not.toBe(killed)
      await brokers().startAgain()
      await append(200, 300)
      await until('the last records', () => reader.count >= 300)
      expect(reader.of('t/0')).toEqual(valuesOf(0, 300))
      expect(reader.refused).toEqual([])
      await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
    })

    test('a leader that moves and goes on serving is left: it is fenced by its epoch', async () => {
      const reader = await sources.read(brokers().portOf('plain-1'), ['t'], {
        metadataRefreshMs: 600_000,
      })
      await append(0, 100)
      await until('the first records', () => reader.count >= 100)
      const before = await leader()
      await brokers().moveLeader(at, before)
      expect(await leader()).not.toBe(before)
      await append(100, 200)
      await until('the next records', () => reader.count >= 200)
      expect(reader.of('t/0')).toEqual(valuesOf(0, 200))
      expect(reader.fetches.at(-1)?.batch.leaderEpoch).toBeGreaterThan(
        reader.fetches[0]?.batch.leaderEpoch ?? 0,
      )
      expect(reader.refused).toEqual([])
      expect(reader.troubles.filter((fault) => fault !== undefined)).toEqual([])
    })

    test('the replica in our rack is read from, and left for the leader when it dies', async () => {
      const led = await leader()
      const near = led === 1 ? 2 : 1
      // What clients are sent on to: through it we see who is asked.
      const proxies = await Promise.all(
        [1, 2, 3].map((node) =>
          FaultProxy.open(
            { port: brokers().portOf(`proxied-${node}`) },
            brokers().portOf(`proxy-${node}`),
          ),
        ),
      )
      try {
        await append(0, 2_000)
        const reader = await sources.read(brokers().portOf('plain-1'), ['t'], {
          brokers: proxies.map(({ address }) => address),
          rack: `r${near}`,
        })
        await until('the first records', () => reader.count >= 2_000)
        const before = proxies.map((proxy) => proxy.passedBytes('down'))
        await append(2_000, 4_000)
        await until('the next records', () => reader.count >= 4_000)
        const passed = proxies.map(
          (proxy, index) => proxy.passedBytes('down') - (before[index] ?? 0),
        )
        expect(passed[near - 1]).toBeGreaterThan(20_000)
        expect(passed[led - 1]).toBeLessThan(20_000)
        await brokers().kill(near)
        await append(4_000, 4_100)
        await until('the records of the leader', () => reader.count >= 4_100)
        expect(reader.of('t/0')).toEqual(valuesOf(0, 4_100))
      } finally {
        for (const proxy of proxies) await proxy.close()
        await brokers().startAgain()
      }
    })

    test('all brokers down and back: told once, waited for, and read on from where it was', async () => {
      const reader = await sources.read(brokers().portOf('plain-1'), ['t'], {
        brokers: brokers().addresses,
      })
      await append(0, 100)
      await until('the first records', () => reader.count >= 100)
      await brokers().kill()
      await until('it is told', () => reader.troubles.at(-1)?.code === 'KAFKA_UNREACHABLE')
      await brokers().startAgain()
      await append(100, 200)
      await until('the rest', () => reader.count >= 200)
      await until('the end of the trouble', () => reader.troubles.at(-1) === undefined)
      expect(reader.of('t/0')).toEqual(valuesOf(0, 200))
      expect(reader.refused).toEqual([])
    })

    test('a list of brokers of which one answers is enough, and the others are learnt', async () => {
      await brokers().kill(1)
      await append(0, 100)
      const dead = `127.0.0.1:${brokers().portOf('plain-1')}`
      const alive = `127.0.0.1:${brokers().portOf('plain-2')}`
      const reader = await sources.read(0, ['t'], { brokers: [dead, alive] })
      await until('the first records', () => reader.count >= 100)
      await brokers().startAgain()
      await brokers().kill(2)
      await append(100, 200)
      await until('the rest, of those that were learnt', () => reader.count >= 200)
      await brokers().startAgain()
      expect(reader.of('t/0')).toEqual(valuesOf(0, 200))
    })
  })
}
