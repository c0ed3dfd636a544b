import { type CheckResult, counted } from '../../audit/check.ts'
import type { RowRule } from '../../audit/commit-checks.ts'
import type { KafkaAnswer } from '../../audit/kafka-check.ts'
import type { Scope, Span } from '../../audit/scope.ts'
import { tablesOf } from '../../audit/tables.ts'
import { verifyLake } from '../../audit/verify.ts'
import { isFault } from '../../base/fault.ts'
import type { ResolvedConfig, ResolvedStream } from '../../daemon/config/resolved-config.ts'
import { deadLetterTableName } from '../../daemon/stage-streams.ts'
import type { FoldState } from '../../model/fold-state.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Source } from '../../ports/source.ts'
import { parsePartition } from '../../protocol/calendar-text.ts'
import { emptyFold } from '../../protocol/fold.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  flagOption,
  type Invocation,
  optionalText,
  refusal,
} from '../command.ts'
import { alignedRows, type Output, type Paint } from '../output.ts'
import { askBrokers, type Lakeside, openLakeside, openReading, streamNamed } from '../reading.ts'

const kafkaTimeoutMs = 15_000
const progressEveryMs = 3_000

/** `lakeward verify`: recounts files against the log against Kafka. */
export const command: CommandDefinition = {
  arguments: [{ name: 'stream', description: 'only this stream' }],
  options: [
    configOption,
    { flags: '--hours <range>', description: 'only partitions of A..B: A included, B not' },
    { flags: '--deep', description: 'decode every file, check order, duplicates, checksums' },
    { flags: '--allow-unchecked', description: 'exit 0 although a check could not be made' },
  ],
  example: 'lakeward verify app_events --hours 2026-11-20T00..2026-11-21T00 --deep',
  run: async (invocation) => {
    const lakeside = await openLakeside(invocation)
    const { config, lake, clock } = lakeside
    const scope = scopeOf(invocation, config)
    const tables = tablesOf(await stateOf(invocation), [
      ...config.streams.map(({ table }) => table),
      deadLetterTableName(config.pipeline),
    ])
    const checks = await verifyLake({
      lake,
      pipeline: config.pipeline,
      tables,
      scope,
      isDeep: flagOption(invocation, 'deep'),
      ruleOf: (state) => ruleOf(config, state),
      askKafka: () => askKafka(invocation, lakeside),
      onFile: progressOf(invocation.output, clock),
    })
    return answer(invocation, checks)
  },
}

/** A log that cannot be read is for the checks to tell. */
async function stateOf(invocation: Invocation): Promise<FoldState> {
  try {
    return (await openReading(invocation)).log.state
  } catch (error) {
    if (logIsBroken(error)) return emptyFold()
    throw error
  }
}

const logIsBroken = (error: unknown): boolean =>
  isFault(error, 'LOG_ENTRY_UNREADABLE') ||
  isFault(error, 'LOG_FORMAT_TOO_NEW') ||
  isFault(error, 'LOG_CHECKPOINT_UNREADABLE')

function scopeOf(invocation: Invocation, config: ResolvedConfig): Scope {
  const [name] = invocation.arguments
  const only = name === undefined ? undefined : streamNamed(invocation, config, name)
  const range = optionalText(invocation, 'hours')
  if (range === undefined) return { stream: only?.name, spans: undefined }
  const streams = only === undefined ? config.streams : [only]
  const spans = new Map(streams.map((at) => [at.name, spanOf(invocation, at, range)]))
  return { stream: only?.name, spans }
}

/** "A..B" in the stream's own zone; days are accepted for hours, and the other way round. */
function spanOf(invocation: Invocation, { scheme }: ResolvedStream, range: string): Span {
  const [from, to, ...more] = range.split('..')
  if (from === undefined || to === undefined || more.length > 0) {
    throw refusal(invocation, `--hours "${range}": write A..B, as 2026-11-20T00..2026-11-21T00`)
  }
  const begin = (text: string): Span['startMs'] => {
    const by = /T|hour=/.test(text) ? 'hour' : 'day'
    const parsed = parsePartition(text, { ...scheme, by })
    if (parsed.kind === 'parsed') return parsed.partition.startMs
    throw refusal(invocation, `--hours "${text}" is refused: ${parsed.because}`)
  }
  const span = { startMs: begin(from), nextMs: begin(to) }
  if (span.startMs < span.nextMs) return span
  throw refusal(invocation, `--hours "${range}": the end is not after the beginning`)
}

/** Exact where rows were made under the configuration at hand. */
function ruleOf(config: ResolvedConfig, { config: inForce }: FoldState): RowRule {
  const withModule = config.streams.filter(({ etl }) => etl.some(({ kind }) => kind === 'module'))
  return {
    configVersion: inForce.checksum === config.checksum ? inForce.version : undefined,
    moduleStreams: new Set(withModule.map(({ name }) => name)),
  }
}

async function askKafka(invocation: Invocation, lakeside: Lakeside): Promise<KafkaAnswer> {
  const outcome = await askBrokers(invocation, lakeside, kafkaTimeoutMs, positionsAt)
  if (outcome.kind === 'silent') return outcome
  return { kind: 'answered', ...outcome.answer }
}

async function positionsAt(
  source: Source,
): Promise<Omit<Extract<KafkaAnswer, { kind: 'answered' }>, 'kind'>> {
  const metadata = await source.metadata()
  const starts = await source.offsetsAt(metadata.sources, 'earliest')
  const ends = await source.highWatermarks(metadata.sources)
  return { metadata, starts, ends }
}

/** A line every few seconds, so that one sees it going on. */
function progressOf(output: Output, clock: Clock): (done: number, of: number) => void {
  let lastMs = clock.monotonicMs()
  return (done, of) => {
    const nowMs = clock.monotonicMs()
    if (nowMs - lastMs < progressEveryMs) return
    lastMs = nowMs
    output.progress(`read ${done} of ${counted(of, 'file')}`)
  }
}

function answer(invocation: Invocation, checks: readonly CheckResult[]): ExitCode {
  const { output } = invocation
  const failed = checks.some(({ state }) => state === 'failed')
  const unchecked = checks.some(({ state }) => state === 'not-checkable')
  const verdict = failed ? 'failed' : unchecked ? 'not-checkable' : 'ok'
  output.answer({ verdict, checks }, checkLines(checks, output.paint))
  if (failed) return exitCode.failed
  return unchecked && !flagOption(invocation, 'allowUnchecked') ? exitCode.failed : exitCode.done
}

const stateNames = { ok: 'ok', failed: 'failed', 'not-checkable': 'not checkable' } as const

/** One line for each check, and what it found below it. */
function checkLines(checks: readonly CheckResult[], paint: Paint): readonly string[] {
  const rows = alignedRows(
    checks.map(({ name, stream, state, detail }) => {
      const about = stream === undefined ? name : `${name} ${stream}`
      const separator = state === 'not-checkable' ? ': ' : '  '
      return [about, `${stateNames[state]}${separator}${detail}`]
    }),
  )
  const ink = { ok: paint.green, failed: paint.red, 'not-checkable': paint.yellow }
  return checks.flatMap(({ state, findings, findingCount }, index) => {
    const left = findingCount - findings.length
    return [
      ink[state](rows[index] ?? ''),
      ...findings.map((finding) => `    ${finding}`),
      ...(left > 0 ? [`    and ${left} more`] : []),
    ]
  })
}
