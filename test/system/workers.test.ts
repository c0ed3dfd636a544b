import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { present } from '../../src/base/assert.ts'
import { foldOf } from '../support/commit-phase.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { PacedNumbers, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const partitionCount = 4
const hourMs = 3_600_000

interface Ready {
  readonly ready: boolean
  readonly reasons: readonly string[]
  readonly workers: readonly { readonly ready: boolean; readonly restarts: number }[]
}

/** A broker with numbers that flow, and a supervisor of two workers that read them. */
async function supervised(folder: string, assignment: 'group' | 'static') {
  const broker = await startBroker({ directory: join(folder, 'broker') })
  onTestFinished(() => broker.close())
  broker.createTopic('numbers', partitionCount)
  const brokerPort = broker.port
  const config = await writeNumbersConfig(folder, { brokerPort, assignment })
  const startMs = Math.floor(Date.now() / hourMs) * hourMs - 24 * hourMs
  const pace = { topic: 'numbers', partitionCount, startMs, stepMs: 10, perTick: 10 }
  const numbers = new PacedNumbers({ brokerPort, ...pace })
  const supervisor = new LakewardProcess(['run', '-c', config, '--workers', '2'])
  onTestFinished(() => supervisor.kill())
  const { address } = JSON.parse(await supervisor.line('"event":"listening"')) as {
    address: string
  }
  const ask = async (path: string): Promise<string> => await (await fetch(address + path)).text()
  const ready = async (): Promise<Ready> => JSON.parse(await ask('/readyz')) as Ready
  const isReady = async (): Promise<Ready | undefined> => {
    const health = await ready()
    return health.ready ? health : undefined
  }
  return { lake: join(folder, 'lake'), config, numbers, supervisor, ask, ready, isReady }
}

const pidOf = (supervisor: LakewardProcess, worker: number): number => {
  const lines = supervisor.stderr.filter((line) => line.includes('"event":"worker started"'))
  const started = lines.map((line) => JSON.parse(line) as { worker: number; pid: number })
  const told = started.findLast((at) => at.worker === worker)
  return present(told, `worker ${worker} was told when it started`).pid
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test.each(['group', 'static'] as const)(
  'two supervised workers (%s): one that is killed comes back, each event is in the lake once',
  { timeout: 180_000 },
  async (assignment) => {
    await using folder = await temporaryFolder()
    const at = await supervised(folder.path, assignment)
    await eventually('both workers are ready', 60_000, at.isReady)
    const metrics = await at.ask('/metrics')
    expect(metrics).toMatch(/lakeward_open_writers\{worker="0"/)
    expect(metrics).toMatch(/lakeward_open_writers\{worker="1"/)

    // Before one is killed: a run this short may end with all that flowed committed by the other.
    await eventually('both have committed', 60_000, async () =>
      (await foldOf(at.lake, 'test')).writers.size >= 2 ? true : undefined,
    )

    process.kill(pidOf(at.supervisor, 1), 'SIGKILL')
    await at.supervisor.line('"event":"worker ended"')
    // That it ended, or that the next one starts: the next one is made after a quarter of a second.
    expect(await at.ready()).toMatchObject({
      ready: false,
      reasons: [expect.stringMatching(/^worker 1: /)],
    })
    const again = await eventually('the worker is back', 60_000, at.isReady)
    expect(again.workers.map(({ restarts }) => restarts)).toEqual([0, 1])

    await at.numbers.stop()
    await eventually('everything is committed', 60_000, async () => {
      const positions = (await foldOf(at.lake, 'test')).positions.get('lake')
      const read = [...(positions?.values() ?? [])].reduce((sum, { next }) => sum + Number(next), 0)
      return read === at.numbers.count ? true : undefined
    })
    expect(await at.supervisor.stop()).toBe(0)
    const [found] = await duck(
      `SELECT count(*) AS rows, count(DISTINCT n) AS numbers FROM ${tableGlob(at.lake, 'numbers')}`,
    )
    const count = BigInt(at.numbers.count)
    expect(found).toEqual({ rows: count, numbers: count })
    const verified = await lakeward(['verify', '--deep', '-c', at.config])
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
  },
)

test('workers whose supervisor is killed drain and end', { timeout: 120_000 }, async () => {
  await using folder = await temporaryFolder()
  const at = await supervised(folder.path, 'group')
  await eventually('both workers are ready', 60_000, at.isReady)
  const pids = [pidOf(at.supervisor, 0), pidOf(at.supervisor, 1)]
  await at.numbers.stop()
  expect(pids.map(isAlive)).toEqual([true, true])
  await at.supervisor.kill()
  await eventually('both have ended', 60_000, async () => (pids.some(isAlive) ? undefined : true))
})

test('a share of a worker goes with no number of workers', async () => {
  await using folder = await temporaryFolder()
  const config = await writeNumbersConfig(folder.path, { brokerPort: 1, assignment: 'static' })
  const both = await lakeward(['run', '-c', config, '--workers', '2', '--worker-index', '0'])
  expect(both.code).toBe(2)
  expect(both.stderr).toContain('--worker-index does not go with it')
  const none = await lakeward(['run', '-c', config, '--workers', '0'])
  expect(none.code).toBe(2)
  expect(none.stderr).toContain('--workers is 0; accepted: 1 to 64')
})
