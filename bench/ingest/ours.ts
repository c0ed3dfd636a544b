/** One run of our daemon over the whole topic, measured from outside. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Placement } from '../measure/machine.ts'
import { ourNodeFlags, ourScript } from '../measure/our-command.ts'
import { cpuSecondsOf, peakRssBytesOf, rssBytesOf } from '../measure/process-figures.ts'
import { MeasuredProcess } from '../measure/run-process.ts'

const schema = join(import.meta.dirname, '..', 'datasets', 'app-event.proto')
/** Idle for two commits and some; memory of the start has settled then. */
const idleMs = 6_000

/** What one run cost, start-up included. */
export interface OurRun {
  readonly rows: number
  readonly cpuSeconds: number
  /** Of them, until topic-partitions were assigned. */
  readonly startCpuSeconds: number
  readonly peakRssBytes: number
  readonly outputBytes: number
  readonly commits: number
  readonly wallSeconds: number
}

/** Settings of the run, printed with the figures. */
export const ourSettings = 'lakeward run, commit.interval 2s, file: lake, one stream, zstd level 1'

interface LakeOptions {
  readonly brokerPort: number
  /** A name, or several as a YAML list. */
  readonly topic: string
  /** All of one topic and one message; `app_event` alone when not given. */
  readonly streams?: readonly string[]
  /** Lines of YAML; a commit each two seconds when not given. */
  readonly settings?: string
  /** The section as YAML on one line; a folder beside the configuration when not given. */
  readonly lake?: string
  /** `file.mode` of each stream. */
  readonly mode?: 'new' | 'continue'
}

const config = (options: LakeOptions): string => {
  const { brokerPort, topic, streams = ['app_event'], settings } = options
  const { lake = '{ url: "file:./lake" }', mode = 'new' } = options
  const topicKey = topic.startsWith('[') ? 'topics' : 'topic'
  const ofStream = (name: string): string => `  - name: ${name}
    ${topicKey}: ${topic}
    schema: { file: app-event.proto, message: bench.AppEvent }
    eventTime: { pastMax: 36500d, futureMax: 365d }
    file: { codec: zstd, mode: ${mode} }
`
  return `pipeline: bench
kafka: { brokers: ["127.0.0.1:${brokerPort}"], group: bench-${process.pid}-${Date.now()} }
lake: ${lake}
${settings ?? 'commit: { interval: 2s }\n'}http: { listen: 127.0.0.1:0 }
streams:
${streams.map(ofStream).join('')}`
}

/** A lake of our own, with the configuration beside it. */
export class BenchLake {
  readonly folder: string
  readonly #configPath: string

  constructor(options: LakeOptions) {
    this.folder = mkdtempSync(join(tmpdir(), 'lakeward-bench-'))
    this.#configPath = join(this.folder, 'lakeward.yaml')
    mkdirSync(join(this.folder, 'lake'))
    copyFileSync(schema, join(this.folder, 'app-event.proto'))
    writeFileSync(this.#configPath, config(options))
  }

  get command(): readonly string[] {
    return [process.execPath, ...ourNodeFlags, ourScript, 'run', '-c', this.#configPath]
  }

  /** Absolute paths of the tables' files. */
  get files(): readonly string[] {
    const lake = join(this.folder, 'lake')
    return readdirSync(lake, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => join(lake, name))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

interface WantedRun {
  readonly placement: Placement
  /** The run is over when so many are committed. */
  readonly rows: number
  /** Looks on from the start, and may ask the process to end: what was read is committed then. */
  readonly watch?: (daemon: MeasuredProcess) => void
}

/** Reads the topic from its beginning until every row is committed. */
export async function runOurs(lake: BenchLake, wanted: WantedRun): Promise<OurRun> {
  const { placement, rows, watch } = wanted
  const beganMs = performance.now()
  const daemon = new MeasuredProcess(placement, lake.command)
  watch?.(daemon)
  let committed = 0
  let commits = 0
  let startCpuSeconds = 0
  daemon.onLine('stderr', (line) => {
    if (startCpuSeconds > 0 || !line.includes('"event":"assigned"')) return
    startCpuSeconds = cpuSecondsOf(daemon.pid)
  })
  const run = await daemon.firstOf('stderr', (line) => {
    const said = committedRows(line)
    if (said === undefined) return undefined
    committed += said
    commits += 1
    if (committed < rows) return undefined
    return {
      cpuSeconds: cpuSecondsOf(daemon.pid),
      peakRssBytes: peakRssBytesOf(daemon.pid),
      wallSeconds: (performance.now() - beganMs) / 1_000,
    }
  })
  await daemon.stop()
  if (committed !== rows) throw new Error(`${committed} rows were committed of ${rows}`)
  const outputBytes = lake.files.reduce((sum, path) => sum + statSync(path).size, 0)
  return { rows, commits, outputBytes, startCpuSeconds, ...run }
}

function committedRows(line: string): number | undefined {
  // What is no JSON is the last word of a process that fails; its end tells of it.
  if (!line.startsWith('{')) return undefined
  const said = JSON.parse(line) as { level: string; event: string; rows?: number }
  if (said.level !== 'info') console.error(line)
  return said.event === 'committed' ? said.rows : undefined
}

/** Resident memory of a daemon that has nothing to read. */
export async function idleRssBytes(brokerPort: number, empty: string, placement: Placement) {
  const lake = new BenchLake({ brokerPort, topic: empty })
  try {
    const daemon = new MeasuredProcess(placement, lake.command)
    await daemon.firstOf('stderr', (line) =>
      line.includes('"event":"assigned"') ? true : undefined,
    )
    await sleep(idleMs)
    const rssBytes = rssBytesOf(daemon.pid)
    await daemon.stop()
    return rssBytes
  } finally {
    lake.remove()
  }
}
