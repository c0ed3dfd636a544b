/**
 * The daemon of one business unit: one lane, its commits, its announcements, and what keeps them
 * going when the outside does not answer.
 */
import { present } from '../base/assert.ts'
import { Fault } from '../base/fault.ts'
import { type DurationMs, durationMs, type UnixMs } from '../base/time.ts'
import { adoptOrPutConfig } from '../committer/adopt-config.ts'
import { openCommitLog } from '../committer/commit-log.ts'
import { Committer } from '../committer/committer.ts'
import { cleanStaging } from '../committer/janitor.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import { decideEvidence } from '../protocol/evidence.ts'
import type { LakeTrouble } from '../protocol/readiness-facts.ts'
import { Announcer } from '../readiness/announcer.ts'
import type { ReadinessSetup } from '../readiness/facts.ts'
import { Outbox } from '../readiness/outbox.ts'
import { CommitLoop } from './commit-loop.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import type { DaemonPorts } from './daemon-ports.ts'
import { gaugeDaemon } from './gauges.ts'
import { Lane } from './lane.ts'
import { buildPipeline, lakeLane } from './pipeline.ts'
import { configuredStreams, deadLetterTableName, readyStreams } from './stage-streams.ts'

const openPauseMsMax = 30_000
const gaugeEveryMs = durationMs(5_000)
const cleanEveryMs = durationMs(600_000)
const announcePauseMs = durationMs(1_000)
const outboxPauseMs = durationMs(250)

/** Whether all goes well, and if not why. */
export interface Health {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** What runs between start and stop. */
interface Running {
  readonly log: CommitLog
  readonly lane: Lane
  readonly commits: CommitLoop
  readonly committer: Committer
  readonly announcer: Announcer
  readonly outbox: Outbox
}

export class Daemon {
  readonly config: ResolvedConfig
  readonly #ports: DaemonPorts
  readonly #stopping = new AbortController()
  readonly #failed = Promise.withResolvers<never>()
  readonly #loops: Promise<void>[] = []
  #running: Running | undefined
  #startTrouble: Fault | undefined
  #lakeTrouble: LakeTrouble | undefined

  constructor(config: ResolvedConfig, ports: DaemonPorts) {
    this.config = config
    this.#ports = ports
    this.#failed.promise.catch(() => {})
  }

  /** Rejects when the daemon cannot go on: a bug, or a log that cannot be read. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  /** Undefined until `start` has come so far. */
  get running(): Running | undefined {
    return this.#running
  }

  /** Opens the log, takes up the configuration, begins to read. Waits for a lake that is down. */
  async start(): Promise<void> {
    const { lake, clock, random, telemetry, source } = this.#ports
    const { pipeline } = this.config
    const signal = this.#stopping.signal
    const logOptions = { lake, pipeline, clock, random, telemetry }
    const log = await this.#untilOpen(() => openCommitLog(logOptions))
    if (log === undefined) return
    await this.#takeUpConfig(log)
    const committer = new Committer({ ...logOptions, log })
    const announcer = new Announcer(this.#readinessSetup(), {
      lake,
      log,
      clock,
      random,
      telemetry,
      brokers: source,
    })
    const commits: CommitLoop = new CommitLoop({
      intervalMs: this.config.commit.interval,
      steps: this.#lazySteps(),
      clock,
      telemetry,
    })
    const lane = this.#buildLane({ log, commits, committer, announcer })
    const outbox = new Outbox(
      this.#ports.notifiers,
      { log, clock, random, telemetry },
      { deadlineMs: this.config.ready.deliver.deadline, pauseMs: outboxPauseMs },
    )
    this.#running = { log, lane, commits, committer, announcer, outbox }
    await this.#tryOnce(() => committer.publishPending(durationMs(0)))
    this.#loop(() => commits.run())
    this.#loop(() => announcer.run(signal, announcePauseMs))
    this.#loop(() => outbox.run(signal))
    this.#every(this.config.commit.interval, () => this.#publishPending())
    this.#every(cleanEveryMs, () => this.#clean())
    this.#every(gaugeEveryMs, () => this.#gauge())
    await source.open(lane)
    telemetry.log.info('started', { pipeline, writerId: log.writerId })
  }

