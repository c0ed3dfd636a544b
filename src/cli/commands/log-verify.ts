import { tablesOf } from '../../audit/tables.ts'
import { type LogVerdict, verifyLog } from '../../audit/verify-log.ts'
import { deadLetterTableName } from '../../model/log-shard.ts'
import { checkLines, verdictOf } from '../check-answer.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  type Invocation,
  shardOption,
} from '../command.ts'
import { openLakeside, stateIfReadable } from '../reading.ts'
import { inEachShard } from '../shards.ts'

/** `lakeward log verify`: the commit log against itself and the lake. */
export const command: CommandDefinition = {
  options: [configOption, shardOption],
  example: 'lakeward log verify',
  run: (invocation) => inEachShard(invocation, verifyEntries),
}

async function verifyEntries(invocation: Invocation): Promise<ExitCode> {
  const { config, lake } = await openLakeside(invocation)
  const { pipeline, streams } = config
  const tables = tablesOf(await stateIfReadable(invocation), [
    ...streams.map(({ table }) => table),
    deadLetterTableName(pipeline),
  ])
  const verdict = await verifyLog({ lake, pipeline, tables })
  const { checks, voids, discards } = verdict
  const { output } = invocation
  const lines = [...checkLines(checks, output.paint), ...listLines(verdict)]
  output.answer({ verdict: verdictOf(checks), checks, voids, discards }, lines)
  return verdictOf(checks) === 'ok' ? exitCode.done : exitCode.failed
}

const listLines = ({ voids, discards }: LogVerdict): readonly string[] => [
  ...voids.map(({ entry, because }) => `void       entry ${entry}: ${because}`),
  ...discards.map(({ entry, commitId, because }) => {
    return `discarded  ${commitId}: ${because} (told by entry ${entry})`
  }),
]
