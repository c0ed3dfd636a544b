/**
 * Many streams in one daemon: rows per CPU second and memory with 300 and with 1,000 streams, each
 * with two open hours, against one stream with the same rows.
 *
 * The real `lakeward run` on the embedded broker, reading as fast as it can: with a commit each
 * minute the budget of memory says when it commits, of one stream as of many, so that a file has as
 * many rows as the budget lets it have. The worst that a topic can be: neighbours in it belong to
 * different streams. One stream and many take turns; the figure is the median of the pairs' ratios.
 * CPU time counts from the assignment to the last commit, which is a smaller one; what a start
 * costs is told apart.
 */
import { BenchLake, type OurRun, runOurs } from '../ingest/ours.ts'
import {
  commitText,
  loadText,
  machineText,
  type Placement,
  placementOn,
  thisMachine,
} from '../measure/machine.ts'
import { type BenchFlags, type BenchOutcome, Misused } from '../measure/outcome.ts'
import { rssBytesOf } from '../measure/process-figures.ts'
import { quartilesOf } from '../measure/quartiles.ts'
import { MeasuredProcess } from '../measure/run-process.ts'
import { endOnceRead } from './end-once-read.ts'
import { recordFigures, reportLines, type StreamsCase, type StreamsFigures } from './report.ts'
import { partitionCount, type StreamsTopic, streamNames, topicName, topicText } from './topic.ts'
import { startTopicBroker, type TopicBroker } from './topic-broker.ts'

const full = { rows: 4_800_000, pairs: 5 }
const quick = { rows: 600_000, pairs: 2 }
const streamCounts = [300, 1_000] as const
/** Both hours stay open: rows of an hour that is announced would be dead letters. */
const settingsWith = (buffers: string): string =>
  ['commit: { interval: 1m }', `memory: { buffers: ${buffers} }`, 'ready: { delay: 12h }', ''].join(
    '\n',
  )
/** As much for a stream of a thousand as for one of three hundred. */
const buffersOf = (streamCount: number): string => `${Math.ceil((1_024 * streamCount) / 300)}MiB`
/** What one stream runs with beside other processes: its speed with it is told too. */
const oneBuffers = '64MiB'
const settingsText =
  `lakeward run, commit.interval 1m, memory.buffers ${buffersOf(300)} with 300 streams and ` +
  `${buffersOf(1_000)} with 1,000, of one and of many (of the memory of one stream ` +
  `${oneBuffers}), ready.delay 12h, file: lake, zstd 1`
const idleMs = 6_000

/** @returns the figures; a quick run is not recorded. */
export async function benchStreams({ isQuick, values }: BenchFlags): Promise<BenchOutcome> {
  const { rows, pairs } = isQuick ? quick : full
  const chosen = streamCounts.filter((count) => [String(count), undefined].includes(values['of']))
  if (chosen.length === 0) throw new Misused(`--of ${values['of']}; accepted: 300, 1000`)
  const placement = placementOn(1)
  const machine = machineText(thisMachine())
  console.log(`machine     ${machine}, load ${loadText()}`)
  console.log(`dataset     ${topicText({ rows })}`)
  console.log(`ours        ${settingsText}; ${placement.text}`)
  const cases: StreamsCase[] = []
  for (const streamCount of chosen) {
    cases.push(await measure({ rows, streamCount, pairs, placement }))
  }
  const figures: StreamsFigures = { cases, isQuick }
  const { lines, missed } = reportLines(figures)
  for (const line of lines) console.log(line)
  const commit = commitText()
  const about = { machine, commit, dataset: topicText({ rows }), placement: placement.text }
  if (isQuick) console.log('a quick run: few pairs of small samples, not recorded')
  else recordFigures(figures, { ...about, settings: settingsText })
  return { report: { bench: 'streams', commit, machine, cases: cases.map(reported) }, missed }
}

interface Wish {
  readonly rows: number
  readonly streamCount: number
  readonly pairs: number
  readonly placement: Placement
}

async function measure({ rows, streamCount, pairs, placement }: Wish): Promise<StreamsCase> {
  const one = await RunningBroker.of({ streamCount: 1, rows })
  const many = await RunningBroker.of({ streamCount, rows })
  try {
    const buffers = buffersOf(streamCount)
    const idleBytes = {
      one: await one.idleBytes(placement, buffers),
      many: await many.idleBytes(placement, buffers),
    }
    const small = await one.run(placement, oneBuffers)
    console.log(`one stream, ${oneBuffers}: ${runText(small)}, load ${loadText()}`)
    const runs: { one: OurRun; many: OurRun }[] = []
    while (runs.length < pairs) {
      const isTurned = runs.length % 2 === 1
      const first = await (isTurned ? many : one).run(placement, buffers)
      const second = await (isTurned ? one : many).run(placement, buffers)
      const pair = isTurned ? { one: second, many: first } : { one: first, many: second }
      runs.push(pair)
      console.log(
        `${streamCount} streams, pair ${runs.length}: ${pairText(pair)}, load ${loadText()}`,
      )
    }
    return caseOf(streamCount, { runs, small, idleBytes })
  } finally {
    await one.stop()
    await many.stop()
  }
}

