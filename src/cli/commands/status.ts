import { type RecentCommits, readRecent } from '../../audit/recent-commits.ts'
import { notSupported } from '../../base/config-value.ts'
import { isoOf, unixMs } from '../../base/time.ts'
import { deadLetteredTotal } from '../../model/counts.ts'
import type { FoldedClosed, FoldedStream } from '../../model/fold-state.ts'
import { sourceKey, topicPartitionName } from '../../model/topic-partition.ts'
import type { UnknownFields } from '../../model/unknown-field.ts'
import { partitionName } from '../../protocol/calendar-text.ts'
import { explainPartition } from '../../protocol/explain.ts'
import { firstBlock } from '../../protocol/readiness.ts'
import {
  type ReadinessFacts,
  type ReadyStream,
  sourcesOf,
  viewOf,
} from '../../protocol/readiness-facts.ts'
import { viewsOf } from '../../protocol/readiness-views.ts'
import { eventWatermarkOf } from '../../protocol/watermark.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  flagOption,
  type Invocation,
  refusal,
  shardOption,
} from '../command.ts'
import { alignedRows, type Paint } from '../output.ts'
import { lastEntryMs, viewReadiness } from '../readiness-view.ts'
import { openReading } from '../reading.ts'
import { inEachShard, streamNamed } from '../shards.ts'
import { askStreams, type DaemonStream, unknownFieldsText, waitingText } from '../stream-view.ts'

/** How far back "lately" goes. */
const recentMs = 600_000

/** `lakeward status`: how each stream gets on, from log and lake; lag where brokers answer. */
export const command: CommandDefinition = {
  arguments: [{ name: 'stream', description: 'only this stream' }],
  options: [
    configOption,
    shardOption,
    { flags: '--watch', description: `again and again (${notSupported})` },
  ],
  example: 'lakeward status app_events',
  run: (invocation) => inEachShard(invocation, tellStatus),
}

async function tellStatus(invocation: Invocation): Promise<ExitCode> {
  if (flagOption(invocation, 'watch')) throw refusal(invocation, `--watch: ${notSupported}`)
  const reading = await openReading(invocation)
  const { config, lake, log } = reading
  const [name] = invocation.arguments
  if (name !== undefined) streamNamed(invocation, config, name)
  const names = config.streams.map((at) => at.name).filter((at) => at === (name ?? at))
  const { facts, kafkaSilence } = await viewReadiness(invocation, reading, names)
  const { pipeline } = config
  const fromMs = unixMs(facts.lakeNowMs - recentMs)
  const recent = await readRecent({ lake, pipeline }, log.state.next, fromMs)
  const asked = await askStreams(invocation, reading)
  const streams = facts.streams
    .filter((stream) => names.includes(stream.name))
    .map((stream) => ({
      ...statusOf(facts, stream, recent),
      unknownFields: asked?.get(stream.name)?.unknownFields,
      memory: asked?.get(stream.name)?.memory,
    }))
  const lastMs = lastEntryMs(facts.fold)
  const status = {
    pipeline,
    entries: facts.fold.next,
    lastEntryAt: lastMs === undefined ? undefined : isoOf(lastMs),
    undelivered: facts.fold.undelivered.length,
    kafka: kafkaSilence ?? 'answered',
    streams,
  }
  invocation.output.answer(status, statusLines(status, invocation.output.paint))
  return exitCode.done
}

interface StreamStatus {
  readonly name: string
  readonly table: string
  /** Committed; undefined where a topic-partition has brought no rows. */
  readonly eventWatermark: string | undefined
  /** Of the last ten minutes. */
  readonly recentRows: number
  readonly recentEvents: number
  /** Records that are not committed, over the stream's topics; undefined where nobody answers. */
  readonly lagRecords: bigint | undefined
  /** The newest commit that moved one of its topic-partitions. */
  readonly lastCommitAt: string | undefined
  readonly announcedNext: string | undefined
  /** Topic-partitions that stopped until an operator says how to go on. */
  readonly stopped: readonly StoppedSource[]
  /** The first partition that is not announced. */
  readonly waiting: WaitingPartition | undefined
  readonly deadLetters: number
  readonly late: number
  /** Of the daemon that answers, since its start; undefined where none does. */
  readonly unknownFields: UnknownFields | undefined
  /** What it holds of its share, likewise. */
  readonly memory: DaemonStream['memory'] | undefined
}

interface StoppedSource {
  readonly topicPartition: string
  /** What happened, with both values, and the way on. */
  readonly cause: string
}

interface WaitingPartition {
  readonly partition: string
  readonly rule: string
  readonly topicPartition: string | undefined
  readonly sentence: string
}

