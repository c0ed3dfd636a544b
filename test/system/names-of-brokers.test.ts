/** A name with many addresses, of which some are dead: a whole daemon goes on to the next. */
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { sendNumbers, untilFound } from './faults/ledger.ts'

const partitionCount = 2
const living = '127.0.0.1'
/** Nobody listens there, at whatever port. */
const dead = ['127.0.0.2', '127.0.0.3']

/** Module that has Node.js find these addresses, in this order, under the name of the broker. */
const resolver = (addresses: readonly string[]): string => `
  import dns from 'node:dns'
  import { syncBuiltinESMExports } from 'node:module'
  const lookup = dns.lookup
  const found = ${JSON.stringify(addresses)}.map((address) => ({ address, family: 4 }))
  dns.lookup = (name, options, done) => {
    if (name !== 'kafka.test') return lookup(name, options, done)
    process.stderr.write('looked up: ' + name + '\\n')
    process.nextTick(() =>
      options?.all === true ? done(null, found) : done(null, found[0].address, 4))
  }
  syncBuiltinESMExports()`

test.each([
  ['the first is dead', [...dead, living]],
  ['the last is dead', [living, ...dead]],
])(
  'a broker is found by a name with several addresses: %s',
  { timeout: 120_000 },
  async (_, all) => {
    await using folder = await temporaryFolder()
    const broker = await startBroker({ directory: join(folder.path, 'broker') })
    onTestFinished(() => broker.close())
    broker.createTopic('numbers', partitionCount)
    const numbers = { brokers: [`${living}:${broker.port}`], topic: 'numbers', partitionCount }
    await sendNumbers({ ...numbers, first: 0, count: 100 })
    const config = await writeNumbersConfig(folder.path, {
      brokerPort: broker.port,
      brokerHost: 'kafka.test',
    })
    const preload = `data:text/javascript,${encodeURIComponent(resolver(all))}`
    const env = { NODE_OPTIONS: `--import=${preload}` }
    const daemon = new LakewardProcess(['run', '-c', config], { env })
    onTestFinished(() => daemon.kill())
    await untilFound(
      Array.from({ length: 100 }, (_each, n) => n),
      async () => {
        const table = tableGlob(join(folder.path, 'lake'), 'numbers')
        const rows = await duck(`SELECT n FROM ${table} ORDER BY n`).catch(() => [])
        return rows.map((row) => Number(row['n']))
      },
    )
    expect(daemon.stderr).toContain('looked up: kafka.test')
    expect(daemon.stderr.filter((line) => line.includes('KAFKA_UNREACHABLE'))).toEqual([])
    expect(await daemon.stop()).toBe(0)
  },
)

test('a name of which every address is dead is told by that name', {
  timeout: 120_000,
}, async () => {
  await using folder = await temporaryFolder()
  const directory = join(folder.path, 'broker')
  const broker = await startBroker({ directory })
  onTestFinished(() => broker.close())
  const config = await writeNumbersConfig(folder.path, {
    brokerPort: broker.port,
    brokerHost: 'kafka.test',
  })
  const preload = `data:text/javascript,${encodeURIComponent(resolver(dead))}`
  const env = { NODE_OPTIONS: `--import=${preload}` }
  const daemon = new LakewardProcess(['run', '-c', config], { env })
  onTestFinished(() => daemon.kill())
  await daemon.line('"event":"listening"')
  const address = (JSON.parse(await daemon.line('"event":"listening"')) as { address: string })
    .address
  await eventually('it is told', 60_000, async () => {
    const { reasons } = (await (await fetch(`${address}/readyz`)).json()) as { reasons: string[] }
    return reasons.some((reason) => reason.includes(`broker of "kafka.test:${broker.port}"`))
      ? true
      : undefined
  })
})
