import { counted } from '../../audit/check.ts'
import { isoOf } from '../../base/time.ts'
import type { FoldState } from '../../model/fold-state.ts'
import type { ReadyManifest } from '../../model/ready-manifest.ts'
import { partitionName } from '../../protocol/calendar-text.ts'
import { type CommandDefinition, configOption, exitCode } from '../command.ts'
import { alignedRows, type Paint } from '../output.ts'
import { openReading, streamArgument } from '../reading.ts'

/** `lakeward ready ls`: the announced partitions of a stream, and who has not heard of them. */
export const command: CommandDefinition = {
  arguments: [{ name: 'stream', description: 'its name in the configuration', required: true }],
  options: [configOption],
  example: 'lakeward ready ls app_events',
  run: async (invocation) => {
    const { config, log } = await openReading(invocation)
    const stream = streamArgument(invocation, config)
    const announced = announcedOf(log.state, stream.name)
    const { output } = invocation
    const closed = log.state.streams.get(stream.name)?.closed
    const upTo = closed && isoOf(closed.nextMs)
    const older = closed && { partitions: closed.partitionCount, upTo }
    const lines = older === undefined ? [] : [`${older.partitions} closed up to ${upTo}`]
    const answer = { stream: stream.name, closed: older, announced }
    output.answer(answer, [...lines, ...listLines(announced, output.paint)])
    return exitCode.done
  },
}

interface Announced
  extends Pick<ReadyManifest, 'revision' | 'reason' | 'rows' | 'logEntry' | 'skipped'> {
  readonly partition: string
  readonly partitionPath: string
  readonly fileCount: number
  readonly decidedAt: string
  /** Targets that it is not known to have reached; `_SUCCESS` is, a while after it stands. */
  readonly undelivered: readonly string[]
}

/** By event time. */
function announcedOf({ streams, undelivered }: FoldState, stream: string): readonly Announced[] {
  const waiting = new Map(undelivered.map(({ manifest, targets }) => [manifest.id, targets]))
  const partitions = [...(streams.get(stream)?.partitions.values() ?? [])]
  return partitions
    .sort((a, b) => a.partition.startMs - b.partition.startMs)
    .flatMap(({ partition, manifest }) => {
      if (manifest === undefined) return []
      const { revision, reason, rows, logEntry, files, decidedAt, id, skipped } = manifest
      const place = { partition: partitionName(partition), partitionPath: partition.path }
      const facts = { revision, reason, rows, fileCount: files.length, logEntry, decidedAt }
      const gap = skipped === undefined ? {} : { skipped }
      return [{ ...place, ...facts, ...gap, undelivered: waiting.get(id) ?? [] }]
    })
}

const unconfirmed = (targets: readonly string[], paint: Paint): string =>
  targets.length === 0 ? '' : paint.yellow(`not confirmed yet: ${targets.join(', ')}`)

/** The gap before it, which has no line of its own. */
const skippedText = ({ skipped }: Pick<ReadyManifest, 'skipped'>, paint: Paint): string =>
  skipped === undefined ? '' : paint.yellow(`skips ${skipped.first} up to ${skipped.next}`)

function listLines(announced: readonly Announced[], paint: Paint): readonly string[] {
  if (announced.length === 0) return ['nothing is announced yet']
  const rows = announced.map(({ partition, revision, reason, rows: count, ...at }) => [
    partition,
    `revision ${revision}`,
    reason,
    counted(count, 'row'),
    counted(at.fileCount, 'file'),
    at.decidedAt,
    [skippedText(at, paint), unconfirmed(at.undelivered, paint)].filter(Boolean).join('; '),
  ])
  return alignedRows(rows)
}
