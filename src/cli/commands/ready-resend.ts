import { durationMs } from '../../base/time.ts'
import { readSecrets } from '../../daemon/config/secrets.ts'
import { notifiersOf } from '../../daemon/start.ts'
import type { Notifier } from '../../ports/notifier.ts'
import { findAnnouncement } from '../announced.ts'
import {
  type CommandDefinition,
  configOption,
  exitCode,
  type Invocation,
  optionalText,
  refusal,
} from '../command.ts'
import {
  openReading,
  partitionArgument,
  partitionArguments,
  stateAbout,
  streamArgument,
} from '../reading.ts'
import { deliverOnce } from '../resending.ts'

const attemptMsMax = 10_000

/**
 * `lakeward ready resend`: delivers the announcement in force once more, now, whatever the log says
 * of it. The log is not changed: what waits there goes on waiting for the daemon.
 */
export const command: CommandDefinition = {
  arguments: partitionArguments,
  options: [
    configOption,
    { flags: '--target <name>', description: 'this target only, as `check` names it' },
  ],
  example: 'lakeward ready resend app_events 2026-11-20T13 --target success-file',
  run: async (invocation) => {
    const reading = await openReading(invocation)
    const { config, lake, clock } = reading
    const { output, files } = invocation
    const secrets = await readSecrets(config, files)
    const worker = { workerIndex: 0, workerCount: 1 }
    const all = await notifiersOf({ config, worker, files }, secrets, { lake, clock })
    const notifiers = chosenOf(invocation, all)
    const stream = streamArgument(invocation, config)
    const asked = { stream: stream.name, partition: partitionArgument(invocation, stream) }
    const state = await stateAbout(reading, asked)
    const found = await findAnnouncement(invocation, reading, state, asked)
    if (found.kind === 'absent') {
      output.answer({ announced: false, why: found.why }, [found.why])
      return exitCode.failed
    }
    const { manifest } = found
    // The longest that a deliverer may take after it read the log.
    const attemptMs = durationMs(Math.min(attemptMsMax, config.ready.deliver.deadline / 2))
    const sent = await Promise.all(notifiers.map((at) => deliverOnce(at, manifest, attemptMs)))
    const lines = sent.map(({ target, error }) => `${target}  ${error ?? 'delivered'}`)
    output.answer({ id: manifest.id, deliveries: sent }, lines)
    return sent.every(({ error }) => error === undefined) ? exitCode.done : exitCode.unreachable
  },
}

function chosenOf(invocation: Invocation, all: readonly Notifier[]): readonly Notifier[] {
  const names = all.map(({ target }) => target)
  const wanted = optionalText(invocation, 'target')
  if (all.length === 0) throw refusal(invocation, 'ready.notify names no target')
  if (wanted === undefined) return all
  const chosen = all.filter(({ target }) => target === wanted)
  if (chosen.length > 0) return chosen
  throw refusal(invocation, `--target "${wanted}" is none; accepted: ${names.join(', ')}`)
}
