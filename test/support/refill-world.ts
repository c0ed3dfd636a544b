/**
 * A commit whose files are gone after it was decided, the records it covers still in Kafka, and an
 * operator who has them read again.
 */
import { decodeFile, letterIdentity, rowIdentity } from '../../src/audit/decode-file.ts'
import { Fault } from '../../src/base/fault.ts'
import { durationMs } from '../../src/base/time.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import {
  findLost,
  type GivenUp,
  giveUpLost,
  lostByPartition,
} from '../../src/committer/give-up-lost.ts'
import { cleanStaging } from '../../src/committer/janitor.ts'
import { bringHome } from '../../src/committer/way-home.ts'
import type { ResolvedConfig } from '../../src/daemon/config/resolved-config.ts'
import {
  lostByEntry,
  type Refilled,
  type RefillParts,
  refillLost,
} from '../../src/daemon/refill.ts'
import type { SourcePartition } from '../../src/model/topic-partition.ts'
import type { EtlModule } from '../../src/ports/etl-module.ts'
import { noteOrigins } from '../../src/protocol/file-origins.ts'
import { SimClock } from '../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimKafka } from '../sim/source.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { judgeLog } from './judged-log.ts'
import {
  deadLetterSchema,
  eventsMs,
  fetched,
  hourMs,
  type LaneWorld,
  numberRecord,
  numbersConfig,
  openLaneWorld,
  pipeline,
} from './lane-world.ts'

const topic = 'events'
const tables = ['numbers', `${pipeline}_dead_letters`]

/** An event of an hour, counted from the first; a broken one does not decode. */
export interface RefillEvent {
  readonly hour: number
  readonly broken?: true
}

export interface RefillWorldOptions {
  readonly config?: ResolvedConfig
  readonly modules?: ReadonlyMap<number, EtlModule>
}

export class RefillWorld {
  readonly clock: SimClock
  readonly store: SimStore
  readonly kafka: SimKafka
  readonly config: ResolvedConfig
  readonly sources: readonly SourcePartition[]
  readonly writer: LaneWorld
  /** What an operator may have a copy of: files that were lost, by the path they belong at. */
  readonly lost: SimStore = new Map()
  readonly #modules: ReadonlyMap<number, EtlModule>
  #seed = 10

  private constructor(parts: {
    readonly writer: LaneWorld
    readonly kafka: SimKafka
    readonly sources: readonly SourcePartition[]
    readonly modules: ReadonlyMap<number, EtlModule>
  }) {
    const { writer, kafka, sources, modules } = parts
    const { clock, store, config } = writer
    this.clock = clock
    this.store = store
    this.config = config
    this.writer = writer
    this.kafka = kafka
    this.sources = sources
    this.#modules = modules
  }

  static async open(options: RefillWorldOptions = {}): Promise<RefillWorld> {
    const { config = await numbersConfig(), modules = new Map<number, EtlModule>() } = options
    const kafka = new SimKafka('c')
    kafka.createTopic(topic, 2)
    const { sources } = await kafka.source([topic]).metadata()
    const writer = await openLaneWorld({ config, modules })
    writer.source.known.splice(0, writer.source.known.length, ...sources)
    await writer.lane.onAssigned(sources)
    return new RefillWorld({ writer, kafka, sources, modules })
  }

  /** One batch at the end of a partition; the writer reads it unless it is left for later. */
  async produce(partition: number, events: readonly RefillEvent[], isRead = true): Promise<void> {
    const source = this.sources[partition]
    if (source === undefined) throw new Error(`the topic has no partition ${partition}`)
    const records = events.map(({ hour, broken }, n) => {
      const payload = broken === true ? { payload: Uint8Array.of(8) } : {}
      return numberRecord({ n, eventMs: eventsMs + hour * hourMs + 1, ...payload })
    })
    const first = Number(this.kafka.append(source, { records }))
    if (isRead) await this.writer.lane.onFetched([fetched(source, first, records)])
  }

  /** Commits what was read, and loses the files whose staged path or place says so. */
  async commitLosing(isLost: (path: string) => boolean): Promise<void> {
    await this.#losing(isLost, () => this.writer.commits.commitNow())
  }

  /** Commits what was read while its table takes no files. */
  async commitSpilled(table: string): Promise<void> {
    const { lake, commits } = this.writer
    const stage = lake.stage.bind(lake)
    lake.stage = async (request) => {
      const { stagedPath: path } = request
      if (!path.startsWith(`${table}/`)) return stage(request)
      throw new Fault('LAKE_REFUSED', { operation: 'stage', path, reason: 'quota' })
    }
    await this.clock.run(commits.commitNow())
    lake.stage = stage
  }

  /** Brings spilled files home, and loses copies at home after they were decided. */
  async homeLosing(isLost: (path: string) => boolean): Promise<void> {
    const { lake, log, committer, telemetry } = this.writer
    const { signal } = new AbortController()
    const options = { lake, log, committer, telemetry, signal }
    await this.#losing(isLost, () => bringHome(options))
  }

