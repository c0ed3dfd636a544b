import { z } from 'zod'
import { askDaemon, type DaemonAnswer } from '../../adapters/http/daemon-client.ts'
import { present } from '../../base/assert.ts'
import { isoOf, type UnixMs } from '../../base/time.ts'
import { readSecrets } from '../../daemon/config/secrets.ts'
import type { LakePartition } from '../../model/lake-partition.ts'
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
    invocation.output.answer({ ...shown, notes }, whyLines(shown, notes, invocation.output.paint))
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

/** The answer in the words of machines. */
function shownOf(why: Explanation, stream: string, partition: LakePartition) {
  const { sinceMs, ...rest } = why
  return {
    stream,
    partition: partitionName(partition),
    partitionPath: partition.path,
    ...rest,
    since: sinceMs === undefined ? undefined : isoOf(sinceMs),
  }
}

function whyLines(
  shown: ReturnType<typeof shownOf>,
  notes: readonly string[],
  paint: Paint,
): readonly string[] {
  const { stream, partition, state, rule, sentence } = shown
  const rows = [
    ['  topic-partition', shown.topicPartition],
    ['  writer', shown.writer],
    ['  last offset', shown.lastOffset?.toString()],
    ['  lag', shown.lagRecords === undefined ? undefined : `${shown.lagRecords} records`],
    ['  since', shown.since],
  ].flatMap(([label, value]) =>
    label === undefined || value === undefined ? [] : [[label, value]],
  )
  const isGood = state === 'announced' || state === 'due'
  return [
    `${stream} ${paint.bold(partition)}: ${(isGood ? paint.green : paint.yellow)(state)}, ${rule}`,
    `  ${sentence}`,
    ...alignedRows(rows),
    ...notes.map((note) => paint.dim(`  (${note})`)),
  ]
}
