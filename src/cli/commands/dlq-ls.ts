import { groupLetters, type LetterGroup, readLetterTable } from '../../audit/dead-letters.ts'
import { isoOf } from '../../base/time.ts'
import { unknownStream } from '../../model/counts.ts'
import {
  type CommandDefinition,
  configOption,
  type ExitCode,
  exitCode,
  type Invocation,
  shardOption,
} from '../command.ts'
import { alignedRows, type Paint } from '../output.ts'
import { openReading } from '../reading.ts'
import { inEachShard, streamNamed } from '../shards.ts'

/** `lakeward dlq ls`: dead letters by stream, reason and fingerprint. */
export const command: CommandDefinition = {
  arguments: [{ name: 'stream', description: `only this stream, or ${unknownStream}` }],
  options: [configOption, shardOption],
  example: 'lakeward dlq ls app_events',
  run: (invocation) => inEachShard(invocation, listGroups),
}

async function listGroups(invocation: Invocation): Promise<ExitCode> {
  const { config, lake, log } = await openReading(invocation)
  const [stream] = invocation.arguments
  if (stream !== undefined && stream !== unknownStream) streamNamed(invocation, config, stream)
  const { pipeline } = config
  const table = await readLetterTable({ lake, pipeline }, log.state)
  const groups = await groupLetters(lake, table, stream)
  const { output } = invocation
  output.answer({ groups: groups.map(shownOf) }, listLines(groups, output.paint))
  return exitCode.done
}

const shownOf = ({ firstSeenMs, lastSeenMs, ...group }: LetterGroup) => ({
  ...group,
  firstSeen: isoOf(firstSeenMs),
  lastSeen: isoOf(lastSeenMs),
})

function listLines(groups: readonly LetterGroup[], paint: Paint): readonly string[] {
  if (groups.length === 0) return ['there are no dead letters']
  const rows = groups.map((group) => {
    const { stream, reason, fingerprint, count, replayed, error } = group
    const { firstSeen, lastSeen } = shownOf(group)
    const counts = [String(count), String(replayed)]
    return [...counts, stream, reason, fingerprint, firstSeen, lastSeen, error]
  })
  const counts = ['count', 'replayed']
  const head = [...counts, 'stream', 'reason', 'fingerprint', 'first seen', 'last seen', 'error']
  const [first = '', ...rest] = alignedRows([head, ...rows])
  return [paint.dim(first), ...rest]
}