  async #losing(isLost: (path: string) => boolean, work: () => Promise<void>): Promise<void> {
    const { writer, store } = this
    const publish = writer.lake.publish.bind(writer.lake)
    writer.lake.publish = async (request) => {
      if (!isLost(request.path)) return publish(request)
      const staged = store.get(request.stagedPath)
      if (staged !== undefined) this.lost.set(request.path, staged)
      store.delete(request.stagedPath)
      return { kind: 'missing' }
    }
    await this.clock.run(work().catch(() => undefined))
    writer.lake.publish = publish
  }

  /** What an operator's process does. */
  async refill(
    fault?: LakeFault,
    signal?: AbortSignal,
    entries: RefillParts['entries'] = this.#entries(),
  ): Promise<OperatorRun> {
    const { clock, store, config, kafka } = this
    const lake = new SimLake({ clock, store })
    const random = new SimRandom(this.#seed++)
    const telemetry = new SimTelemetry()
    const shared = { lake, pipeline, clock, random, telemetry }
    const all = signal === undefined ? shared : { ...shared, signal }
    const log = await openCommitLog(all)
    const committer = new Committer({ ...all, log })
    const ports = { clock, random, telemetry, modules: this.#modules }
    const parts: RefillParts = {
      config,
      log,
      committer,
      ports: { ...ports, deadLetterSchema: deadLetterSchema() },
      openSource: () => kafka.source([topic], `refill-${this.#seed}`),
      entries,
      origins: this.#origins(),
      reason: 'the disk is gone',
      signal: signal ?? new AbortController().signal,
    }
    lake.calls = 0
    lake.fault = fault
    const work = async (): Promise<readonly Refilled[]> =>
      refillLost(parts, lostByEntry(await findLost(lake, log), parts.origins))
    return { lake, done: work() }
  }

  /** What an operator's process does who gives lost rows up. */
  async giveUp(): Promise<readonly GivenUp[]> {
    const { clock, store } = this
    const lake = new SimLake({ clock, store })
    const random = new SimRandom(this.#seed++)
    const options = { lake, pipeline, clock, random, telemetry: new SimTelemetry() }
    const log = await openCommitLog(options)
    const committer = new Committer({ ...options, log })
    const work = async (): Promise<readonly GivenUp[]> =>
      giveUpLost({ lake, committer, log }, lostByPartition(await findLost(lake, log)), 'gone')
    return clock.run(work())
  }

  /** What anybody does after: finish what was decided, say so, clean up. */
  async finish(): Promise<void> {
    const { clock, store } = this
    const lake = new SimLake({ clock, store })
    const telemetry = new SimTelemetry()
    const options = { lake, pipeline, clock, random: new SimRandom(this.#seed++), telemetry }
    const log = await openCommitLog(options)
    const committer = new Committer({ ...options, log })
    const work = async (): Promise<void> => {
      await committer.publishPending(durationMs(0))
      const { config } = log.state
      const draft = {
        kind: 'append',
        ranges: [],
        places: [],
        configVersion: config.version,
      } as const
      const body = { files: [], counts: [], progress: [], evidence: [] }
      await log.put({ ...draft, commitId: log.nextCommitId(), body })
      await cleanStaging({ lake, log, pipeline, tables, telemetry })
    }
    await clock.run(work())
  }

  /** `partition:offset` of each row that readers of folders see, dead letters apart. */
  async rows(): Promise<{
    readonly numbers: readonly string[]
    readonly letters: readonly string[]
  }> {
    const [numbers, letters]: [string[], string[]] = [[], []]
    for (const [path, { body }] of this.store) {
      if (!path.endsWith('.parquet')) continue
      const isLetters = path.startsWith(`${pipeline}_dead_letters/`)
      const columns = isLetters ? letterIdentity : rowIdentity
      const { identities } = await decodeFile(body, { columns, topic })
      for (const [at, list] of identities ?? []) {
        for (let row = 0; row < list.count; row++) {
          ;(isLetters ? letters : numbers).push(`${at.split('/')[1]}:${list.offset(row)}`)
        }
      }
    }
    return { numbers: numbers.sort(), letters: letters.sort() }
  }

  /** Live files that do not stand, and files in tables that are not live. */
  astray(): readonly string[] {
    const live = [...judgeLog(this.store, pipeline).state.streams.values()].flatMap((stream) =>
      [...stream.partitions.values()].flatMap(({ files }) => files.map(({ path }) => path)),
    )
    const standing = [...this.store.keys()].filter((path) => path.endsWith('.parquet'))
    const [named, there] = [new Set(live), new Set(standing)]
    return [...live.filter((path) => !there.has(path)), ...standing.filter((at) => !named.has(at))]
  }

  staged(): readonly string[] {
    return [...this.store.keys()].filter((path) => path.includes('/_staging/'))
  }

  #origins(): RefillParts['origins'] {
    const origins = new Map<string, number>()
    for (const [index, { entry, decided }] of judgeLog(this.store, pipeline).entries.entries()) {
      if (decided) noteOrigins(origins, entry, index)
    }
    return origins
  }

  #entries(): RefillParts['entries'] {
    return new Map(
      judgeLog(this.store, pipeline).entries.flatMap(({ entry, decided, before }, index) =>
        decided ? [[index, { index, entry, below: before }] as const] : [],
      ),
    )
  }
}

export interface OperatorRun {
  readonly lake: SimLake
  readonly done: Promise<readonly Refilled[]>
}
