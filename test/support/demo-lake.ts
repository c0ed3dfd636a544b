/** The lake that a short demo leaves, its broker, and command lines on both. */
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject } from 'vitest'
import { type EmbeddedBroker, startBroker } from '../../src/adapters/embedded/broker.ts'
import { present } from '../../src/base/assert.ts'
import { commandLine, type Ended } from './command-line.ts'
import { DamagedLake, type LoggedFile } from './damage.ts'
import { eventually } from './eventually.ts'
import { lakeward } from './processes.ts'
import { temporaryFolder } from './temporary-folder.ts'

export interface DemoLine {
  readonly read: number
  readonly written: number
  readonly late: number
  readonly deadLettered: number
  readonly ready: readonly string[]
}

interface ShownCheck {
  readonly name: string
  readonly stream?: string
  readonly state: 'ok' | 'failed' | 'not-checkable'
  readonly detail: string
  readonly findings: readonly string[]
}

export interface Verdict {
  readonly verdict: ShownCheck['state']
  readonly checks: readonly ShownCheck[]
}

export type Answered<T> = T & { readonly exit: number }

interface DemoParts {
  readonly folder: AsyncDisposable
  readonly place: string
  readonly demo: DemoLine
}

/** Where the configuration of a demo says on which port its broker listens. */
const brokerAddress = /(?<=brokers: \[127\.0\.0\.1:)\d+/

/** A demo takes half a minute; another test file's may have just begun. */
const demoMsMax = 110_000

/**
 * The one demo of a run of the tests: the first file that wants it runs it, others wait for it.
 * @returns its folder, which nobody changes, and what it counted.
 */
async function sharedDemo(): Promise<{ original: string; demo: DemoLine }> {
  const runFolder = inject('runFolder')
  const original = join(runFolder, 'demo')
  const endedPath = join(runFolder, 'demo.json')
  const isFirst = await mkdir(join(runFolder, 'demo-begun')).then(
    () => true,
    () => false,
  )
  if (isFirst) {
    const ended = await lakeward(['demo', '--exit-when-ready', '--folder', original])
    await writeFile(`${endedPath}.new`, JSON.stringify(ended))
    await rename(`${endedPath}.new`, endedPath)
  }
  const text = await eventually('the demo has ended', demoMsMax, () => readFile(endedPath, 'utf8'))
  const { code, stdout, stderr } = JSON.parse(text) as Awaited<ReturnType<typeof lakeward>>
  expect(code, stderr).toBe(0)
  const line = present(stdout.trimEnd().split('\n').at(-1), 'a demo ends with a line')
  return { original, demo: JSON.parse(line) as DemoLine }
}

export class DemoLake {
  readonly config: string
  readonly lake: DamagedLake
  /** What the demo counted. */
  readonly demo: DemoLine
  /** The first announced hour of page views, as people write it. */
  readonly hour: string
  readonly #parts: DemoParts
  #broker: EmbeddedBroker | undefined

  private constructor(parts: DemoParts) {
    const { place, demo } = parts
    this.#parts = parts
    this.demo = demo
    this.config = join(place, 'lakeward.yaml')
    this.lake = new DamagedLake(join(place, 'lake'), 'shop')
    const announced = /page_views\/dt=(\S+?)\/hour=(\d\d)/.exec(demo.ready.join(' '))
    this.hour = present(announced, 'the demo announces page views').slice(1).join('T')
  }

  /** What a demo left, of this file alone, with its broker running. To be closed. */
  static async make(): Promise<DemoLake> {
    const { original, demo } = await sharedDemo()
    const folder = await temporaryFolder()
    const place = join(folder.path, 'demo')
    await cp(original, place, { recursive: true, preserveTimestamps: true })
    const made = new DemoLake({ folder, place, demo })
    await made.startBroker()
    return made
  }

  /** On whatever port is free: the configuration names it. */
  async startBroker(): Promise<void> {
    this.#broker = await startBroker({ directory: join(this.#parts.place, 'broker') })
    const text = await readFile(this.config, 'utf8')
    await writeFile(this.config, text.replace(brokerAddress, String(this.#broker.port)))
  }

  async stopBroker(): Promise<void> {
    await this.#broker?.close()
    this.#broker = undefined
  }

  async close(): Promise<void> {
    await this.stopBroker()
    await this.#parts.folder[Symbol.asyncDispose]()
  }

  run(...words: readonly string[]): Promise<Ended> {
    return commandLine([...words, '-c', this.config])
  }

  /** The answer for machines: one line of JSON. */
  async json<T>(...words: readonly string[]): Promise<Answered<T>> {
    const { exit, out, error } = await this.run(...words, '--json')
    expect(out.trimEnd().split('\n'), error).toHaveLength(1)
    return { ...(JSON.parse(out) as T), exit }
  }

  /** A file of a stream with at least `rows` rows, in a partition that is not announced. */
  async openFile(stream: string, rows = 3): Promise<LoggedFile> {
    const isOpen = (file: LoggedFile): boolean =>
      !this.demo.ready.includes(`shop/${stream}/${file.partitionPath}/1`)
    const files = (await this.lake.files()).map(({ file }) => file)
    const found = files.find((at) => at.stream === stream && isOpen(at) && at.rowCount >= rows)
    if (found === undefined) throw new Error(`the demo leaves a file of ${stream} in an open hour`)
    return found
  }
}

/** Checks that are not ok, by name: "order page_views". */
export function wrongIn({ checks }: Verdict): Readonly<Record<string, ShownCheck['state']>> {
  const wrong = checks.filter(({ state }) => state !== 'ok')
  const nameOf = ({ name, stream }: ShownCheck): string =>
    stream === undefined ? name : `${name} ${stream}`
  return Object.fromEntries(wrong.map((check) => [nameOf(check), check.state]))
}
