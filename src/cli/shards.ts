/** Which shard of a pipeline's log a command is about, or each of them in turn. */
import { loadConfig } from '../daemon/config/load.ts'
import type { ResolvedConfig, ResolvedStream } from '../daemon/config/resolved-config.ts'
import { hasShards, shardConfigs } from '../daemon/config/shard-configs.ts'
import { selectorsOf } from '../daemon/stage-streams.ts'
import { unknownStream } from '../model/counts.ts'
import { selectsTopic } from '../model/topic-selection.ts'
import {
  type ExitCode,
  exitCode,
  type Invocation,
  optionalText,
  refusal,
  textOption,
} from './command.ts'

/** The configured stream of this name, or a refusal that names those there are. */
export function streamNamed(
  invocation: Pick<Invocation, 'command'>,
  config: ResolvedConfig,
  name: string,
): ResolvedStream {
  const stream = config.streams.find((at) => at.name === name)
  if (stream !== undefined) return stream
  const known = config.streams.map((at) => at.name).join(', ')
  throw refusal(invocation, `stream "${name}" is not configured; known: ${known}`)
}

/**
 * The configuration of the shard that is asked about: by `--shard`, by the stream, by the topic.
 *
 * @throws {Fault} COMMAND_REFUSED: nothing says which, or there is none of that name.
 */
export function shardAsked(
  invocation: Invocation,
  whole: ResolvedConfig,
  topic?: string,
): ResolvedConfig {
  const named = shardByName(invocation, whole)
  if (named !== undefined) return named
  if (!hasShards(whole)) return whole
  const { stream } = invocation
  if (stream !== undefined) streamNamed(invocation, whole, stream)
  const asked = shardConfigs(whole).find(
    (config) =>
      (stream !== undefined && config.streams.some(({ name }) => name === stream)) ||
      (topic !== undefined && selectsTopic(selectorsOf(config), topic)),
  )
  if (asked !== undefined) return asked
  if (topic !== undefined) {
    const topics = selectorsOf(whole).join(', ')
    throw refusal(invocation, `"${topic}" is no topic of a stream; known: ${topics}`)
  }
  const known = shardConfigs(whole).flatMap(({ shard }) => shard?.name ?? [])
  throw refusal(invocation, `--shard is missing; the log has the shards ${known.join(', ')}`)
}

/** That of `--shard`; undefined without it. */
export function shardByName(
  invocation: Invocation,
  whole: ResolvedConfig,
): ResolvedConfig | undefined {
  const wanted = optionalText(invocation, 'shard')
  if (wanted === undefined) return undefined
  if (!hasShards(whole))
    throw refusal(invocation, '--shard goes with log.shards, which is not given')
  const configs = shardConfigs(whole)
  const config = configs.find(({ shard }) => shard?.name === wanted)
  if (config !== undefined) return config
  const known = configs.flatMap(({ shard }) => shard?.name ?? [])
  throw refusal(invocation, `--shard "${wanted}" is none; accepted: ${known.join(', ')}`)
}

/** Those that something is read in, or the first one: a shard without topics has no workers. */
export function busyShards(whole: ResolvedConfig): readonly ResolvedConfig[] {
  const all = shardConfigs(whole)
  const busy = all.filter(({ streams }) => streams.length > 0)
  return busy.length > 0 ? busy : all.slice(0, 1)
}

/**
 * Runs a command in each shard of the log, where nothing says in which one. Answers of several are
 * one: `{"shards":[{"shard":"first","answer":{…}},…]}`, or lines with a title each.
 *
 * @returns the gravest of their exit codes.
 */
export async function inEachShard(
  invocation: Invocation,
  run: (invocation: Invocation) => Promise<ExitCode>,
): Promise<ExitCode> {
  const whole = await loadConfig(textOption(invocation, 'config'), invocation.files)
  const { output, options, stream } = invocation
  const isOne = optionalText(invocation, 'shard') !== undefined
  const isOfOne = stream !== undefined && stream !== unknownStream
  if (!hasShards(whole) || isOne || isOfOne) return run(invocation)
  const answers: { readonly shard: string; readonly answer: unknown }[] = []
  const lines: string[] = []
  let gravest: ExitCode = exitCode.done
  for (const { shard } of busyShards(whole)) {
    const name = shard?.name ?? ''
    const answer = (value: unknown, told: readonly string[]): void => {
      answers.push({ shard: name, answer: value })
      lines.push(...(lines.length === 0 ? [] : ['']), output.paint.bold(`shard ${name}`), ...told)
    }
    const exit = await run({
      ...invocation,
      options: { ...options, shard: name },
      output: { ...output, answer },
    })
    if (exit > gravest) gravest = exit
  }
  output.answer({ shards: answers }, lines)
  return gravest
}
