/** What a reading command stands on: the configuration, the lake, the log; brokers when asked. */
import { withDeadline } from '../adapters/kafka/deadline.ts'
import { openKafkaSource } from '../adapters/kafka/kafka-source.ts'
import { SystemClock } from '../adapters/local/system-clock.ts'
import { SystemRandom } from '../adapters/local/system-random.ts'
import { present } from '../base/assert.ts'
import { Fault, isFault } from '../base/fault.ts'
import { type AskedPartition, withClosedBack } from '../committer/closed-lists.ts'
import { type CommitLogOptions, openCommitLog } from '../committer/commit-log.ts'
import { loadConfig } from '../daemon/config/load.ts'
import type { ResolvedConfig, ResolvedStream } from '../daemon/config/resolved-config.ts'
import { readSecrets } from '../daemon/config/secrets.ts'
import { openLake } from '../daemon/open-lake.ts'
import { sourceOptions } from '../daemon/start.ts'
import type { FoldState } from '../model/fold-state.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Source } from '../ports/source.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { parsePartition } from '../protocol/calendar-text.ts'
import { emptyFold } from '../protocol/fold.ts'
import { type Invocation, refusal, textOption } from './command.ts'
import { shardAsked, streamNamed } from './shards.ts'

/** Readers tell what they find in their answer; the log of a daemon is not theirs. */
export const silentTelemetry: Telemetry = {
  log: { error: () => {}, warn: () => {}, info: () => {} },
  metrics: { count: () => {}, gauge: () => {}, observe: () => {} },
}

export interface Lakeside {
  readonly config: ResolvedConfig
  readonly lake: Lake
  readonly clock: Clock
}

export interface Reading extends Lakeside {
  /** Folded to its tail; nothing can be put. */
  readonly log: CommitLog
}

/**
 * Configuration and lake of `-c FILE`; of one shard where the log has several.
 * @param topic that the command is about, if it is about one.
 */
export async function openLakeside(invocation: Invocation, topic?: string): Promise<Lakeside> {
  const whole = await loadConfig(textOption(invocation, 'config'), invocation.files)
  const config = shardAsked(invocation, whole, topic)
  const lake = await openLake(config, invocation.files, silentTelemetry)
  return { config, lake, clock: new SystemClock() }
}

/**
 * The same with the log.
 *
 * @throws {Fault} `LAKE_UNAVAILABLE`, or a `LOG_…` fault: an entry cannot be read.
 */
export async function openReading(invocation: Invocation, topic?: string): Promise<Reading> {
  const lakeside = await openLakeside(invocation, topic)
  const { lake, clock, config } = lakeside
  const random = new SystemRandom()
  const { pipeline } = config
  const telemetry = silentTelemetry
  const options = { lake, pipeline, clock, random, telemetry, readOnly: true }
  return { ...lakeside, log: await openCommitLog(options) }
}

/**
 * Log options of a command that changes the log.
 *
 * A signal ends waiting for a lake that does not answer; what was put then may stand or not, and
 * the command can be given again.
 */
export function writingOptions(invocation: Invocation, lakeside: Lakeside): CommitLogOptions {
  const { lake, clock, config } = lakeside
  const { pipeline } = config
  const random = new SystemRandom()
  const signal = invocation.stopSignal()
  return { lake, pipeline, clock, random, telemetry: silentTelemetry, signal }
}

/**
 * The state with the partition that is asked about, also if it was closed.
 *
 * @throws {Fault} `LAKE_…`; `LOG_LIST_UNREADABLE`.
 */
export const stateAbout = (
  { lake, config, log }: Reading,
  asked: AskedPartition,
): Promise<FoldState> => withClosedBack({ lake, pipeline: config.pipeline }, log.state, asked)

/** The state of the log; an empty one where the log cannot be read, which is for checks to tell. */
export async function stateIfReadable(invocation: Invocation): Promise<FoldState> {
  try {
    return (await openReading(invocation)).log.state
  } catch (error) {
    const isBroken =
      isFault(error, 'LOG_ENTRY_UNREADABLE') ||
      isFault(error, 'LOG_FORMAT_TOO_NEW') ||
      isFault(error, 'LOG_CHECKPOINT_UNREADABLE')
    if (isBroken) return emptyFold()
    throw error
  }
}

export type KafkaOutcome<T> =
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'silent'; readonly why: string }

export interface AskedLakeside extends Pick<Lakeside, 'config' | 'clock'> {
  /** Asked for by name beside what is configured: a pattern does not tell what is missing. */
  readonly alsoTopics?: readonly string[]
}

/** Asks the brokers once, within a bound, without joining the group. */
export async function askBrokers<T>(
  invocation: Pick<Invocation, 'files'>,
  { config, clock, alsoTopics = [] }: AskedLakeside,
  timeoutMs: number,
  ask: (source: Source) => Promise<T>,
): Promise<KafkaOutcome<T>> {
  const secrets = await readSecrets(ownSecretsOf(config), invocation.files)
  const worker = { workerIndex: 0, workerCount: 1 }
  const options = sourceOptions({ config, worker }, secrets)
  const topics = [...options.topics, ...alsoTopics]
  const source = openKafkaSource({ ...options, topics }, clock, silentTelemetry)
  try {
    const work = { what: 'asking the brokers', timeoutMs }
    return { kind: 'answered', answer: await withDeadline(clock, ask(source), work) }
  } catch (error) {
    if (error instanceof Fault || (error instanceof Error && error.name === 'Overdue')) {
      return { kind: 'silent', why: error.message }
    }
    throw error
  } finally {
    await source.close()
  }
}

/** Secrets of targets that announcements go to are the daemon's alone. */
export const ownSecretsOf = (config: ResolvedConfig): ResolvedConfig => ({
  ...config,
  ready: { ...config.ready, notify: [] },
})

/** The arguments of commands about one partition. */
export const partitionArguments = [
  { name: 'stream', description: 'its name in the configuration', required: true },
  { name: 'partition', description: '2026-11-20T13, or dt=2026-11-20/hour=13', required: true },
] as const

/** The argument STREAM, which the command requires. */
export const streamArgument = (invocation: Invocation, config: ResolvedConfig): ResolvedStream =>
  streamNamed(invocation, config, present(invocation.arguments[0], 'STREAM is required'))

/** The argument PARTITION after STREAM, in any form that people write. */
export function partitionArgument(invocation: Invocation, stream: ResolvedStream): LakePartition {
  const text = present(invocation.arguments[1], 'PARTITION is required')
  return partitionNamed(invocation, stream, text)
}

function partitionNamed(
  invocation: Pick<Invocation, 'command'>,
  stream: ResolvedStream,
  text: string,
): LakePartition {
  const parsed = parsePartition(text, stream.scheme)
  if (parsed.kind === 'parsed') return parsed.partition
  throw refusal(invocation, `partition "${text}" is refused: ${parsed.because}`)
}
