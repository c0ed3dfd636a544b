/** Daemons of one pipeline over one simulated lake, as far as readiness sees them. */
import { durationMs, type UnixMs, unixMs } from '../../src/base/time.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import type { DataFile } from '../../src/model/data-file.ts'
import type { CommitId } from '../../src/model/ids.ts'
import type { AppendRange } from '../../src/model/log-entry.ts'
import { nextOffset, offset } from '../../src/model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../../src/model/topic-partition.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { CommitLog, PutEntryOutcome } from '../../src/ports/commit-log.ts'
import type { MetadataAnswer } from '../../src/ports/source.ts'
import { partitionAt } from '../../src/protocol/calendar.ts'
import { publishedPath, stagedPath } from '../../src/protocol/log-paths.ts'
import type { ReadyStream } from '../../src/protocol/readiness-facts.ts'
import { Announcer } from '../../src/readiness/announcer.ts'
import type { ReadinessSetup } from '../../src/readiness/facts.ts'
import { SimClock } from '../sim/clock.ts'
import { type LakeFault, SimLake, type SimStore } from '../sim/lake.ts'
import { SimRandom } from '../sim/random.ts'
import { SimTelemetry } from '../sim/telemetry.ts'
import { appEvents, countsOf, lane, minute } from './readiness-world.ts'

const pipeline = 'growth'

/** The simulated lake's clock is ten minutes behind everybody's. */
const lakeBehindMs = 10 * minute

export interface DaemonOptions {
  readonly seed: number
  readonly fault?: LakeFault
  readonly streams?: readonly ReadyStream[]
  readonly sources: readonly SourcePartition[]
  /** Of the machine; absent: that of the lake. */
  readonly clock?: Clock
  /** What this daemon reads; absent: nobody was asked. */
  readonly assigned?: readonly SourcePartition[]
}

/** What an append brings of one stream. */
export interface SimRows {
  readonly stream?: ReadyStream
  readonly eventMs: UnixMs
  readonly rowCount: number
}

export interface SimAppend {
  readonly source: SourcePartition
  readonly next: bigint
  readonly rows?: readonly SimRows[]
  /** Decided only: the files are not published yet. */
  readonly unpublished?: true
  /** The rows came after their partition was announced. */
  readonly late?: true
  /** Highest event time seen of `app_events`, where it is not that of the rows. */
  readonly watermark?: UnixMs
  readonly evidence?: { readonly end: bigint; readonly asked: UnixMs }
}

/** A world that lasts over the death of daemons. */
export class ReadinessSim {
  readonly clock: SimClock
  readonly store: SimStore = new Map()

  /** @param lakeAt what the lake's clock says at the beginning. */
  constructor(lakeAt: UnixMs) {
    this.clock = new SimClock(lakeAt + lakeBehindMs)
  }

  /** Moves all clocks to where the lake's says `lakeAt`. */
  async until(lakeAt: UnixMs): Promise<void> {
    const span = durationMs(lakeAt + lakeBehindMs - this.clock.nowMs())
    await this.clock.run(this.clock.sleep(span))
  }

  async start(options: DaemonOptions): Promise<SimDaemon> {
    const daemon = new SimDaemon(this, options)
    await this.clock.run(daemon.open())
    return daemon
  }

  paths(prefix: string): readonly string[] {
    return [...this.store.keys()].filter((path) => path.startsWith(prefix)).sort()
  }

  textAt(path: string): string {
    return new TextDecoder().decode(this.store.get(path)?.body)
  }
}

export class SimDaemon {
  readonly sim: ReadinessSim
  readonly lake: SimLake
  readonly telemetry = new SimTelemetry()
  readonly random: SimRandom
  readonly streams: readonly ReadyStream[]
  readonly #clock: Clock
  readonly #assigned: ReadonlySet<SourceKey> | undefined
  metadata: MetadataAnswer
  metadataAskedCount = 0
  #log: CommitLog | undefined
  #announcer: Announcer | undefined

  constructor(sim: ReadinessSim, options: DaemonOptions) {
    this.sim = sim
    this.random = new SimRandom(options.seed)
    this.#clock = options.clock ?? sim.clock
    this.streams = options.streams ?? [appEvents]
    this.#assigned = options.assigned && new Set(options.assigned.map(sourceKey))
    this.lake = new SimLake({
      store: sim.store,
      clock: sim.clock,
      ...(options.fault && { fault: options.fault }),
    })
    const [first] = options.sources
    if (first === undefined) throw new Error('a daemon has sources')
    const { clusterId } = first
    this.metadata = { clusterId, sources: options.sources, missingTopics: [] }
  }

