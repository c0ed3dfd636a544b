import { z } from 'zod'
import { askDaemon, type DaemonAnswer } from '../../adapters/http/daemon-client.ts'
import { readRecent } from '../../audit/recent-commits.ts'
import { present } from '../../base/assert.ts'
import { isoOf, type UnixMs, unixMs } from '../../base/time.ts'
import { readSecrets } from '../../daemon/config/secrets.ts'
import type { LakePartition } from '../../model/lake-partition.ts'
import type { ManifestSource } from '../../model/ready-manifest.ts'
import { sourceKey } from '../../model/topic-partition.ts'
import { partitionName } from '../../protocol/calendar-text.ts'
import { type Explanation, explainPartition, heldUpIn } from '../../protocol/explain.ts'
import { type ReadinessFacts, type ReadyStream, sourcesOf } from '../../protocol/readiness-facts.ts'
import { type CommandDefinition, configOption, exitCode, type Invocation } from '../command.ts'
import { alignedRows, type Paint } from '../output.ts'
import { tryLake, viewReadiness } from '../readiness-view.ts'
import {
  openReading,
  ownSecretsOf,
  partitionArgument,
  partitionArguments,
  type Reading,
  stateAbout,
  streamArgument,
} from '../reading.ts'

/** A busy daemon may need seconds; where none listens, that is known at once. */
const daemonTimeoutMs = 10_000

/** How far back commits say at which rate records are read. */
const recentMs = 600_000

/** `lakeward why`: what blocks a partition, or completed it. */
export const command: CommandDefinition = {
  arguments: partitionArguments,
  options: [configOption],
  example: 'lakeward why app_events 2026-11-20T13',
  run: async (invocation) => {
    const reading = await openReading(invocation)
    const { name } = streamArgument(invocation, reading.config)
    const partition = partitionArgument(invocation, streamArgument(invocation, reading.config))
    const view = await viewReadiness(invocation, reading, [name])
    const { kafkaSilence } = view
    const fold = await stateAbout(reading, { stream: name, partition })
    const facts = { ...view.facts, fold }
    const stream = present(
      facts.streams.find((at) => at.name === name),
      'a configured stream is asked about',
    )
    const daemon = await askAboutPartition(invocation, reading, { stream: name, partition })
    const why = await explain({ reading, facts, stream, partition }, daemon)
    const notes = [
      ...(kafkaSilence === undefined ? [] : [`the brokers did not answer: ${kafkaSilence}`]),
      ...(daemon.kind === 'silent' ? [`no daemon was asked: ${daemon.why}`] : []),
    ]
    const shown = shownOf(why, name, partition)
    const rate = await rateOf(reading, facts, why)
    const lines = whyLines(shown, { notes, rate }, invocation.output.paint)
    invocation.output.answer({ ...shown, rate, notes }, lines)
    return exitCode.done
  },
}

/** What a daemon says of the partition, or why there is none to ask. */
export type DaemonView =
  | {
      readonly kind: 'answered'
      readonly rule: string
      readonly topicPartition: string | undefined
      readonly since: string | undefined
      readonly sentence: string
    }
  | { readonly kind: 'silent'; readonly why: string }

const partitionAnswer = z.object({
  stream: z.string(),
  partitionPath: z.string(),
  why: z.object({
    rule: z.string(),
    topicPartition: z.string().optional(),
    since: z.string().optional(),
    sentence: z.string(),
  }),
})

async function askAboutPartition(
  invocation: Invocation,
  { config }: Reading,
  { stream, partition }: { stream: string; partition: LakePartition },
): Promise<DaemonView> {
  if (config.http.listen.endsWith(':0')) return { kind: 'silent', why: 'http.listen has port 0' }
  const { httpToken } = await readSecrets(ownSecretsOf(config), invocation.files)
  const { listen } = config.http
  const address = { listen, token: httpToken?.reveal(), timeoutMs: daemonTimeoutMs }
  const ofStream = `/api/v1/streams/${encodeURIComponent(stream)}`
  const path = `${ofStream}/partitions/${partitionName(partition)}`
  return daemonViewOf(await askDaemon(address, path), stream, partition)
}

function daemonViewOf(answer: DaemonAnswer, stream: string, { path }: LakePartition): DaemonView {
  if (answer.kind === 'silent') return answer
  const parsed = partitionAnswer.safeParse(answer.body)
  if (!parsed.success) return { kind: 'silent', why: `it answered ${answer.status}` }
  const { why, stream: about, partitionPath } = parsed.data
  const isOurs = about === stream && partitionPath === path
  if (!isOurs) return { kind: 'silent', why: 'another pipeline listens there' }
  const { rule, topicPartition, since, sentence } = why
  return { kind: 'answered', rule, topicPartition, since, sentence }
}

interface Question {
  readonly reading: Reading
  readonly facts: ReadinessFacts
  readonly stream: ReadyStream
  readonly partition: LakePartition
}

/** The answer on our facts, sharpened by what the daemon, or a try, tells. */
async function explain(question: Question, daemon: DaemonView): Promise<Explanation> {
  const { reading, facts, stream, partition } = question
  const own = explainPartition(facts, stream, partition)
  if (daemon.kind === 'answered') {
    return explainPartition(withDaemon(facts, stream, daemon), stream, partition)
  }
  if (own.state !== 'open' || own.rule === 'delay') return own
  const lakeTrouble = await tryLake(reading, stream, facts)
  return explainPartition({ ...facts, lakeTrouble }, stream, partition)
}

