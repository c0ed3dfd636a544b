import { counted } from '../audit/check.ts'
import { rowsBrought } from '../model/data-file.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import { lettersIn } from '../model/letter-replay.ts'
import type { Announcement, AppendEntry, LogEntry } from '../model/log-entry.ts'
import type { ForgetEntry } from '../model/repair-entry.ts'
import type { SwapEntry } from '../model/swap-entry.ts'
import { topicPartitionName } from '../model/topic-partition.ts'

/** The gap before a partition, which is told with it. */
const skippedText = ({ skipped }: Announcement['manifest']): string =>
  skipped === undefined ? '' : ` behind a gap from ${skipped.first}`

/** What an entry says, in a few words. */
export function summaryOf(entry: LogEntry): string {
  switch (entry.kind) {
    case 'append':
      return appendSummary(entry)
    case 'ready': {
      const names = entry.announcements.map(
        ({ stream, partition, manifest }) => `${stream} ${partition.path}${skippedText(manifest)}`,
      )
      return shortened(names)
    }
    case 'delivered': {
      const names = entry.deliveries.map(({ stream, partitionPath, target, dropped }) => {
        return `${stream} ${partitionPath} ${dropped ? 'dropped for' : 'to'} ${target}`
      })
      return shortened(names)
    }
    case 'source': {
      const names = entry.moves.map(({ source, expected, next }) => {
        const to = next === undefined ? 'ended' : `to ${next}`
        return `${topicPartitionName(source)} ${expected === undefined ? '' : `${expected} `}${to}`
      })
      return `${entry.action}: ${shortened(names)}: ${entry.why}`
    }
    case 'config':
      return `version ${entry.version}, ${counted(entry.streams.length, 'stream')}`
    case 'void':
      return `entry ${entry.entry}${because(entry.why)}`
    case 'closed-late':
      return shortened(entry.closings.map(({ stream, partition }) => `${stream} ${partition.path}`))
    case 'forget':
      return `${forgottenText(entry)}${because(entry.why)}`
    case 'swap':
      return swapSummary(entry)
  }
}

function forgottenText({ commits, files }: ForgetEntry): string {
  const paths = files.flatMap((at) => at.paths)
  return shortened([...commits, ...paths])
}

function swapSummary({ why, stream, partition, inputs, body, ...entry }: SwapEntry): string {
  const { restored, lostRowCount, reason } = entry
  const outputs = body.files.length + restored.length
  const lost = lostRowCount === 0 ? '' : `, ${counted(lostRowCount, 'row')} lost`
  const files = `${counted(inputs.length, 'file')} for ${outputs}`
  return `${why} ${stream} ${partition.path}: ${files}${lost}${because(reason)}`
}

/** An operator's words. */
const because = (why: string): string => (why === '' ? '' : `: ${why}`)

function appendSummary({ ranges, body, replay }: AppendEntry): string {
  const offsets = ranges.reduce((sum, { first, next }) => sum + (next - first), 0n)
  if (body.files.length === 0 && offsets === 0n && replay === undefined) {
    if (ranges.length > 0) return `start positions of ${counted(ranges.length, 'topic-partition')}`
    return `evidence of ${counted(body.evidence.length, 'topic-partition')}`
  }
  const rows = rowsOf(body.files.filter(({ stream }) => stream !== deadLetterStream))
  const letters = rowsOf(body.files.filter(({ stream }) => stream === deadLetterStream))
  const taken = replay?.letters.reduce((sum, unit) => sum + lettersIn(unit), 0) ?? 0
  const told = [
    replay === undefined
      ? counted(offsets, 'offset')
      : `replay of ${counted(taken, 'late dead letter')}`,
    counted(body.files.length, 'file'),
    counted(rows, 'row'),
    ...(letters === 0 ? [] : [counted(letters, 'dead letter')]),
  ]
  return `${told.join(', ')}${because(replay?.why ?? '')}`
}

const rowsOf = (files: AppendEntry['body']['files']): number =>
  files.reduce((sum, file) => sum + rowsBrought(file), 0)

const namesShownMax = 3

const shortened = (names: readonly string[]): string => {
  const shown = names.slice(0, namesShownMax).join(', ')
  return names.length > namesShownMax ? `${shown} and ${names.length - namesShownMax} more` : shown
}
