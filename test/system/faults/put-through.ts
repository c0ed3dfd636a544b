import { expect } from 'vitest'
import { eventually } from '../../support/eventually.ts'
import type { RealKafka } from '../../support/real-kafka.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { type FaultCase, isTold } from './fault-case.ts'
import { FaultWorld } from './fault-world.ts'

/** Has a daemon meet a fault of Kafka: told as the case says, and the lake is the ledger. */
export async function putThrough(kafka: RealKafka, fault: FaultCase): Promise<void> {
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
    if (fault.told === undefined) await world.holds(fault.left)
    else await untilTold(world, fault.code, fault.told)
    await fault.heal(world)
    await world.produce(100, fault.partitionsInTheEnd)
    await world.holds(fault.left)
    if (fault.told === undefined) expect(world.told()).toEqual([])
    expect(await world.stop()).toBe(0)
  } finally {
    await world.close()
  }
}

const untilTold = (world: FaultWorld, wanted: FaultCase['code'], text: string): Promise<true> =>
  eventually(`"${text}" is told`, 90_000, () => {
    const told = world.told().filter(({ code }) => code === wanted)
    if (told.some(({ message }) => isTold(message, text))) return true
    throw new Error(`told was ${JSON.stringify(world.told())}`)
  })
