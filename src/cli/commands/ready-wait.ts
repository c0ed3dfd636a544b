import { type DurationMs, isoOf } from '../../base/time.ts'
import { formatDuration } from '../../base/units.ts'
import type { AskedPartition } from '../../committer/closed-lists.ts'
import { partitionName } from '../../protocol/calendar-text.ts'
import { revisionOption } from '../announced.ts'
import {
  type CommandDefinition,
  configOption,
  countOption,
  durationOption,
  exitCode,
  refusal,
} from '../command.ts'
import {
  openReading,
  partitionArgument,
  partitionArguments,
  type Reading,
  stateAbout,
  streamArgument,
} from '../reading.ts'
import { type WaitOutcome, waitAnnounced } from '../wait-announced.ts'

/** `lakeward ready wait`: for schedulers that start a job when a partition is complete. */
export const command: CommandDefinition = {
  arguments: partitionArguments,
  options: [
    configOption,
    { flags: '--timeout <span>', description: 'gives up after this long, with exit code 1; 2h' },
    { ...revisionOption, description: 'this revision or a newer one; any when left out' },
  ],
  example: 'lakeward ready wait app_events 2026-11-20T13 --timeout 2h',
  run: async (invocation) => {
    const timeoutMs = durationOption(invocation, 'timeout')
    const revision = countOption(invocation, 'revision') ?? 1
    if (revision === 0) throw refusal(invocation, '--revision 0: revisions begin with 1')
    const reading = await openReading(invocation)
    const { config, clock } = reading
    const resolved = streamArgument(invocation, config)
    const stream = resolved.name
    const partition = partitionArgument(invocation, resolved)
    const { output } = invocation
    const onTrouble = ({ message }: Error): void => output.progress(`${message}; asking again`)
    const signal = invocation.stopSignal()
    const asked = { stream, partition }
    const parts = { log: reading.log, clock, timeoutMs, signal, onTrouble }
    const waited = await waitAnnounced(parts, asked, revision)
    const outcome = waited.kind === 'closed' ? await closedAt(reading, asked, revision) : waited
    const name = `"${stream}" ${partitionName(partition)}`
    if (outcome.kind === 'announced') {
      const { manifest } = outcome
      const rows = `${manifest.rows} rows, ${manifest.reason}`
      output.answer(manifest, [`${name} is ready: revision ${manifest.revision}, ${rows}`])
      return exitCode.done
    }
    const why = `${name} ${whyNot(outcome, timeoutMs)}`
    output.answer({ announced: false, why }, [why])
    return exitCode.failed
  },
}

type Unannounced =
  | Exclude<WaitOutcome, { readonly kind: 'announced' | 'closed' }>
  | { readonly kind: 'closed'; readonly newest: number | undefined; readonly wanted: number }

/** A closed partition is found by its list; it gets no further revision. */
async function closedAt(
  reading: Reading,
  asked: AskedPartition,
  wanted: number,
): Promise<Unannounced | Extract<WaitOutcome, { readonly kind: 'announced' }>> {
  const { streams } = await stateAbout(reading, asked)
  const manifest = streams.get(asked.stream)?.partitions.get(asked.partition.path)?.manifest
  if (manifest !== undefined && manifest.revision >= wanted) return { kind: 'announced', manifest }
  return { kind: 'closed', newest: manifest?.revision, wanted }
}

function whyNot(outcome: Unannounced, timeoutMs: DurationMs | undefined): string {
  if (outcome.kind === 'stopped') return 'is not announced; a signal ended the waiting'
  if (outcome.kind === 'closed') {
    const { newest, wanted } = outcome
    if (newest === undefined) return 'is not announced, and later ones are closed: it never will be'
    return `is closed at revision ${newest}: there will be no revision ${wanted}`
  }
  if (outcome.kind === 'skipped') {
    const { firstMs, nextMs, entry } = outcome.skip
    const gap = `a gap without rows from ${isoOf(firstMs)} up to ${isoOf(nextMs)}`
    return `is not announced: it lies in ${gap}, told as one range by log entry ${entry}`
  }
  const span = timeoutMs === undefined ? '' : ` after ${formatDuration(timeoutMs)}`
  return `is not announced${span}; lakeward why tells what it waits for`
}
