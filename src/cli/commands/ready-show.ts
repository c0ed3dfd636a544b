import { findAnnouncement, revisionOption } from '../announced.ts'
import { type CommandDefinition, configOption, exitCode } from '../command.ts'
import {
  openReading,
  partitionArgument,
  partitionArguments,
  stateAbout,
  streamArgument,
} from '../reading.ts'

/** `lakeward ready show`: the manifest of an announced partition, as the log has it. */
export const command: CommandDefinition = {
  arguments: partitionArguments,
  options: [configOption, revisionOption],
  example: 'lakeward ready show app_events 2026-11-20T13',
  run: async (invocation) => {
    const reading = await openReading(invocation)
    const stream = streamArgument(invocation, reading.config)
    const asked = { stream: stream.name, partition: partitionArgument(invocation, stream) }
    const found = await findAnnouncement(
      invocation,
      reading,
      await stateAbout(reading, asked),
      asked,
    )
    if (found.kind === 'announced') {
      const { manifest } = found
      invocation.output.answer(manifest, [JSON.stringify(manifest, undefined, 2)])
      return exitCode.done
    }
    invocation.output.answer({ announced: false, why: found.why }, [found.why])
    return exitCode.failed
  },
}
