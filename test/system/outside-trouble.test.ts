import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { RecordProducer } from '../../src/adapters/kafka/record-producer.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { numberRecord, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { commandEndsWell, requireService } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { freePort } from './services/free-ports.ts'

const timeout = 180_000

interface Health {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

async function addressOf(daemon: LakewardProcess): Promise<string> {
  const line = await daemon.line('"event":"listening"')
  return (JSON.parse(line) as { address: string }).address
}

async function healthOf(address: string): Promise<Health & { status: number }> {
  const response = await fetch(`${address}/readyz`)
  return { ...((await response.json()) as Health), status: response.status }
}

/** Waits until `/readyz` is red for this reason. */
const redBecause = (address: string, reason: RegExp): Promise<Health> =>
  eventually(`/readyz is red because of ${reason}`, 60_000, async () => {
    const health = await healthOf(address)
    return health.status === 503 && health.reasons.some((each) => reason.test(each))
      ? health
      : undefined
  })

const green = (address: string): Promise<true> =>
  eventually('/readyz is green', 60_000, async () =>
    (await healthOf(address)).status === 200 ? true : undefined,
  )

/** @param textOf what each record holds beside its number. */
async function produce(
  broker: EmbeddedBroker,
  first: number,
  next: number,
  textOf?: () => string,
): Promise<void> {
  const brokers = [`127.0.0.1:${broker.port}`]
  const producer = new RecordProducer({ brokers, clientId: 'test', compression: 'none' })
  const timestampMs = Date.now()
  const records = Array.from({ length: next - first }, (_, index) => ({
    topic: 'numbers',
    partition: 0,
    key: undefined,
    value: numberRecord('numbers', first + index, timestampMs, textOf?.()),
    timestampMs,
  }))
  await producer.send(records)
  await producer.close()
}

/** Waits until the lake holds exactly these numbers, each once. */
async function holds(lake: string, count: number): Promise<void> {
  const found = await eventually(`${count} numbers in the lake`, 60_000, async () => {
    const [row] = await duck(
      `SELECT count(*) AS rows, count(DISTINCT n) AS numbers FROM ${tableGlob(lake, 'numbers')}`,
    )
    return row?.['numbers'] === BigInt(count) ? row : undefined
  })
  expect(found).toEqual({ rows: BigInt(count), numbers: BigInt(count) })
}

test('a port that is taken is refused with its address and the remedy', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const taken = createServer()
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => taken.close(() => resolve())))
  const { port } = taken.address() as AddressInfo
  const config = await writeNumbersConfig(folder.path, { brokerPort: 1, httpPort: port })
  const daemon = new LakewardProcess(['run', '-c', config])
  expect(await daemon.exited()).toBe(2)
  const said = daemon.stderr.join('\n')
  expect(said).toContain(`127.0.0.1:${port}`)
  expect(said).toContain('http.listen')
})

test('a broker that is out of reach is told and waited for', { timeout }, async () => {
  await using folder = await temporaryFolder()
  const directory = join(folder.path, 'broker')
  const port = await freePort()
  const first = await startBroker({ directory, port })
  first.createTopic('numbers', 1)
  await produce(first, 0, 100)
  await first.close()
  const config = await writeNumbersConfig(folder.path, { brokerPort: port })
  const daemon = new LakewardProcess(['run', '-c', config])
  onTestFinished(() => daemon.kill())
  const address = await addressOf(daemon)
  await redBecause(address, new RegExp(`could not reach any Kafka broker of "127.0.0.1:${port}"`))
  const broker = await startBroker({ directory, port })
  onTestFinished(() => broker.close())
  await green(address)
  await holds(join(folder.path, 'lake'), 100)
  expect(await daemon.stop()).toBe(0)
})

test('a lake that cannot be written turns readiness red and loses nothing', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', 1)
  await produce(broker, 0, 100)
  const config = await writeNumbersConfig(folder.path, { brokerPort: broker.port })
  const lake = join(folder.path, 'lake')
  // A file where the folder must be: also the superuser cannot write below it.
  await writeFile(lake, 'in the way')
  const daemon = new LakewardProcess(['run', '-c', config])
  onTestFinished(() => daemon.kill())
  const address = await addressOf(daemon)
  const { reasons } = await redBecause(address, /lake/)
  expect(reasons.join()).toContain('_lakeward')
  await rm(lake)
  await green(address)
  await holds(lake, 100)
  expect(await daemon.stop()).toBe(0)
})

/** What the daemon says of the memory of its stream. */
async function memoryOf(address: string): Promise<{ heldBytes: number; paused: boolean }> {
  const response = await fetch(`${address}/api/v1/streams`)
  const [stream] = (await response.json()) as [{ memory: { heldBytes: number; paused: boolean } }]
  return stream.memory
}