  /** Drains: stops reading, finishes what was read, commits, leaves the group. */
  async stop(): Promise<void> {
    const { source, modules, telemetry } = this.#ports
    telemetry.log.info('draining', {})
    await source.stopFetching()
    const running = this.#running
    if (running !== undefined) {
      running.commits.stop()
      await running.commits.commitNow()
      await this.#tryOnce(() => running.announcer.round())
    }
    this.#stopping.abort()
    await source.close()
    await Promise.all(this.#loops)
    for (const module of modules.values()) await module.close()
    telemetry.log.info('drained', {})
  }

  health(): Health {
    const running = this.#running
    const faults = [
      this.#startTrouble,
      running?.committer.trouble,
      running?.lane.sourceTrouble,
      ...(running?.lane.refused.map(({ fault }) => fault) ?? []),
    ]
    const reasons = faults.flatMap((fault) => (fault === undefined ? [] : [fault.message]))
    if (running === undefined && reasons.length === 0) reasons.push('starting')
    if (this.#stopping.signal.aborted) reasons.push('draining')
    return { ready: reasons.length === 0, reasons }
  }

  #buildLane(parts: Pick<Running, 'log' | 'commits' | 'committer' | 'announcer'>): Lane {
    const { log, commits, committer, announcer } = parts
    const { clock, telemetry, random, source, modules, deadLetterSchema } = this.#ports
    const bufferBytesMax = this.config.memory.buffers
    const stages = buildPipeline(this.config, {
      clock,
      telemetry,
      modules,
      deadLetterSchema,
      hashSeed: Buffer.from(random.bytes(8)).readBigUInt64LE(),
      kernelBytesMax: kernelBytesOf(bufferBytesMax),
      nextCommitId: () => log.nextCommitId(),
      onModuleBroken: (fault) => this.#failed.reject(fault),
      onUnreadable: (at, fault) => {
        source.pause([at])
        this.#running?.lane.onRefused(at, fault)
      },
    })
    return new Lane({
      ...stages,
      log,
      source,
      clock,
      telemetry,
      rule: { lane: lakeLane, start: this.config.kafka.start },
      bufferBytesMax,
      evidenceWanted: (_fold, owned) => decideEvidence(announcer.facts(), owned),
      commit: (sealed) => committer.commit(sealed),
      onCommitted: () => announcer.nudge(),
      hurry: () => commits.hurry(),
      commitNow: () => commits.commitNow(),
    })
  }

  /** The lane is made after the loop that drives it. */
  #lazySteps(): ConstructorParameters<typeof CommitLoop>[0]['steps'] {
    const lane = (): Lane => present(this.#running, 'a running daemon commits').lane
    return {
      refresh: () => lane().refresh(),
      seal: (fold) => lane().seal(fold),
      commit: (sealed) => lane().commit(sealed),
      committed: (sealed) => lane().committed(sealed),
      startOver: () => lane().startOver(),
    }
  }

  #readinessSetup(): ReadinessSetup {
    const { pipeline, lake, commit } = this.config
    const streams = readyStreams(this.config)
    return {
      pipeline,
      lakeUrl: lake.url,
      lane: lakeLane,
      commitIntervalMs: commit.interval,
      streams: () => streams,
      ends: () => this.#running?.lane.ends ?? new Map(),
      assigned: () => this.#running?.lane.owned,
      lakeTrouble: () => this.#troubleOfLake(),
      refused: () => this.#running?.lane.refusals ?? new Map(),
    }
  }

  /** What the lake refuses, with the time since when; the same trouble keeps its time. */
  #troubleOfLake(): LakeTrouble | undefined {
    const running = this.#running
    const fault = running?.committer.trouble
    if (running === undefined || fault === undefined) {
      this.#lakeTrouble = undefined
      return undefined
    }
    const sinceMs: UnixMs = this.#lakeTrouble?.sinceMs ?? running.log.lakeNowMs()
    this.#lakeTrouble = { sinceMs, reason: fault.message }
    return this.#lakeTrouble
  }

  async #takeUpConfig(log: CommitLog): Promise<void> {
    const { telemetry } = this.#ports
    const { checksum } = this.config
    const streams = configuredStreams(this.config)
    const outcome = await adoptOrPutConfig(log, { checksum, streams })
    const fields = { version: outcome.version, checksum }
    if (outcome.kind === 'conflict') {
      const { pipeline } = this.config
      const other = { ownChecksum: checksum, logChecksum: outcome.checksum }
      throw new Fault('CONFIG_CONFLICT', { pipeline, ...other })
    }
    telemetry.log.info(`configuration ${outcome.kind}`, fields)
  }

  /** Tries until the lake answers. @returns undefined when stopped before. */
  async #untilOpen<T>(open: () => Promise<T>): Promise<T | undefined> {
    const { clock, random, telemetry } = this.#ports
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt++) {
      try {
        const opened = await open()
        this.#startTrouble = undefined
        return opened
      } catch (error) {
        if (!(error instanceof Fault) || error.retry === 'never') throw error
        this.#startTrouble = error
        telemetry.log.warn('not started yet', { code: error.code, message: error.message })
        const pauseMs = Math.min(openPauseMsMax, 250 * 2 ** Math.min(attempt, 10))
        const jitteredMs = durationMs(pauseMs * (0.5 + random.fraction() / 2))
        await clock.sleep(jitteredMs, this.#stopping.signal)
      }
    }
    return undefined
  }

  #loop(work: () => Promise<void>): void {
    this.#loops.push(work().catch((error: unknown) => this.#failed.reject(error)))
  }

  #every(pauseMs: DurationMs, work: () => Promise<void>): void {
    this.#loop(async () => {
      const { signal } = this.#stopping
      while (!signal.aborted) {
        await this.#tryOnce(work)
        await this.#ports.clock.sleep(pauseMs, signal)
      }
    })
  }

  /** Does what may be done again later; what the outside refuses is logged. */
  async #tryOnce(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      this.#ports.telemetry.log.warn('tried in vain', { code: error.code, message: error.message })
    }
  }

  async #publishPending(): Promise<void> {
    const twoIntervalsMs = durationMs(this.config.commit.interval * 2)
    await this.#running?.committer.publishPending(twoIntervalsMs)
  }

  async #clean(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const { lake, telemetry } = this.#ports
    const { pipeline, streams } = this.config
    const tables = [...new Set(streams.map(({ table }) => table)), deadLetterTableName(pipeline)]
    await cleanStaging({ lake, log: running.log, pipeline, tables, telemetry })
  }

  async #gauge(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    gaugeDaemon(this.#ports.telemetry.metrics, running)
  }
}

const kernelBytesMin = 64 * 1_024 * 1_024
const kernelBytesMax = 4 * 1_024 * 1_024 * 1_024 - 65_536

/** Open pages live in the kernel's memory, beside its input; half of the budget is committed. */
const kernelBytesOf = (bufferBytesMax: number): number =>
  Math.min(kernelBytesMax, Math.max(kernelBytesMin, 2 * bufferBytesMax))
