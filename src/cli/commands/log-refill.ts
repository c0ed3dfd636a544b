import { counted } from '../../audit/check.ts'
import { notSupported } from '../../base/config-value.ts'
import { openCommitLog } from '../../committer/commit-log.ts'
import { Committer } from '../../committer/committer.ts'
import { findLost, type GivenUp, giveUpLost, type LostFiles } from '../../committer/give-up-lost.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  flagOption,
  type Invocation,
  refusal,
} from '../command.ts'
import { openLakeside, openReading, writingOptions } from '../reading.ts'
import { dryRunOption, reasonOf, whyOption } from '../repairing.ts'

/** `lakeward log refill --lost`: gives up the rows of files that were decided and are gone. */
export const command: CommandDefinition = {
  options: [
    configOption,
    { flags: '--lost', description: 'gives up rows whose files are gone, with their number' },
    whyOption,
    { ...dryRunOption, description: 'gives up nothing; what is still there is published' },
  ],
  example: 'lakeward log refill --lost --why "the disk is gone" --dry-run',
  run: async (invocation) => {
    if (!flagOption(invocation, 'lost')) {
      const reading = `reading lost ranges again: ${notSupported}`
      throw refusal(invocation, `${reading}; with --lost their rows are given up`)
    }
    const isDryRun = flagOption(invocation, 'dryRun')
    const why = isDryRun ? '' : reasonOf(invocation)
    if (isDryRun) {
      const { lake, log } = await openReading(invocation)
      return answerLost(invocation, await findLost(lake, log))
    }
    const options = writingOptions(invocation, await openLakeside(invocation))
    const log = await openCommitLog(options)
    const losses = await findLost(options.lake, log)
    const committer = new Committer({ ...options, log })
    return answerGivenUp(invocation, await giveUpLost({ committer, log }, losses, why))
  },
}

function answerLost({ output }: Invocation, losses: readonly LostFiles[]): ExitCode {
  const lost = losses.map(shown)
  output.answer({ outcome: 'dry-run', lost }, [
    ...losses.map((loss) => `${textOf(loss)} would be given up`),
    ...(losses.length === 0 ? ['no decided file is gone'] : []),
  ])
  return exitCode.done
}

function answerGivenUp({ output }: Invocation, done: readonly GivenUp[]): ExitCode {
  const lost = done.map(({ lost: loss, ...rest }) => ({ ...shown(loss), ...rest }))
  output.answer({ outcome: 'given-up', lost }, [
    ...done.map((one) =>
      one.kind === 'given-up'
        ? `${textOf(one.lost)} are given up by entry ${one.entry}`
        : `${textOf(one.lost)} are not given up: ${one.because}`,
    ),
    ...(done.length === 0 ? ['no decided file is gone'] : []),
  ])
  return done.every(({ kind }) => kind === 'given-up') ? exitCode.done : exitCode.failed
}

const shown = ({ stream, partitionPath, rowCount, files }: LostFiles) => ({
  stream,
  partitionPath,
  rowCount,
  files: files.map(({ path }) => path),
})

const textOf = ({ stream, partitionPath, rowCount, files }: LostFiles): string =>
  `${stream} ${partitionPath}: ${counted(rowCount, 'row')} of ${counted(files.length, 'file')}`