  get log(): CommitLog {
    if (this.#log === undefined) throw new Error('the daemon is open')
    return this.#log
  }

  get announcer(): Announcer {
    if (this.#announcer === undefined) throw new Error('the daemon is open')
    return this.#announcer
  }

  async open(): Promise<void> {
    const { lake, random, telemetry } = this
    const clock = this.#clock
    this.#log = await openCommitLog({ lake, pipeline, clock, random, telemetry })
    const brokers = {
      metadata: (): Promise<MetadataAnswer> => {
        this.metadataAskedCount += 1
        return Promise.resolve(this.metadata)
      },
    }
    const ports = { lake, log: this.#log, clock, random, telemetry, brokers }
    this.#announcer = new Announcer(this.setup(), ports)
  }

  setup(): ReadinessSetup {
    return {
      pipeline,
      lakeUrl: this.lake.url,
      lane,
      commitIntervalMs: durationMs(minute),
      streams: () => this.streams,
      ends: () => new Map(),
      assigned: () => this.#assigned,
      lakeTrouble: () => undefined,
    }
  }

  /** Puts the configuration and the start positions. */
  async begin(): Promise<void> {
    const { log, streams } = this
    const commitId = log.nextCommitId()
    const named = streams.map(({ name, table, topics }) => ({ name, table, topics }))
    const config = { fromVersion: 0, version: 1, checksum: 'c', streams: named }
    const ranges = this.metadata.sources.map(
      (source): AppendRange => ({
        lane,
        source,
        expected: undefined,
        first: offset(0n),
        next: nextOffset(0n),
        leaderEpoch: -1,
      }),
    )
    await this.run(log.put({ kind: 'config', commitId, ...config }))
    await this.put({ ranges })
  }

  /** Commits rows and publishes their files at once. */
  async append(append: SimAppend): Promise<PutEntryOutcome> {
    const { source, next, rows = [], watermark, evidence, late, unpublished } = append
    const commitId = this.log.nextCommitId()
    const expected = this.log.state.positions.get(lane)?.get(sourceKey(source))?.next
    if (expected === undefined) throw new Error('the log knows the source')
    const first = offset(BigInt(expected))
    const range = { lane, source, expected, first, next: nextOffset(next), leaderEpoch: 0 }
    const placed = rows.map((row, index) => this.#placed(row, commitId, index))
    const seenMs =
      watermark ?? (rows.length > 0 ? maxOf(rows.map(({ eventMs }) => eventMs)) : undefined)
    const outcome = await this.put({
      commitId,
      ranges: next > expected ? [range] : [],
      places: placed.map(({ stream, partition }) => ({
        stream: stream.name,
        partition,
        ...(late && { late }),
      })),
      body: {
        files: placed.map(({ file }) => file),
        counts: placed.map(({ stream, partition, file }) => ({
          stream: stream.name,
          partition,
          counts: { ...countsOf(file.rowCount), lateAppended: late ? file.rowCount : 0 },
        })),
        progress:
          seenMs === undefined
            ? []
            : [{ stream: appEvents.name, source, eventWatermarkMs: seenMs }],
        evidence: evidence
          ? [{ source, highWatermark: nextOffset(evidence.end), askedAtMs: evidence.asked }]
          : [],
      },
    })
    if (outcome.kind === 'decided' && unpublished === undefined) this.publishCommit(commitId)
    return outcome
  }

  /** Makes its files stand, and knows that they do. */
  publishCommit(commitId: CommitId): void {
    for (const file of this.log.state.unpublished.get(commitId)?.files ?? []) this.publish(file)
    this.log.markPublished(commitId)
  }

  publish(file: DataFile): void {
    const body = new Uint8Array(file.sizeBytes)
    this.sim.store.set(file.path, { body, modifiedMs: 0 })
  }

  put(parts: Partial<Parameters<CommitLog['put']>[0]> & { readonly commitId?: CommitId }) {
    return this.run(
      this.log.put({
        kind: 'append',
        commitId: this.log.nextCommitId(),
        ranges: [],
        places: [],
        configVersion: 1,
        body: { files: [], counts: [], progress: [], evidence: [] },
        ...parts,
      } as Parameters<CommitLog['put']>[0]),
    )
  }

  run<T>(task: Promise<T>): Promise<T> {
    return this.sim.clock.run(task)
  }

  #placed({ stream = appEvents, eventMs, rowCount }: SimRows, commitId: CommitId, ordinal: number) {
    const partition = partitionAt(eventMs, stream.scheme)
    const partitionPath = partition.path
    const { table } = stream
    const file: DataFile = {
      stream: stream.name,
      table,
      partitionPath,
      path: publishedPath({ pipeline, table, partitionPath, commitId, ordinal }),
      stagedPath: stagedPath(table, { pipeline, commitId, ordinal }),
      sizeBytes: rowCount * 10,
      rowCount,
      crc32c: '0a0b0c0d',
      schemaVersion: 1,
      eventTimeMs: { min: eventMs, max: eventMs },
    }
    return { stream, partition, file }
  }
}

const maxOf = (times: readonly UnixMs[]): UnixMs => unixMs(Math.max(...times))
