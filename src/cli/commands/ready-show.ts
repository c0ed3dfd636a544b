import { findAnnouncement, revisionOption } from '../announced.ts'
import { type CommandDefinition, configOption, exitCode } from '../command.ts'
import { openReading, partitionArgument, streamArgument } from '../reading.ts'

/** `lakeward ready show`: the manifest of an announced partition, as the log has it. */
export const command: CommandDefinition = {
  arguments: [
    { name: 'stream', description: 'its name in the configuration', required: true },
    { name: 'partition', description: '2026-11-20T13, or dt=2026-11-20/hour=13', required: true },
  ],
  options: [configOption, revisionOption],
  example: 'lakeward ready show app_events 2026-11-20T13',
  run: async (invocation) => {
    const { config, log } = await openReading(invocation)
    const stream = streamArgument(invocation, config)
    const partition = partitionArgument(invocation, stream)
    const found = findAnnouncement(invocation, log.state, { stream: stream.name, partition })
    if (found.kind === 'announced') {
      const { manifest } = found
      invocation.output.answer(manifest, [JSON.stringify(manifest, undefined, 2)])
      return exitCode.done
    }
    invocation.output.answer({ announced: false, why: found.why }, [found.why])
    return exitCode.failed
  },
}
