import { verifyManifest } from '../../audit/verify-manifest.ts'
import { lakeLane } from '../../daemon/pipeline.ts'
import { findAnnouncement, revisionOption } from '../announced.ts'
import { answerChecks } from '../check-answer.ts'
import { type CommandDefinition, configOption, exitCode, flagOption } from '../command.ts'
import { askPositions } from '../kafka-positions.ts'
import {
  openReading,
  partitionArgument,
  partitionArguments,
  stateAbout,
  streamArgument,
} from '../reading.ts'

/** `lakeward ready verify`: proves a manifest against files, counts, log and brokers. */
export const command: CommandDefinition = {
  arguments: partitionArguments,
  options: [
    configOption,
    revisionOption,
    { flags: '--allow-unchecked', description: 'exit 0 although a check could not be made' },
  ],
  example: 'lakeward ready verify app_events 2026-11-20T13',
  run: async (invocation) => {
    const reading = await openReading(invocation)
    const { config, lake } = reading
    const stream = streamArgument(invocation, config)
    const asked = { stream: stream.name, partition: partitionArgument(invocation, stream) }
    const found = await findAnnouncement(
      invocation,
      reading,
      await stateAbout(reading, asked),
      asked,
    )
    if (found.kind === 'absent') {
      invocation.output.answer({ verdict: 'failed', why: found.why, checks: [] }, [found.why])
      return exitCode.failed
    }
    const { manifest, folded } = found
    const checks = await verifyManifest({
      lake,
      pipeline: config.pipeline,
      lane: lakeLane,
      manifest,
      folded,
      askKafka: () => askPositions(invocation, reading),
    })
    return answerChecks(invocation, checks, flagOption(invocation, 'allowUnchecked'))
  },
}
