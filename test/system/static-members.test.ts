/** Static members of a group: on the embedded broker, on real ones, and as whole processes. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { present } from '../../src/base/assert.ts'
import { staticMembers } from '../contract/static-members.ts'
import { eventually } from '../support/eventually.ts'
import { KafkaWorld } from '../support/kafka-world.ts'
import { writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess } from '../support/processes.ts'
import { hasKafka, RealKafka } from '../support/real-kafka.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describe('the embedded broker', () => {
  let world: KafkaWorld | undefined
  beforeAll(async () => {
    world = await KafkaWorld.open()
  })
  afterAll(() => world?.close())
  staticMembers('the embedded broker', () => {
    if (world === undefined) throw new Error('the broker was not started')
    return world.broker
  })
})

for (const name of ['kafka-4', 'kafka-3'] as const) {
  describe.skipIf(!hasKafka(name))(name, () => {
    let kafka: RealKafka | undefined
    beforeAll(async () => {
      kafka = await RealKafka.start(name)
    })
    afterAll(() => kafka?.close())
    staticMembers(name, () => {
      if (kafka === undefined) throw new Error(`${name} was not started`)
      return kafka
    })
  })
}

/** A configuration of processes that are members of one group under a name of their own. */
async function configured(folder: string): Promise<string> {
  const broker = await startBroker({ directory: join(folder, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', 4)
  const kafka = 'instance: host'
  const options = { brokerPort: broker.port, kafka, sessionTimeout: '60s' }
  return writeNumbersConfig(folder, options)
}

const readyz = async (daemon: LakewardProcess) => {
  const { address } = JSON.parse(await daemon.line('"event":"listening"')) as { address: string }
  const response = await fetch(`${address}/readyz`)
  return (await response.json()) as { readonly ready: boolean; readonly reasons: string[] }
}

interface Told {
  readonly event: string
  readonly worker: number
  readonly topicPartitions: readonly string[]
}

test('a supervised worker that is killed comes back to its share, the other keeps its own', {
  timeout: 180_000,
}, async () => {
  await using folder = await temporaryFolder()
  const config = await configured(folder.path)
  const supervisor = new LakewardProcess(['run', '-c', config, '--workers', '2'])
  onTestFinished(() => supervisor.kill())
  const told = (worker: number): readonly Told[] =>
    supervisor.stderr
      .filter((line) => /"event":"(assigned|revoked|lost)"/.test(line))
      .map((line) => JSON.parse(line) as Told)
      .filter((at) => at.worker === worker)
  const shares = (): readonly number[] =>
    [0, 1].map((worker) =>
      told(worker).reduce((count, { event, topicPartitions }) => {
        return count + (event === 'assigned' ? 1 : -1) * topicPartitions.length
      }, 0),
    )
  await eventually('each worker has two', 90_000, () =>
    shares().join() === '2,2' ? true : undefined,
  )
  const before = [told(0), told(1)]
  const started = supervisor.stderr
    .filter((line) => line.includes('"event":"worker started"'))
    .map((line) => JSON.parse(line) as { worker: number; pid: number })
  const one = present(
    started.find(({ worker }) => worker === 1),
    'it was told when it started',
  )
  process.kill(one.pid, 'SIGKILL')
  const again = await eventually('it is assigned again', 90_000, () => {
    const since = told(1).slice(before[1]?.length)
    return since.length > 0 ? since : undefined
  })
  expect(again).toMatchObject([{ event: 'assigned' }])
  expect(again[0]?.topicPartitions).toHaveLength(2)
  expect(told(0)).toEqual(before[0])
})

test('of two processes with one name the first says so, in red, and the second reads', {
  timeout: 180_000,
}, async () => {
  await using folder = await temporaryFolder()
  const config = await configured(folder.path)
  const daemons: LakewardProcess[] = []
  for (let count = 0; count < 2; count++) {
    const daemon = new LakewardProcess(['run', '-c', config])
    onTestFinished(() => daemon.kill())
    daemons.push(daemon)
    await daemon.line('"event":"assigned"')
  }
  const [first, second] = daemons as [LakewardProcess, LakewardProcess]
  const line = JSON.parse(await first.line('KAFKA_INSTANCE_FENCED')) as Record<string, string>
  expect(line['level']).toBe('error')
  expect(line['hint']).toContain('its own kafka.instance')
  const health = await readyz(first)
  expect(health.ready).toBe(false)
  expect(health.reasons.join()).toMatch(/group "test" as instance "host".*its own kafka\.instance/)
  expect((await readyz(second)).reasons).toEqual([])
  expect(await first.stop()).toBe(0)
  expect(await second.stop()).toBe(0)
})
