import { flushCompileCache } from 'node:module'
import { SystemClock } from '../../adapters/local/system-clock.ts'
import { SupervisedWorkers } from '../../adapters/process/supervised-workers.ts'
import { openSupervisorLink } from '../../adapters/process/supervisor-link.ts'
import { jsonLogger } from '../../adapters/telemetry/json-logger.ts'
import { loadConfig } from '../../daemon/config/load.ts'
import type { ResolvedConfig } from '../../daemon/config/resolved-config.ts'
import { type ServedDaemon, serveDaemon, serveSupervisor } from '../../daemon/serve.ts'
import { Supervisor } from '../../daemon/supervisor.ts'
import {
  type CommandDefinition,
  configOption,
  countOption,
  type ExitCode,
  exitCode,
  flagOption,
  type Invocation,
  refusal,
  textOption,
} from '../command.ts'

const workersMax = 64

/** `lakeward run`: the daemon of one business unit, until SIGTERM or SIGINT drains it. */
export const command: CommandDefinition = {
  options: [
    configOption,
    { flags: '--workers <n>', description: 'that many processes on this host, supervised' },
    { flags: '--worker-index <n>', description: 'static assignment: this worker, from 0' },
    { flags: '--worker-count <n>', description: 'static assignment: how many workers there are' },
    {
      flags: '--drop-pending',
      description: 'gives up what waits for targets that are not configured any more',
    },
  ],
  example: 'lakeward run -c config/lakeward.yaml',
  run: async (invocation) => {
    const config = await loadConfig(textOption(invocation, 'config'), invocation.files)
    const workerCount = workersOf(invocation)
    return workerCount === undefined
      ? await runWorker(invocation, config)
      : await runSupervisor(invocation, config, workerCount)
  },
}

async function runWorker(invocation: Invocation, config: ResolvedConfig): Promise<ExitCode> {
  const { files } = invocation
  const worker = shareOf(invocation, config.kafka.assignment)
  const link = openSupervisorLink()
  const log = jsonLogger('info', { ...(link && { worker: link.index }) })
  const dropsPending = flagOption(invocation, 'dropPending')
  const served = await serveDaemon({ config, files, log, worker, link, dropsPending })
  const stopSignal = link === undefined ? invocation.stopSignal() : anyOf(invocation, link.stop)
  await untilStopped(served, stopSignal)
  return exitCode.done
}

/** A supervised worker ends at a signal of its own too. */
const anyOf = (invocation: Invocation, stop: AbortSignal): AbortSignal =>
  AbortSignal.any([invocation.stopSignal(), stop])

async function untilStopped(served: ServedDaemon, stopSignal: AbortSignal): Promise<void> {
  const { daemon } = served
  try {
    await Promise.race([daemon.start(), aborted(stopSignal), daemon.failed])
    // Not at its end alone: who is killed gets none, and its next start would compile all again.
    flushCompileCache()
    await Promise.race([aborted(stopSignal), daemon.failed])
    await Promise.race([served.stop(), daemon.failed])
  } finally {
    // Also of a daemon that failed: what it has open would keep the process alive for ever.
    await served.stop()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

async function runSupervisor(
  invocation: Invocation,
  config: ResolvedConfig,
  workerCount: number,
): Promise<ExitCode> {
  const { files } = invocation
  const log = jsonLogger('info')
  const isStatic = config.kafka.assignment === 'static'
  const share = (index: number): readonly string[] =>
    isStatic ? ['--worker-index', `${index}`, '--worker-count', `${workerCount}`] : []
  const path = textOption(invocation, 'config')
  const drop = flagOption(invocation, 'dropPending') ? ['--drop-pending'] : []
  const workers = new SupervisedWorkers({
    wordsOf: (index) => ['run', '--config', path, ...share(index), ...drop],
  })
  const supervisor = new Supervisor({ workerCount, workers, clock: new SystemClock(), log })
  const stopSignal = invocation.stopSignal()
  const api = await serveSupervisor(supervisor, { config, files, log })
  supervisor.start()
  await aborted(stopSignal)
  const isWell = await supervisor.stop()
  await api.close()
  return isWell ? exitCode.done : exitCode.failed
}

/** How many processes to supervise; undefined: this one does the work. */
function workersOf(invocation: Invocation): number | undefined {
  const workerCount = countOption(invocation, 'workers')
  if (workerCount === undefined) return undefined
  if (workerCount < 1 || workerCount > workersMax) {
    throw refusal(invocation, `--workers is ${workerCount}; accepted: 1 to ${workersMax}`)
  }
  const other = ['worker-index', 'worker-count'].find(
    (name) =>
      countOption(
        invocation,
        name.replace(/-(.)/, (_, at) => at.toUpperCase()),
      ) !== undefined,
  )
  if (other === undefined) return workerCount
  throw refusal(invocation, `--workers gives each worker its share; --${other} does not go with it`)
}

/** Both flags with a static assignment, none without. */
function shareOf(
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
