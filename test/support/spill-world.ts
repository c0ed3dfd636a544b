/** A lake of which one table refuses, and the processes that commit to it. */
import { durationMs } from '../../src/base/time.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import { bringHome } from '../../src/committer/way-home.ts'
import type { SealedCommit } from '../../src/model/sealed-commit.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import { SimClock } from '../sim/clock.ts'
import { SimLake, type SimStore } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { appendDraft, sampleHour, sealedCommit, startRange, table } from './log-samples.ts'

export const pipeline = 'growth'
export const spill = `_lakeward/${pipeline}/spill/`
export const other = 'orders'
export const hour = sampleHour(13)

/** What a table refuses, as its quota or its permissions do. */
export type Refusing = readonly string[]
export const journals: Refusing = ['putIfAbsent', 'stage', 'publish', 'move', 'remove']
export const staging: Refusing = ['stage', 'publish']
export const publishing: Refusing = ['publish']
interface Weather {
  refusing: Refusing
  /** Of the other table. */
  otherRefusing?: Refusing
}

export interface Process {
  readonly lake: SimLake
  readonly log: CommitLog
  readonly committer: Committer
  readonly telemetry: SimTelemetry
}

export class World {
  readonly clock = new SimClock()
  readonly store: SimStore = new Map()
  readonly weather: Weather = { refusing: [] }
  #seed = 1

  async start(signal?: AbortSignal): Promise<Process> {
    const { clock, store, weather } = this
    const lake = new SimLake({
      clock,
      store,
      refusal: (operation, path) =>
        (weather.refusing.includes(operation) && path.startsWith(`${table}/`)) ||
        (weather.otherRefusing?.includes(operation) && path.startsWith(`${other}/`))
          ? { code: 'LAKE_REFUSED', reason: 'quota' }
          : undefined,
    })
    const telemetry = new SimTelemetry()
    const shared = { lake, pipeline, clock, random: new SimRandom(this.#seed++), telemetry }
    const all = signal === undefined ? shared : { ...shared, signal }
    const log = await openCommitLog(all)
    return { lake, log, committer: new Committer({ ...all, log }), telemetry }
  }

  static async begun(refusing: Refusing): Promise<World> {
    const world = new World()
    const { log } = await world.start()
    await log.put(appendDraft(log.nextCommitId(), { ranges: [startRange(0, 0)] }))
    world.weather.refusing = refusing
    return world
  }

  paths(prefix: string): readonly string[] {
    return [...this.store.keys()].filter((path) => path.startsWith(prefix)).sort()
  }

  textAt(path: string): string {
    return new TextDecoder().decode(this.store.get(path)?.body)
  }

  parquet(prefix: string): readonly string[] {
    return this.paths(prefix).filter((path) => path.endsWith('.parquet'))
  }
}

/** One file in the table that refuses, one in another. */
export function twoTables(log: CommitLog, first: number, next: number): SealedCommit {
  const sealed = sealedCommit(log.nextCommitId(), first, next)
  const files = sealed.files.flatMap((file) => [file, { ...file, stream: other, table: other }])
  return { ...sealed, files, places: [...sealed.places, { stream: other, partition: hour }] }
}

/** What the rounds of a daemon do beside its commits. */
export async function round(process: Process): Promise<void> {
  const { lake, log, committer, telemetry } = process
  await committer.publishPending(durationMs(0))
  await bringHome({ lake, log, committer, telemetry, signal: new AbortController().signal })
}