test('a lake that is away while events keep coming costs lag, not memory', {
  timeout,
}, async () => {
  await using folder = await temporaryFolder()
  const broker = await startBroker({ directory: join(folder.path, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', 1)
  await produce(broker, 0, 100)
  const more =
    'commit: { interval: 250ms }\nready: { delay: 0s, idle: 1h }\nmemory: { buffers: 16MiB }'
  const config = await writeNumbersConfig(folder.path, { brokerPort: broker.port, more })
  const lake = join(folder.path, 'lake')
  const daemon = new LakewardProcess(['run', '-c', config])
  onTestFinished(() => daemon.kill())
  const address = await addressOf(daemon)
  await holds(lake, 100)
  await rename(lake, `${lake}-away`)
  await writeFile(lake, 'in the way')
  const noise = (): string => randomBytes(75_000).toString('base64')
  for (let first = 100; first < 500; first += 10) {
    await produce(broker, first, first + 10, noise)
  }
  const held = await eventually('the reading is paused', 60_000, async () => {
    const memory = await memoryOf(address)
    return memory.paused ? memory.heldBytes : undefined
  })
  // 40 MB wait in Kafka; beyond the budget there is one slice of an answer.
  expect(held).toBeLessThan(19 * 1_048_576)
  await rm(lake)
  await rename(`${lake}-away`, lake)
  await holds(lake, 500)
  await eventually('nothing is paused any more', 60_000, async () =>
    (await memoryOf(address)).paused ? undefined : true,
  )
  expect(await daemon.stop()).toBe(0)
})

/** A file system of two megabytes, gone at the end of the block, before the folder it is in. */
const smallDisk = (at: string): { mounted: boolean } & Disposable => ({
  mounted: commandEndsWell('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', at]),
  [Symbol.dispose]: () => void spawnSync('umount', ['-l', at]),
})

const tmpfs = requireService('tmpfs', () => {
  // Of this run alone: another one may look at the same time.
  const probe = mkdtempSync('/dev/shm/lakeward-probe-')
  const mounted = commandEndsWell('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe])
  if (mounted) spawnSync('umount', [probe])
  rmdirSync(probe)
  return mounted
})

/** A broker and a daemon whose first thousand numbers are in the lake. */
async function committedThousand(folder: string) {
  const broker = await startBroker({ directory: join(folder, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', 1)
  await produce(broker, 0, 1_000)
  const config = await writeNumbersConfig(folder, { brokerPort: broker.port })
  const daemon = new LakewardProcess(['run', '-c', config])
  onTestFinished(() => daemon.kill())
  const address = await addressOf(daemon)
  await holds(join(folder, 'lake'), 1_000)
  return { broker, config, daemon, address }
}

/** Takes all the room that is left. @returns the file that has it. */
function fill(folder: string): string {
  const filler = join(folder, 'filler')
  spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k', 'count=4096'], { stdio: 'ignore' })
  return filler
}

test.skipIf(!tmpfs)(
  'a disk that fills up stops commits and corrupts nothing',
  { timeout },
  async () => {
    await using folder = await temporaryFolder()
    const lake = join(folder.path, 'lake')
    await mkdir(lake)
    using disk = smallDisk(lake)
    expect(disk.mounted).toBe(true)
    const { broker, daemon, address } = await committedThousand(folder.path)
    const filler = fill(lake)
    await produce(broker, 1_000, 2_000)
    await redBecause(address, /ENOSPC|no space/i)
    await holds(lake, 1_000)
    await rm(filler)
    await green(address)
    await holds(lake, 2_000)
    expect(await daemon.stop()).toBe(0)
  },
)

const spilledIn = (lake: string): Promise<readonly string[]> =>
  readdir(join(lake, '_lakeward/test/spill'), { recursive: true }).then(
    (names) => names.filter((name) => name.endsWith('.parquet')),
    () => [],
  )

test.skipIf(!tmpfs)(
  'a table whose disk is full stops no commit, and gets its files when there is room',
  { timeout },
  async () => {
    await using folder = await temporaryFolder()
    const lake = join(folder.path, 'lake')
    const table = join(lake, 'numbers')
    await mkdir(table, { recursive: true })
    using disk = smallDisk(table)
    expect(disk.mounted).toBe(true)
    const { broker, config, daemon, address } = await committedThousand(folder.path)
    const filler = fill(table)
    for (const first of [1_000, 2_000, 3_000]) {
      const before = (await spilledIn(lake)).length
      await produce(broker, first, first + 1_000)
      await eventually('a file more is spilled', 60_000, async () =>
        (await spilledIn(lake)).length > before ? true : undefined,
      )
    }
    await redBecause(address, /ENOSPC|no space/i)
    await holds(lake, 1_000)
    // All is committed, and stands where the log says.
    const committed = await lakeward(['verify', '--deep', '-c', config])
    expect(committed.code, committed.stdout + committed.stderr).toBe(0)

    await rm(filler)
    await green(address)
    await holds(lake, 4_000)
    expect(await daemon.stop()).toBe(0)
    expect(await spilledIn(lake)).toEqual([])
    const verified = await lakeward(['verify', '--deep', '-c', config])
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  },
)
