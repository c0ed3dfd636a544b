import { present } from '../../base/assert.ts'
import { openCommitLog } from '../../committer/commit-log.ts'
import { forgetCommit, planForgetCommit } from '../../committer/forget-commit.ts'
import type { JudgedStaging } from '../../committer/janitor.ts'
import { type CommitId, parseCommitId } from '../../model/ids.ts'
import {
  type CommandDefinition,
  type ExitCode,
  exitCode,
  type Invocation,
  refusal,
} from '../command.ts'
import { openReading, writingOptions } from '../reading.ts'
import { answerRefused, janitorOptions, repairOf, repairOptions } from '../repairing.ts'

/** `lakeward log forget`: gives up a commit that was staged and never decided. */
export const command: CommandDefinition = {
  arguments: [
    { name: 'commit', description: 'its id, as "gc --dry-run" tells it', required: true },
  ],
  options: repairOptions,
  example: 'lakeward log forget 9f3ac1d2b0e4a6779f3ac1d2b0e4a677-41 --why "its topic is gone"',
  run: async (invocation) => {
    const commitId = commitArgument(invocation)
    const { isDryRun, why } = repairOf(invocation)
    const reading = await openReading(invocation)
    const plan = await planForgetCommit(janitorOptions(reading, reading.log), commitId)
    if (plan.kind === 'refuse') return answerRefused(invocation, plan.because)
    const { staged } = plan
    if (isDryRun) return answer(invocation, staged, undefined)
    const writing = await openCommitLog(writingOptions(invocation, reading))
    const outcome = await forgetCommit(writing, commitId, why)
    if (outcome.kind !== 'decided') return answerRefused(invocation, outcome.because)
    return answer(invocation, staged, outcome.entry)
  },
}

function commitArgument(invocation: Invocation): CommitId {
  const given = present(invocation.arguments[0], 'COMMIT is required')
  if (/^[0-9a-f]{32}-\d{1,15}$/.test(given)) return parseCommitId(given)
  throw refusal(invocation, `"${given}" is not a commit: 32 hex digits, a dash and a number`)
}

/** @param entry that says so; undefined in a dry run. */
function answer(
  { output }: Invocation,
  staged: readonly JudgedStaging[],
  entry: number | undefined,
): ExitCode {
  const outcome = entry === undefined ? 'dry-run' : 'forgotten'
  const journals = staged.map(({ journalPath }) => journalPath)
  const objects = staged.flatMap((one) => one.objects)
  const done = entry === undefined ? 'would be given up' : `is given up by entry ${entry}`
  output.answer({ outcome, entry, journals, objects }, [
    ...journals.map((path) => `${path} ${done}`),
    'the next "lakeward gc", or a daemon, removes it',
  ])
  return exitCode.done
}
