/** Samples of one case: ours and the baselines, each in a process of its own, in turns. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Placement } from '../measure/machine.ts'
import { ourNodeFlags } from '../measure/our-command.ts'
import { Misused } from '../measure/outcome.ts'
import { lastJsonOf } from '../measure/run-process.ts'
import type { CaseInput } from './input.ts'

export interface Sample {
  readonly rows: number
  readonly cpuSeconds: number
  readonly outputBytes: number
}

export interface OurSample extends Sample {
  readonly peakRssBytes: number
}

export interface Pair {
  readonly ours: OurSample
  readonly pyarrow: Sample
  readonly naive: Sample
}

const python = process.env['LAKEWARD_PYTHON'] ?? 'python3'
/** As long as ours. */
const pyarrowSampleSeconds = 2
const nodeFlags = ['--no-warnings', ...ourNodeFlags]
const here = import.meta.dirname
const baselines = join(here, '..', 'baselines')

/** Runs the ways of one case; what they write lies in a folder that is removed. */
export class CaseRunner implements Disposable {
  readonly #input: CaseInput
  readonly #placement: Placement
  readonly #folder = mkdtempSync(join(tmpdir(), 'lakeward-bench-'))

  constructor(input: CaseInput, placement: Placement) {
    this.#input = input
    this.#placement = placement
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  /** Writes the file that pyarrow reads. @throws {Misused} events are not of the message. */
  async ours(): Promise<OurSample> {
    const script = new URL('our-process.ts', import.meta.url).pathname
    const run = await this.#node(script, this.#ourFile, `${this.#input.repeats}`)
    const refused = Number(run['refused'])
    if (refused > 0) {
      const { data, message, events } = this.#input
      throw new Misused(
        `"${data}": ${refused} of ${events} events are no ${message}, ` +
          `the first is ${String(run['reason'])}`,
      )
    }
    return { ...sampleOf(run), peakRssBytes: Number(run['peakRssBytes']) }
  }

  async pyarrow(): Promise<Sample> {
    const script = join(baselines, 'pyarrow-write.py')
    const command = [python, script, `${pyarrowSampleSeconds}`, this.#ourFile]
    return sampleOf(await lastJsonOf(this.#placement, command))
  }

  async naive(): Promise<Sample> {
    const script = join(baselines, 'naive-file.ts')
    return sampleOf(await this.#node(script, join(this.#folder, 'naive.parquet')))
  }

  /** @param turned the baselines come first. */
  async pair(turned: boolean): Promise<Pair> {
    if (turned) {
      const [naive, pyarrow] = [await this.naive(), await this.pyarrow()]
      return { naive, pyarrow, ours: await this.ours() }
    }
    const ours = await this.ours()
    return { ours, pyarrow: await this.pyarrow(), naive: await this.naive() }
  }

  get #ourFile(): string {
    return join(this.#folder, 'ours.parquet')
  }

  #node(script: string, ...words: readonly string[]): Promise<Record<string, unknown>> {
    const { proto, message, data } = this.#input
    const command = [process.execPath, ...nodeFlags, script, proto, message, data, ...words]
    return lastJsonOf(this.#placement, command)
  }
}

const sampleOf = ({ rows, cpuSeconds, outputBytes }: Record<string, unknown>): Sample => ({
  rows: Number(rows),
  cpuSeconds: Number(cpuSeconds),
  outputBytes: Number(outputBytes),
})