function statusOf(
  facts: ReadinessFacts,
  stream: ReadyStream,
  recent: RecentCommits,
): Omit<StreamStatus, 'unknownFields' | 'memory'> {
  const views = viewsOf(facts, stream)
  const watermarkMs = eventWatermarkOf(views)
  const moved = views.flatMap(({ position }) => position?.movedAtMs ?? [])
  const folded = facts.fold.streams.get(stream.name)
  return {
    name: stream.name,
    table: stream.table,
    eventWatermark: watermarkMs === undefined ? undefined : isoOf(watermarkMs),
    recentRows: recent.rows.get(stream.name) ?? 0,
    recentEvents: recent.events.get(stream.name) ?? 0,
    lagRecords: lagOf(facts, stream),
    lastCommitAt: moved.length === 0 ? undefined : isoOf(unixMs(Math.max(...moved))),
    announcedNext:
      folded?.announcedNextMs === undefined ? undefined : isoOf(folded.announcedNextMs),
    stopped: stoppedOf(facts, stream),
    waiting: waitingOf(facts, stream),
    ...refusedOf(folded),
  }
}

function lagOf(facts: ReadinessFacts, stream: ReadyStream): bigint | undefined {
  let lag = 0n
  for (const source of sourcesOf(facts, stream)) {
    const end = facts.ends.get(sourceKey(source))?.highWatermark
    if (end === undefined) return undefined
    const next = viewOf(facts, stream, source).position?.next ?? 0n
    if (end > next) lag += end - next
  }
  return facts.metadata === undefined ? undefined : lag
}

function stoppedOf(facts: ReadinessFacts, stream: ReadyStream): readonly StoppedSource[] {
  return sourcesOf(facts, stream).flatMap((source) => {
    const topicPartition = topicPartitionName(source)
    const cause = facts.refused.get(topicPartition)
    return cause === undefined ? [] : [{ topicPartition, cause }]
  })
}

function waitingOf(facts: ReadinessFacts, stream: ReadyStream): WaitingPartition | undefined {
  const block = firstBlock(facts, stream)
  if (block === undefined) return undefined
  const { sentence } = explainPartition(facts, stream, block.partition)
  return {
    partition: partitionName(block.partition),
    rule: block.rule,
    topicPartition: block.at && topicPartitionName(block.at.source),
    sentence,
  }
}

function refusedOf(folded: FoldedStream | undefined): { deadLetters: number; late: number } {
  let [deadLetters, late] = [0, 0]
  for (const { counts } of [...(folded?.partitions.values() ?? []), ...closedOf(folded)]) {
    deadLetters += deadLetteredTotal(counts)
    late += counts.late
  }
  return { deadLetters, late }
}

const closedOf = (folded: FoldedStream | undefined): readonly FoldedClosed[] =>
  folded?.closed === undefined ? [] : [folded.closed]

interface Status {
  readonly pipeline: string
  readonly entries: number
  readonly lastEntryAt: string | undefined
  readonly undelivered: number
  readonly kafka: string
  readonly streams: readonly StreamStatus[]
}

function statusLines(status: Status, paint: Paint): readonly string[] {
  const { pipeline, entries, lastEntryAt, undelivered, kafka, streams } = status
  const newest = lastEntryAt === undefined ? '' : `, the newest of ${lastEntryAt}`
  return [
    `pipeline ${paint.bold(pipeline)}: ${entries} log entries${newest}`,
    ...(undelivered === 0 ? [] : [paint.yellow(`${undelivered} announcements not confirmed yet`)]),
    ...(kafka === 'answered' ? [] : [paint.yellow(`lag is not known: ${kafka}`)]),
    ...streams.flatMap((stream) => ['', ...streamLines(stream, paint)]),
  ]
}

function streamLines(stream: StreamStatus, paint: Paint): readonly string[] {
  const { waiting } = stream
  const unknownFields = unknownFieldsText(stream.unknownFields)
  const reading = waitingText(stream.memory)
  const rows = [
    ['  event time', stream.eventWatermark ?? 'not known on every topic-partition'],
    ['  committed', `${stream.recentRows} rows of ${stream.recentEvents} events in ten minutes`],
    ['  last commit', stream.lastCommitAt ?? 'none'],
    ['  lag', stream.lagRecords === undefined ? 'not known' : `${stream.lagRecords} records`],
    [
      '  announced',
      stream.announcedNext === undefined ? 'nothing' : `up to ${stream.announcedNext}`,
    ],
    ['  next', waiting === undefined ? 'nothing waits' : `${waiting.partition}, ${waiting.rule}`],
    ...(waiting === undefined ? [] : [['', waiting.sentence]]),
    ...(reading === undefined ? [] : [[paint.yellow('  reading'), reading]]),
    ...stream.stopped.map(({ cause }) => [paint.red('  stopped'), `${cause}.`]),
    ['  dead letters', `${stream.deadLetters}, and ${stream.late} late`],
    ...(unknownFields === undefined ? [] : [['  not in schema', unknownFields]]),
  ]
  return [`stream ${paint.bold(stream.name)}, table ${stream.table}`, ...alignedRows(rows)]
}
