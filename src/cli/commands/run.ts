import { jsonLogger } from '../../adapters/telemetry/json-logger.ts'
import { loadConfig } from '../../daemon/config/load.ts'
import { serveDaemon } from '../../daemon/serve.ts'
import {
  type CommandDefinition,
  configOption,
  countOption,
  exitCode,
  type Invocation,
  refusal,
  textOption,
} from '../command.ts'

/** `lakeward run`: the daemon of one business unit, until SIGTERM or SIGINT drains it. */
export const command: CommandDefinition = {
  options: [
    configOption,
    { flags: '--worker-index <n>', description: 'static assignment: this worker, from 0' },
    { flags: '--worker-count <n>', description: 'static assignment: how many workers there are' },
  ],
  example: 'lakeward run -c config/lakeward.yaml',
  run: async (invocation) => {
    const config = await loadConfig(textOption(invocation, 'config'), invocation.files)
    const worker = workerOf(invocation, config.kafka.assignment)
    const { files } = invocation
    const served = await serveDaemon({ config, files, log: jsonLogger('info'), worker })
    const { daemon } = served
    const stopSignal = invocation.stopSignal()
    const stopped = new Promise<void>((resolve) => {
      stopSignal.addEventListener('abort', () => resolve(), { once: true })
    })
    try {
      await Promise.race([daemon.start(), stopped, daemon.failed])
      await Promise.race([stopped, daemon.failed])
      await Promise.race([served.stop(), daemon.failed])
    } finally {
      // Also of a daemon that failed: what it has open would keep the process alive for ever.
      await served.stop()
    }
    return exitCode.done
  },
}

/** Both flags with a static assignment, none without. */
function workerOf(
  invocation: Invocation,
  assignment: 'group' | 'static',
): { workerIndex: number; workerCount: number } {
  const workerIndex = countOption(invocation, 'workerIndex')
  const workerCount = countOption(invocation, 'workerCount')
  if (assignment === 'group') {
    if (workerIndex === undefined && workerCount === undefined) {
      return { workerIndex: 0, workerCount: 1 }
    }
    throw refusal(invocation, '--worker-index and --worker-count go with kafka.assignment: static')
  }
  if (workerIndex === undefined || workerCount === undefined || workerIndex >= workerCount) {
    const given = `${workerIndex ?? 'none'} of ${workerCount ?? 'none'}`
    const reason = `kafka.assignment is static and needs --worker-index below --worker-count`
    throw refusal(invocation, `${reason}; given: ${given}`)
  }
  return { workerIndex, workerCount }
}
