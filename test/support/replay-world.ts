/** Late rows in the dead letters, and an operator who has them taken in again. */
import { findLateLetters, readLateLetters } from '../../src/audit/late-letters.ts'
import { verifyLake } from '../../src/audit/verify.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import { type Replayed, replayLate } from '../../src/daemon/replay.ts'
import type { LetterRecord, StoredLetters } from '../../src/model/letter-replay.ts'
import type { EtlModule } from '../../src/ports/etl-module.ts'
import type { SimClock } from '../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { deadLetterSchema, pipeline } from './lane-world.ts'

export interface ReplayWorld {
  readonly clock: SimClock
  readonly store: SimStore
  readonly config: ResolvedConfig
}

export interface ReplayRun {
  readonly lake: SimLake
  readonly done: Promise<readonly Replayed[]>
}

export interface ReplayOptions {
  readonly seed: number
  readonly fault?: LakeFault
  readonly signal?: AbortSignal
  readonly modules?: ReadonlyMap<number, EtlModule>
  /** Awaited between looking for letters and taking them in. */
  readonly meanwhile?: () => Promise<void>
  readonly cellsMax?: number
  /** What a record is read as. */
  readonly readAs?: (record: LetterRecord) => LetterRecord
}

/** What an operator's process does. */
export async function replay(world: ReplayWorld, options: ReplayOptions): Promise<ReplayRun> {
  const { clock, store, config } = world
  const { seed, modules = new Map(), signal, meanwhile = async () => {} } = options
  const { readAs = (record) => record } = options
  const lake = new SimLake({ clock, store })
  const random = new SimRandom(seed)
  const telemetry = new SimTelemetry()
  const shared = { lake, pipeline, clock, random, telemetry }
  const all = signal === undefined ? shared : { ...shared, signal }
  const log = await openCommitLog(all)
  const committer = new Committer({ ...all, log })
  const ports = { clock, random, telemetry, modules, deadLetterSchema: deadLetterSchema() }
  const [stream] = config.streams
  if (stream === undefined) throw new Error('a stream is configured')
  lake.calls = 0
  lake.fault = options.fault
  const work = async (): Promise<readonly Replayed[]> => {
    const { units } = await findLateLetters(lake, log.state, stream.name)
    await meanwhile()
    async function* read(some: readonly StoredLetters[]): AsyncGenerator<LetterRecord> {
      for await (const record of readLateLetters(lake, log.state, some)) yield readAs(record)
    }
    const ending = signal ?? new AbortController().signal
    const { cellsMax } = options
    const bound = cellsMax === undefined ? {} : { cellsMax }
    const asked = { stream, reason: 'the hour is to be whole', read, signal: ending, ...bound }
    return replayLate(
      { config, ports: { ...ports, schemaRegistry: undefined }, log, committer, ...asked },
      units,
    )
  }
  return { lake, done: work() }
}

/** What `verify --deep` says is wrong, or could not be looked at; the brokers are not asked. */
export async function deepFindings({ clock, store }: ReplayWorld): Promise<readonly string[]> {
  const checks = await verifyLake({
    lake: new SimLake({ clock, store }),
    pipeline,
    tables: ['numbers', 'numbers_late', `${pipeline}_dead_letters`],
    scope: { stream: undefined, spans: undefined },
    isDeep: true,
    ruleOf: ({ config: { version } }) => ({ configVersion: version, moduleStreams: new Set() }),
    askKafka: async () => ({ kind: 'silent', why: 'nobody asks' }),
    onFile: () => {},
  })
  if (checks.length < 10) throw new Error('the deep checks ran')
  return checks.flatMap(({ name, state, detail, findings }) =>
    state === 'ok' || name === 'kafka' ? [] : [`${name} ${state}: ${detail}`, ...findings],
  )
}
