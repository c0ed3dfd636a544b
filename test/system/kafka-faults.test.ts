/** The faults of `docs/faults.md`, on a real broker, under a running daemon. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { isTold } from './faults/fault-case.ts'
import { FaultWorld } from './faults/fault-world.ts'
import { kafkaCases } from './faults/kafka-cases.ts'

/** The other one is tried by hand: `LAKEWARD_FAULTS_ON=kafka-3`. */
const name = process.env['LAKEWARD_FAULTS_ON'] === 'kafka-3' ? 'kafka-3' : 'kafka-4'

describe.skipIf(!hasKafka(name))('faults of Kafka', () => {
  let kafka: RealKafka | undefined
  beforeAll(async () => {
    kafka = await RealKafka.start(name)
  })
  afterAll(() => kafka?.close())

  test.each(kafkaCases)('$name: told, retried, and the lake is the ledger', async (fault) => {
    if (kafka === undefined) throw new Error(`${name} was not started`)
    await using folder = await temporaryFolder()
    const world = new FaultWorld({
      kafka,
      folder: folder.path,
      ...(fault.kafka && { keys: fault.kafka }),
      ...(fault.environment && { environment: fault.environment }),
      ...(fault.between && { between: fault.between }),
    })
    try {
      await world.open()
      await world.start()
      await world.produce(100)
      await world.holds()
      expect(world.told()).toEqual([])
      await fault.provoke(world)
      await eventually(`"${fault.told}" is told`, 90_000, () => {
        const told = world.told().filter(({ code }) => code === fault.code)
        if (told.some(({ message }) => isTold(message, fault.told))) return true
        throw new Error(`told was ${JSON.stringify(world.told())}`)
      })
      await fault.heal(world)
      await world.produce(100)
      await world.holds(fault.left)
      expect(await world.stop()).toBe(0)
    } finally {
      await world.close()
    }
  })
})