/** Rules of topic-partitions that somebody reads: none of them is told where one has no reader. */
const readerRules: ReadonlySet<string> = new Set(['lagging', 'idle-without-proof', 'delay'])

/** Our facts with what only the daemon can know, read from what it answers. */
export function withDaemon(
  facts: ReadinessFacts,
  stream: ReadyStream,
  daemon: Extract<DaemonView, { kind: 'answered' }>,
): ReadinessFacts {
  const { rule, topicPartition, since, sentence } = daemon
  if (rule === 'lake-refuses') {
    const sinceMs = since === undefined ? facts.lakeNowMs : (Date.parse(since) as UnixMs)
    return { ...facts, lakeTrouble: { sinceMs, reason: reasonIn(sentence) } }
  }
  if (rule === 'refused' && topicPartition !== undefined) {
    return { ...facts, refused: new Map([[topicPartition, reasonIn(sentence)]]) }
  }
  if (!readerRules.has(rule)) return facts
  const reason = rule === 'lagging' ? heldUpIn(sentence) : undefined
  const heldUp =
    reason === undefined || topicPartition === undefined
      ? {}
      : { heldUp: new Map([[topicPartition, reason]]) }
  return { ...facts, assigned: new Set(sourcesOf(facts, stream).map(sourceKey)), ...heldUp }
}

/** "The lake refuses writes since …: <reason>." */
const reasonIn = (sentence: string): string => /: (.*)\.$/s.exec(sentence)?.[1] ?? sentence

/** When what lags is read, if it goes on as in the last ten minutes. */
async function rateOf(
  { lake, config }: Reading,
  { fold, lakeNowMs }: ReadinessFacts,
  { rule, topicPartition, lagRecords = 0n }: Explanation,
): Promise<string | undefined> {
  if (rule !== 'lagging' || topicPartition === undefined) return undefined
  const fromMs = unixMs(lakeNowMs - recentMs)
  const recent = await readRecent({ lake, pipeline: config.pipeline }, fold.next, fromMs)
  const committed = recent.records.get(topicPartition) ?? 0n
  return rateText({ committed, sinceMs: recent.sinceMs ?? fromMs, nowMs: lakeNowMs, lagRecords })
}

/** Records that were committed in a span, and those that are left. */
interface Reached {
  readonly committed: bigint
  readonly sinceMs: UnixMs
  readonly nowMs: UnixMs
  readonly lagRecords: bigint
}

export function rateText({ committed, sinceMs, nowMs, lagRecords }: Reached): string {
  if (committed === 0n) return 'never: none of its records were committed in ten minutes'
  const spanMs = Math.max(1_000, nowMs - sinceMs)
  const aMinute = Math.ceil((Number(committed) / spanMs) * 60_000)
  const leftMs = (Number(lagRecords) / Number(committed)) * spanMs
  return `${aMinute} records a minute, read up to there by ${isoOf(unixMs(nowMs + leftMs))}`
}

/** The answer in the words of machines. */
function shownOf(why: Explanation, stream: string, partition: LakePartition) {
  const { sinceMs, eventTimeMs, ...rest } = why
  return {
    stream,
    partition: partitionName(partition),
    partitionPath: partition.path,
    ...rest,
    eventTime: eventTimeMs === undefined ? undefined : isoOf(eventTimeMs),
    since: sinceMs === undefined ? undefined : isoOf(sinceMs),
  }
}

function whyLines(
  shown: ReturnType<typeof shownOf>,
  { notes, rate }: { readonly notes: readonly string[]; readonly rate: string | undefined },
  paint: Paint,
): readonly string[] {
  const { stream, partition, state, rule, sentence } = shown
  const rows = [
    ['  topic-partition', shown.topicPartition],
    ['  writer', shown.writer],
    ['  last offset', shown.lastOffset?.toString()],
    ['  end offset', shown.endOffset?.toString()],
    ['  lag', shown.lagRecords === undefined ? undefined : `${shown.lagRecords} records`],
    ['  event time', shown.eventTime],
    ['  since', shown.since],
    ['  released by', shown.release],
    ['  at this rate', rate],
  ].flatMap(([label, value]) =>
    label === undefined || value === undefined ? [] : [[label, value]],
  )
  const isGood = state === 'announced' || state === 'due'
  return [
    `${stream} ${paint.bold(partition)}: ${(isGood ? paint.green : paint.yellow)(state)}, ${rule}`,
    `  ${sentence}`,
    ...alignedRows(rows),
    ...evidenceLines(shown.evidence ?? []),
    ...notes.map((note) => paint.dim(`  (${note})`)),
  ]
}

/** Of more topic-partitions the manifest tells. */
const evidenceShownMax = 40

/** What each topic-partition was passed by. */
export function evidenceLines(evidence: readonly ManifestSource[]): readonly string[] {
  const shown = evidence.slice(0, evidenceShownMax)
  const rows = shown.map(({ topic, partition, next, evidence: passage, eventWatermark }) => {
    const by = passage === 'watermark' ? `event time of ${eventWatermark}` : 'proof of idleness'
    return [`  ${topic}/${partition}`, `passed by ${by}`, `read up to ${next}`]
  })
  const left = evidence.length - shown.length
  return [
    ...alignedRows(rows),
    ...(left > 0 ? [`  and ${left} more, see lakeward ready show`] : []),
  ]
}
