/**
 * What tests of daemons that read numbers begin with: an embedded broker, the configuration of one
 * stream, daemons that are told to read all of it, and who produces. All of it ends with its test.
 *
 *     const world = await NumbersWorld.open({ partitionCount: 2, lake: '{ url: "hdfs://…" }' })
 *     const numbers = world.produce({ stepMs: 9_000, perTick: 2 })
 *     const daemon = world.startDaemon()
 */
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { startBroker } from '../../src/adapters/embedded/broker.ts'
import { eventually } from './eventually.ts'
import { type NumbersConfig, PacedNumbers, writeNumbersConfig } from './numbers.ts'
import { LakewardProcess, lakeward } from './processes.ts'
import { temporaryFolder } from './temporary-folder.ts'

const hourMs = 3_600_000
const topic = 'numbers'
const committedMsMax = 120_000

interface NumbersWorldOptions extends Omit<NumbersConfig, 'brokerPort' | 'assignment'> {
  readonly partitionCount: number
}

export class NumbersWorld {
  /** Beside the configuration; a lake of files is `lake` in it. */
  readonly folder: string
  readonly brokerPort: number
  /** Path of the configuration. */
  readonly config: string
  /** Event time of number 0: the beginning of an hour, long ago. */
  readonly startMs = Math.floor(Date.now() / hourMs) * hourMs - 300 * 24 * hourMs
  readonly #partitionCount: number

  private constructor(
    place: { readonly folder: string; readonly brokerPort: number; readonly config: string },
    partitionCount: number,
  ) {
    this.folder = place.folder
    this.brokerPort = place.brokerPort
    this.config = place.config
    this.#partitionCount = partitionCount
  }

  static async open({ partitionCount, ...options }: NumbersWorldOptions): Promise<NumbersWorld> {
    const folder = await temporaryFolder()
    onTestFinished(() => folder[Symbol.asyncDispose]())
    const broker = await startBroker({ directory: join(folder.path, 'broker') })
    onTestFinished(() => broker.close())
    broker.createTopic(topic, partitionCount)
    const brokerPort = broker.port
    const asked = { ...options, brokerPort, assignment: 'static' } as const
    const config = await writeNumbersConfig(folder.path, asked)
    return new NumbersWorld({ folder: folder.path, brokerPort, config }, partitionCount)
  }

  /** One that reads every topic-partition. */
  startDaemon(): LakewardProcess {
    const share = ['--worker-index', '0', '--worker-count', '1']
    const daemon = new LakewardProcess(['run', '-c', this.config, ...share])
    onTestFinished(() => daemon.kill())
    return daemon
  }

  /** @param pace milliseconds of event time from number to number, numbers at a time. */
  produce(pace: { readonly stepMs: number; readonly perTick: number }): PacedNumbers {
    const { brokerPort, startMs } = this
    const partitionCount = this.#partitionCount
    const numbers = new PacedNumbers({ brokerPort, topic, partitionCount, startMs, ...pace })
    onTestFinished(() => numbers.stop())
    return numbers
  }

  /** Until the lake accounts for each of so many events. */
  async untilCommitted(count: number): Promise<void> {
    await eventually('everything is committed', committedMsMax, async () => {
      const { stdout } = await lakeward(['verify', '-c', this.config, '--json'])
      const { checks } = JSON.parse(stdout) as { checks: { name: string; detail: string }[] }
      const counts = checks.find(({ name }) => name === 'counts')?.detail ?? ''
      return counts.startsWith(`${count} events read`) ? true : undefined
    })
  }

  /** Runs `log ls` and the like on its configuration. @returns what it said; it must end well. */
  async ask(...words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await lakeward([...words, '-c', this.config])
    expect(code, stdout + stderr).toBe(0)
    return stdout
  }
}

/** Where its API answers: "http://127.0.0.1:41123". */
export const addressOf = async (daemon: LakewardProcess): Promise<string> =>
  (JSON.parse(await daemon.line('"event":"listening"')) as { address: string }).address

/** "dt=2026-11-20/hour=13". */
export function partitionOf(eventMs: number): string {
  const [date, hour] = new Date(eventMs).toISOString().split(/[T:]/)
  return `dt=${date}/hour=${hour}`
}
