/** One whole daemon over simulated brokers and a simulated lake, for tests that break either. */
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import { Daemon } from '../../src/daemon/daemon.ts'
import type { Notifier } from '../../src/ports/notifier.ts'
import type { Source } from '../../src/ports/source.ts'
import type { SimClock } from '../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { deadLetterSchema } from './lane-world.ts'

export interface DaemonRunOptions {
  readonly config: ResolvedConfig
  readonly clock: SimClock
  readonly store: SimStore
  readonly source: Source
  readonly seed?: number
  readonly fault?: LakeFault
  readonly newestFormat?: number
  readonly dropsPending?: boolean
  readonly notifiers?: readonly Notifier[]
}

export interface DaemonRun {
  readonly daemon: Daemon
  readonly lake: SimLake
  readonly telemetry: SimTelemetry
  /** What `failed` rejected with, if it did. */
  readonly failures: unknown[]
}

/** Makes a daemon; it is not started. */
export function daemonRun(options: DaemonRunOptions): DaemonRun {
  const { config, clock, store, source, seed = 1, fault, newestFormat } = options
  const { dropsPending, notifiers = [] } = options
  const lake = new SimLake({ store, clock, ...(fault && { fault }) })
  const telemetry = new SimTelemetry()
  const daemon = new Daemon(config, {
    lake,
    clock,
    random: new SimRandom(seed),
    telemetry,
    source,
    notifiers,
    modules: new Map(),
    deadLetterSchema: deadLetterSchema(),
    ...(newestFormat === undefined ? {} : { newestFormat }),
    ...(dropsPending === undefined ? {} : { dropsPending }),
  })
  const failures: unknown[] = []
  daemon.failed.catch((error: unknown) => failures.push(error))
  return { daemon, lake, telemetry, failures }
}
