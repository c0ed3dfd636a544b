import { counted } from '../../audit/check.ts'
import { cleanStaging, type JudgedFolder } from '../../committer/janitor.ts'
import { type CommandDefinition, configOption, exitCode, flagOption } from '../command.ts'
import { alignedRows } from '../output.ts'
import { openReading, silentTelemetry } from '../reading.ts'
import { dryRunOption, janitorOptions, judgedStaging } from '../repairing.ts'

/** `lakeward gc`: removes what can never be needed again. */
export const command: CommandDefinition = {
  options: [configOption, dryRunOption],
  example: 'lakeward gc --dry-run',
  run: async (invocation) => {
    const reading = await openReading(invocation)
    const isDryRun = flagOption(invocation, 'dryRun')
    const staging = (await judgedStaging(reading, reading.log)).map(listed)
    const options = { ...janitorOptions(reading, reading.log), telemetry: silentTelemetry }
    const removed = isDryRun ? undefined : await cleanStaging(options)
    const { output } = invocation
    const garbage = staging.filter(({ verdict }) => verdict === 'garbage')
    const told = removed
      ? `${counted(removed.removedCommits, 'commit')} removed`
      : `${counted(garbage.length, 'commit')} to remove`
    output.answer({ dryRun: isDryRun, staging, removed }, [
      ...alignedRows(
        staging.map(({ verdict, path, objects }) => [
          words[verdict],
          path,
          `${counted(objects, 'object')}`,
        ]),
      ),
      `staging: ${told}`,
    ])
    return exitCode.done
  },
}

const words: Readonly<Record<JudgedFolder['verdict'], string>> = {
  garbage: 'garbage',
  undecided: 'kept: may still be decided',
  unpublished: 'kept: decided, not published',
  foreign: 'kept: of another pipeline',
  unjudged: 'kept: its journal is unreadable',
}

const listed = ({ commitId, path, verdict, objects }: JudgedFolder) => ({
  commitId,
  path,
  verdict,
  objects: objects.length,
})