const steadySeconds = ({ cpuSeconds, startCpuSeconds }: OurRun): number =>
  cpuSeconds - startCpuSeconds
const perMillion = (run: OurRun): number => (steadySeconds(run) / run.rows) * 1e6
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

const runText = (run: OurRun): string =>
  `${perMillion(run).toFixed(3)} CPU-s per million (start ${run.startCpuSeconds.toFixed(1)}, ` +
  `${run.commits} commits, peak ${megabytes(run.peakRssBytes)})`

const pairText = (pair: { readonly one: OurRun; readonly many: OurRun }): string =>
  [pair.one, pair.many].map(runText).join(' against ')

interface MeasuredCase {
  readonly runs: readonly { readonly one: OurRun; readonly many: OurRun }[]
  /** One stream within little memory. */
  readonly small: OurRun
  readonly idleBytes: { readonly one: number; readonly many: number }
}

function caseOf(streamCount: number, { runs, small, idleBytes }: MeasuredCase): StreamsCase {
  const many = runs.map((pair) => pair.many)
  const one = runs.map((pair) => pair.one)
  return {
    streamCount,
    ratio: quartilesOf(runs.map((pair) => perMillion(pair.one) / perMillion(pair.many))),
    onePerMillion: quartilesOf(one.map(perMillion)),
    manyPerMillion: quartilesOf(many.map(perMillion)),
    startCpuSeconds: quartilesOf(many.map((run) => run.startCpuSeconds)).median,
    sampleCpuSecondsMin: Math.min(...[...one, ...many].map(steadySeconds)),
    idleBytes,
    small: { peakBytes: small.peakRssBytes, perMillion: perMillion(small), buffers: oneBuffers },
    onePeakBytes: Math.max(...one.map((run) => run.peakRssBytes)),
    manyPeakBytes: Math.max(...many.map((run) => run.peakRssBytes)),
    outputBytes: quartilesOf(many.map((run) => run.outputBytes)).median,
  }
}

const reported = (each: StreamsCase) => ({
  name: `${each.streamCount}-streams`,
  rowsPerSecond: Math.round(1e6 / each.manyPerMillion.median),
  cpuSecondsPerMillion: each.manyPerMillion.median,
  peakRssBytes: each.manyPeakBytes,
  outputBytes: each.outputBytes,
  ratios: { oneStream: each.ratio.median },
})

/** A broker that holds one topic, and runs of our daemon over it. */
class RunningBroker {
  readonly #topic: StreamsTopic
  readonly #broker: TopicBroker

  private constructor(topic: StreamsTopic, broker: TopicBroker) {
    this.#topic = topic
    this.#broker = broker
  }

  static async of(topic: StreamsTopic): Promise<RunningBroker> {
    return new RunningBroker(topic, await startTopicBroker(topic))
  }

  async run(placement: Placement, buffers: string): Promise<OurRun> {
    const lake = this.#lake(topicName, buffers)
    try {
      const { rows } = this.#topic
      const watch = (daemon: MeasuredProcess): void => endOnceRead(daemon, partitionCount)
      return await runOurs(lake, { placement, rows, watch })
    } finally {
      lake.remove()
    }
  }

  /** Resident memory of a daemon with the same streams and nothing to read. */
  async idleBytes(placement: Placement, buffers: string): Promise<number> {
    const lake = this.#lake('app.nothing', buffers)
    try {
      const daemon = new MeasuredProcess(placement, lake.command)
      await new Promise((resolve) => setTimeout(resolve, idleMs))
      const rssBytes = rssBytesOf(daemon.pid)
      await daemon.stop()
      return rssBytes
    } finally {
      lake.remove()
    }
  }

  stop(): Promise<void> {
    return this.#broker.stop()
  }

  #lake(topic: string, buffers: string): BenchLake {
    const streams = streamNames(this.#topic.streamCount)
    const settings = settingsWith(buffers)
    return new BenchLake({ brokerPort: this.#broker.port, topic, streams, settings })
  }
}
