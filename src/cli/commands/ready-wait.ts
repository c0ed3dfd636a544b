import { formatDuration } from '../../base/units.ts'
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
  stateAbout,
  streamArgument,
} from '../reading.ts'
import { waitAnnounced } from '../wait-announced.ts'

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
    const state = await stateAbout(reading, { stream, partition })
    // A closed partition gets no further revision.
    const isOpen = state === reading.log.state
    const log = isOpen ? reading.log : { state, refresh: () => reading.log.refresh() }
    const parts = { log, clock, timeoutMs, signal, onTrouble }
    const outcome = await waitAnnounced(parts, { stream, partition }, revision)
    const name = `"${stream}" ${partitionName(partition)}`
    if (outcome.kind === 'announced') {
      const { manifest } = outcome
      const rows = `${manifest.rows} rows, ${manifest.reason}`
      output.answer(manifest, [`${name} is ready: revision ${manifest.revision}, ${rows}`])
      return exitCode.done
    }
    const span = timeoutMs === undefined ? '' : ` after ${formatDuration(timeoutMs)}`
    const why =
      outcome.kind === 'stopped'
        ? `${name} is not announced; a signal ended the waiting`
        : `${name} is not announced${span}; lakeward why tells what it waits for`
    output.answer({ announced: false, why }, [why])
    return exitCode.failed
  },
}
