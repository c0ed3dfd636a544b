/** A daemon with its lake on real HDFS; it, the datanode and the namenode are killed under it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { duck, tableGlob } from '../support/duck.ts'
import { eventually } from '../support/eventually.ts'
import { hdfsSettings, openTestHdfsLake } from '../support/hdfs-lakes.ts'
import { PacedNumbers, writeNumbersConfig } from '../support/numbers.ts'
import { LakewardProcess, lakeward } from '../support/processes.ts'
import { RealHdfs, wantsHdfs } from '../support/real-hdfs.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const partitionCount = 4
const hourMs = 3_600_000
const stepMs = 9_000

async function healthOf(daemon: LakewardProcess): Promise<{ reasons: readonly string[] }> {
  const { address } = JSON.parse(await daemon.line('"event":"listening"')) as { address: string }
  return (await (await fetch(`${address}/readyz`)).json()) as { reasons: readonly string[] }
}

describe.skipIf(!wantsHdfs())('a daemon with its lake on HDFS', () => {
  let hdfs: RealHdfs
  beforeAll(async () => {
    hdfs = await RealHdfs.start()
  })
  afterAll(() => hdfs?.close())

  /** Copies a table out of HDFS, as any client does. @returns how many files. */
  async function copyTable(below: string, folder: string): Promise<number> {
    const lake = openTestHdfsLake(hdfsSettings([hdfs.address], below))
    const files = (await lake.list('numbers')).filter(({ path }) => path.endsWith('.parquet'))
    for (const { path } of files) {
      const target = join(folder, path)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, (await lake.read(path)) ?? new Uint8Array(0))
    }
    return files.length
  }

  test('holds each event exactly once after kills of daemon, datanode and namenode', {
    timeout: 600_000,
  }, async () => {
    await using folder = await temporaryFolder()
    const broker = await startBroker({ directory: join(folder.path, 'broker') })
    onTestFinished(() => broker.close())
    broker.createTopic('numbers', partitionCount)
    const below = hdfs.newFolder()
    const brokerPort = broker.port
    const lake = `{ url: "hdfs://${hdfs.address}${below}" }`
    const settings = { brokerPort, assignment: 'static', lake } as const
    const config = await writeNumbersConfig(folder.path, settings)
    const startMs = Math.floor(Date.now() / hourMs) * hourMs - 300 * 24 * hourMs
    const paced = { brokerPort, topic: 'numbers', partitionCount, startMs, stepMs, perTick: 2 }
    const connected = await lakeward(['check', '-c', config, '--connect'])
    expect(connected.code, connected.stdout + connected.stderr).toBe(0)
    const numbers = new PacedNumbers(paced)
    const args = ['run', '-c', config, '--worker-index', '0', '--worker-count', '1']
    const started = (): LakewardProcess => {
      const daemon = new LakewardProcess(args)
      onTestFinished(() => daemon.kill())
      return daemon
    }

    for (let kill = 0; kill < 2; kill++) {
      const daemon = started()
      await daemon.line('"event":"committed"')
      await daemon.kill()
    }
    const last = started()
    await last.line('"event":"committed"')
    await hdfs.kill('datanode')
    await eventually('its trouble is told', 120_000, async () => {
      const { reasons } = await healthOf(last)
      return reasons.some((reason) => reason.includes('could not')) ? true : undefined
    })
    await hdfs.kill('namenode')
    await hdfs.startAgain()
    await eventually('it is well again', 120_000, async () =>
      (await healthOf(last)).reasons.length === 0 ? true : undefined,
    )
    await numbers.stop()

    await eventually('everything is committed', 120_000, async () => {
      const { stdout } = await lakeward(['verify', '-c', config, '--json'])
      const { checks } = JSON.parse(stdout) as { checks: { name: string; detail: string }[] }
      const counts = checks.find(({ name }) => name === 'counts')?.detail ?? ''
      return counts.startsWith(`${numbers.count} events read`) ? true : undefined
    })
    expect(await last.stop()).toBe(0)

    expect(await copyTable(below, folder.path)).toBeGreaterThan(2)
    const [found] = await duck(
      `SELECT count(*) AS rows, count(DISTINCT n) AS numbers, max(n) AS highest
       FROM ${tableGlob(folder.path, 'numbers')}`,
    )
    const count = BigInt(numbers.count)
    expect(found).toEqual({ rows: count, numbers: count, highest: count - 1n })
    const verified = await lakeward(['verify', '--deep', '-c', config])
    expect(verified.code, verified.stdout + verified.stderr).toBe(0)
    const cleaned = await lakeward(['gc', '-c', config])
    expect(cleaned.code, cleaned.stdout + cleaned.stderr).toBe(0)
  })
})
