import { flushCompileCache } from 'node:module'
import { SystemClock } from '../../adapters/local/system-clock.ts'
import { SupervisedWorkers } from '../../adapters/process/supervised-workers.ts'
import { openSupervisorLink } from '../../adapters/process/supervisor-link.ts'
import { jsonLogger } from '../../adapters/telemetry/json-logger.ts'
import { present } from '../../base/assert.ts'
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
  shardOption,
  textOption,
} from '../command.ts'
import { busyShards, shardByName } from '../shards.ts'

const workersMax = 64

/** `lakeward run`: the daemon of one business unit, until SIGTERM or SIGINT drains it. */
export const command: CommandDefinition = {
  options: [
    configOption,
    shardOption,
    { flags: '--workers <n>', description: 'that many processes on this host, of each shard' },
    { flags: '--worker-index <n>', description: 'static assignment: this worker, from 0' },
    { flags: '--worker-count <n>', description: 'static assignment: how many workers there are' },
    {
      flags: '--drop-pending',
      description: 'gives up what waits for targets that are not configured any more',
    },
  ],
  example: 'lakeward run -c config/lakeward.yaml',
  run: async (invocation) => {
    const whole = await loadConfig(textOption(invocation, 'config'), invocation.files)
    const named = shardByName(invocation, whole)
    const shards = named === undefined ? busyShards(whole) : [named]
    const workerCount = workersOf(invocation, shards.length)
    const [only] = shards
    if (workerCount === undefined && only !== undefined && shards.length === 1) {
      return runWorker(invocation, only)
    }
    return runSupervisor(invocation, shards, workerCount ?? 1)
  },
}

async function runWorker(invocation: Invocation, config: ResolvedConfig): Promise<ExitCode> {
  const { files } = invocation
  const worker = shareOf(invocation, config.kafka.assignment)
  const link = openSupervisorLink()
  const shard = config.shard?.name
  const log = jsonLogger('info', {
    ...(link && { worker: link.index }),
    ...(shard !== undefined && { shard }),
  })
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

/** @param workerCount of each shard. */
async function runSupervisor(
  invocation: Invocation,
  shards: readonly ResolvedConfig[],
  workerCount: number,
): Promise<ExitCode> {
  const { files } = invocation
  const log = jsonLogger('info')
  const config = present(shards[0], 'a configuration has a shard with streams')
  const isStatic = config.kafka.assignment === 'static'
  const share = (index: number): readonly string[] =>
    isStatic ? ['--worker-index', `${index % workerCount}`, '--worker-count', `${workerCount}`] : []
  const shardWords = (index: number): readonly string[] => {
    const name = shards[Math.floor(index / workerCount)]?.shard?.name
    return name === undefined ? [] : ['--shard', name]
  }
  const path = textOption(invocation, 'config')
  const drop = flagOption(invocation, 'dropPending') ? ['--drop-pending'] : []
  const workers = new SupervisedWorkers({
    wordsOf: (index) => ['run', '--config', path, ...shardWords(index), ...share(index), ...drop],
  })
  const all = workerCount * shards.length
  const supervisor = new Supervisor({ workerCount: all, workers, clock: new SystemClock(), log })
  const stopSignal = invocation.stopSignal()
  const api = await serveSupervisor(supervisor, { config, files, log, shards })
  supervisor.start()
  await aborted(stopSignal)
  const isWell = await supervisor.stop()
  await api.close()
  return isWell ? exitCode.done : exitCode.failed
}

/** How many processes to supervise for each shard; undefined: nobody said it. */
function workersOf(invocation: Invocation, shardCount: number): number | undefined {
  const workerCount = countOption(invocation, 'workers')
  if (workerCount === undefined && shardCount === 1) return undefined
  const eachMax = Math.floor(workersMax / shardCount)
  if (workerCount !== undefined && (workerCount < 1 || workerCount > eachMax)) {
    const each = shardCount === 1 ? '' : ` for each of ${shardCount} shards`
    throw refusal(invocation, `--workers is ${workerCount}; accepted: 1 to ${eachMax}${each}`)
  }
  if (eachMax < 1) {
    const text = `${shardCount} shards are more than ${workersMax} processes`
    throw refusal(invocation, `${text}; name one with --shard`)
  }
  const other = ['worker-index', 'worker-count'].find(
    (name) =>
      countOption(
        invocation,
        name.replace(/-(.)/, (_, at) => at.toUpperCase()),
      ) !== undefined,
  )
  if (other === undefined) return workerCount
  const giver = workerCount === undefined ? 'a run of several shards' : '--workers'
  throw refusal(invocation, `${giver} gives each worker its share; --${other} does not go with it`)
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
