import { counted } from '../../audit/check.ts'
import { durationMs } from '../../base/time.ts'
import { collectGarbage } from '../../committer/collect-garbage.ts'
import { openCommitLog } from '../../committer/commit-log.ts'
import type { JudgedStaging } from '../../committer/janitor.ts'
import type { ForgottenFiles } from '../../model/repair-entry.ts'
import { planForget } from '../../protocol/forget-plan.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  flagOption,
  type Invocation,
  shardOption,
} from '../command.ts'
import { alignedRows } from '../output.ts'
import { openReading, type Reading, writingOptions } from '../reading.ts'
import { dryRunOption, janitorOptions, judgedStaging } from '../repairing.ts'
import { inEachShard } from '../shards.ts'

/** How long files that a swap took out stay, for an undo. */
const graceMs = durationMs(7 * 24 * 3_600_000)

/** `lakeward gc`: removes what can never be needed again. */
export const command: CommandDefinition = {
  options: [configOption, shardOption, dryRunOption],
  example: 'lakeward gc --dry-run',
  run: (invocation) => inEachShard(invocation, collectOrTell),
}

async function collectOrTell(invocation: Invocation): Promise<ExitCode> {
  const reading = await openReading(invocation)
  const staging = (await judgedStaging(reading, reading.log)).map(listed)
  if (!flagOption(invocation, 'dryRun')) return collect(invocation, reading, staging)
  const { state } = reading.log
  const replaced = planForget({ state, nowMs: reading.log.lakeNowMs(), graceMs })
  const garbage = staging.filter(({ verdict }) => verdict === 'garbage')
  invocation.output.answer({ dryRun: true, staging, replaced }, [
    ...stagingLines(staging),
    ...replaced.flatMap(({ paths }) => paths.map((path) => `replaced  ${path}`)),
    `staging: ${counted(garbage.length, 'commit')} to remove`,
    `replaced: ${counted(pathsOf(replaced).length, 'file')} to remove`,
  ])
  return exitCode.done
}

async function collect(
  invocation: Invocation,
  reading: Reading,
  staging: readonly ReturnType<typeof listed>[],
): Promise<ExitCode> {
  const { config } = reading
  const writing = writingOptions(invocation, reading)
  const log = await openCommitLog(writing)
  const keepMs = config.log.keep
  const options = { ...writing, ...janitorOptions(reading, log), graceMs, keepMs }
  const { replaced, removed, trimmed } = await collectGarbage(options)
  invocation.output.answer({ dryRun: false, staging, replaced, removed, trimmed }, [
    ...stagingLines(staging),
    `staging: ${counted(removed.removedCommits, 'commit')} removed`,
    `replaced: ${counted(pathsOf(replaced).length, 'file')} removed`,
    `log: ${trimmed.removedEntries} old entries removed`,
  ])
  return exitCode.done
}

const pathsOf = (replaced: readonly ForgottenFiles[]): readonly string[] =>
  replaced.flatMap(({ paths }) => paths)

const words: Readonly<Record<JudgedStaging['verdict'], string>> = {
  garbage: 'garbage',
  undecided: 'kept: may still be decided',
  unpublished: 'kept: decided, not published',
  foreign: 'kept: of another pipeline',
  unjudged: 'kept: its journal is unreadable',
}

const stagingLines = (staging: readonly ReturnType<typeof listed>[]): readonly string[] =>
  alignedRows(
    staging.map(({ verdict, journal, objects }) => [
      words[verdict],
      journal,
      counted(objects, 'object'),
    ]),
  )

const listed = ({ commitId, journalPath, verdict, objects }: JudgedStaging) => ({
  commitId,
  journal: journalPath,
  verdict,
  objects: objects.length,
})
