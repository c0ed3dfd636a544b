/** Our daemon with its lake on HDFS, over topics of the embedded broker. */
import { join } from 'node:path'
import { BenchLake } from '../ingest/ours.ts'
import { placementOn } from '../measure/machine.ts'
import { MeasuredProcess } from '../measure/run-process.ts'
import type { Cluster } from './cluster.ts'

/** Below the folder that everybody may write to. */
const home = '/lakeward/bench'

export interface Wanted {
  readonly cluster: Cluster
  /** "127.0.0.1:24001": the namenode, or what counts before it. */
  readonly namenode: string
  readonly brokerPort: number
  readonly topic: string
  readonly streams?: readonly string[]
  readonly mode: 'new' | 'continue'
  /** Lines of YAML. */
  readonly settings: string
  /** Loads `slice-probe.ts`. */
  readonly probed?: boolean
}

/** What the log tells of a commit. */
export interface Committed {
  readonly rows: number
  readonly files: number
  /** From the first look at the log to the last rename. */
  readonly seconds: number
  readonly atMs: number
}

let runs = 0

export class HdfsRun {
  /** Of the lake, on HDFS. */
  readonly folder = `${home}/run-${process.pid}-${++runs}`
  readonly #wanted: Wanted
  readonly #lake: BenchLake

  constructor(wanted: Wanted) {
    const { namenode, brokerPort, topic, streams, mode, settings } = wanted
    this.#wanted = wanted
    const lake = `{ url: "hdfs://${namenode}${this.folder}", hdfs: { user: lakeward, blockSize: 128MiB } }`
    const named = streams === undefined ? {} : { streams }
    this.#lake = new BenchLake({ brokerPort, topic, mode, settings, lake, ...named })
  }

  start(): MeasuredProcess {
    const [node = '', ...words] = this.#lake.command
    const probe = join(import.meta.dirname, 'slice-probe.ts')
    const probing = this.#wanted.probed === true ? ['--import', probe] : []
    return new MeasuredProcess(placementOn(1), [node, ...probing, ...words])
  }

  async remove(): Promise<void> {
    this.#lake.remove()
    await this.#wanted.cluster.removeFolder(this.folder)
  }
}

/** Calls back for each commit; what is no news is shown. */
export function onCommitted(daemon: MeasuredProcess, act: (commit: Committed) => void): void {
  daemon.onLine('stderr', (line) => {
    const commit = committedIn(line)
    if (commit !== undefined) act(commit)
  })
}

/** @returns undefined for lines of something else. */
export function committedIn(line: string): Committed | undefined {
  if (!line.startsWith('{')) return undefined
  const said = JSON.parse(line) as { level: string; event: string } & Omit<Committed, 'atMs'>
  if (said.level !== 'info') console.error(line)
  if (said.event !== 'committed') return undefined
  const { rows, files, seconds } = said
  return { rows, files, seconds, atMs: Date.now() }
}
