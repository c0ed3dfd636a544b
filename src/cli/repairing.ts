/** What the commands share that repair a log. */

import { tablesOf } from '../audit/tables.ts'
import { type JanitorOptions, type JudgedStaging, judgeStaging } from '../committer/janitor.ts'
import { deadLetterTableName } from '../model/log-shard.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import {
  type CommandOption,
  configOption,
  type ExitCode,
  exitCode,
  flagOption,
  type Invocation,
  optionalText,
  refusal,
  shardOption,
} from './command.ts'
import type { Lakeside } from './reading.ts'

export const whyOption: CommandOption = {
  flags: '--why <text>',
  description: 'the reason, which is written into the log',
}

export const dryRunOption: CommandOption = {
  flags: '--dry-run',
  description: 'tells what would be done, and does nothing',
}

/** @throws {Fault} COMMAND_REFUSED: no reason is given. */
export function reasonOf(invocation: Invocation): string {
  const why = optionalText(invocation, 'why')?.trim() ?? ''
  if (why !== '') return why
  throw refusal(invocation, '--why TEXT is missing: the reason is written into the log')
}

/** Of a repair that says why, or only what it would do. */
export const repairOptions: readonly CommandOption[] = [
  configOption,
  shardOption,
  whyOption,
  dryRunOption,
]

/** @throws {Fault} COMMAND_REFUSED: no reason is given, and it is no dry run. */
export function repairOf(invocation: Invocation): {
  readonly isDryRun: boolean
  readonly why: string
} {
  const isDryRun = flagOption(invocation, 'dryRun')
  return { isDryRun, why: isDryRun ? '' : reasonOf(invocation) }
}

/** @param because a sentence without its full stop. */
export function answerRefused({ output }: Invocation, because: string): ExitCode {
  output.answer({ outcome: 'refused', because }, [`refused: ${because}`])
  return exitCode.failed
}

/** Tables of the log and of the configuration. */
export function janitorOptions(
  { lake, config }: Lakeside,
  log: CommitLog,
): Omit<JanitorOptions, 'telemetry'> {
  const { pipeline, streams } = config
  const configured = [...streams.map(({ table }) => table), deadLetterTableName(pipeline)]
  return { lake, log, pipeline, tables: tablesOf(log.state, configured) }
}

/** What is staged, with what the log says of it. */
export const judgedStaging = (
  lakeside: Lakeside,
  log: CommitLog,
): Promise<readonly JudgedStaging[]> => judgeStaging(janitorOptions(lakeside, log))
