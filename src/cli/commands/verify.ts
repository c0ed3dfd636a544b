import { counted } from '../../audit/check.ts'
import type { RowRule } from '../../audit/commit-checks.ts'
import type { Scope, Span } from '../../audit/scope.ts'
import { tablesOf } from '../../audit/tables.ts'
import { verifyLake } from '../../audit/verify.ts'
import type { ResolvedConfig, ResolvedStream } from '../../daemon/config/resolved-config.ts'
import type { FoldState } from '../../model/fold-state.ts'
import { deadLetterTableName } from '../../model/log-shard.ts'
import type { Clock } from '../../ports/clock.ts'
import { parsePartition } from '../../protocol/calendar-text.ts'
import { answerChecks } from '../check-answer.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  flagOption,
  type Invocation,
  optionalText,
  refusal,
  shardOption,
} from '../command.ts'
import { askPositions } from '../kafka-positions.ts'
import type { Output } from '../output.ts'
import { openLakeside, stateIfReadable } from '../reading.ts'
import { inEachShard, streamNamed } from '../shards.ts'

const progressEveryMs = 3_000

/** `lakeward verify`: recounts files against the log against Kafka. */
export const command: CommandDefinition = {
  arguments: [{ name: 'stream', description: 'only this stream' }],
  options: [
    configOption,
    shardOption,
    { flags: '--hours <range>', description: 'only partitions of A..B: A included, B not' },
    { flags: '--deep', description: 'decode every file, check order, duplicates, checksums' },
    { flags: '--allow-unchecked', description: 'exit 0 although a check could not be made' },
  ],
  example: 'lakeward verify app_events --hours 2026-11-20T00..2026-11-21T00 --deep',
  run: (invocation) => inEachShard(invocation, verifyAll),
}

async function verifyAll(invocation: Invocation): Promise<ExitCode> {
  const lakeside = await openLakeside(invocation)
  const { config, lake, clock } = lakeside
  const scope = scopeOf(invocation, config)
  const tables = tablesOf(await stateIfReadable(invocation), [
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
    askKafka: () => askPositions(invocation, lakeside),
    onFile: progressOf(invocation.output, clock),
  })
  return answerChecks(invocation, checks, flagOption(invocation, 'allowUnchecked'))
}

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
