/**
 * The daemon of one business unit: one lane, its commits, its announcements, and what keeps them
 * going when the outside does not answer.
 */
import { Fault } from '../base/fault.ts'
import { type DurationMs, durationMs } from '../base/time.ts'
import { adoptOrPutConfig } from '../committer/adopt-config.ts'
import { openCommitLog } from '../committer/commit-log.ts'
import { cleanStaging } from '../committer/janitor.ts'
import { closeLate } from '../committer/late-closer.ts'
import { trimLog } from '../committer/log-keeper.ts'
import { raiseFormat } from '../committer/raise-format.ts'
import { bringHome } from '../committer/way-home.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import { remedyText } from '../protocol/source-judgement.ts'
import { targetName } from '../readiness/config.ts'
import { dropPending, refusePending } from '../readiness/drop-pending.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import type { DaemonPorts } from './daemon-ports.ts'
import { gaugeDaemon } from './gauges.ts'
import { growingTables } from './growing-tables.ts'
import { doneWithin } from './patience.ts'
import { assemble, type Running } from './running.ts'
import { announceShards, keepShards, type LogParts } from './shard-duties.ts'
import { configuredStreams, tablesOf } from './stage-streams.ts'
import { foldersOf, heedStorageRules } from './storage-rules.ts'

const openPauseMsMax = 30_000
const gaugeEveryMs = durationMs(5_000)
const cleanEveryMs = durationMs(600_000)
/** Of streams that no configuration names. */
const closeAfterDefaultMs = durationMs(7 * 24 * 3_600_000)
/** Commits wake who announces: only what time alone releases waits for so long. */
const announcePauseMs = durationMs(2_000)
const registerPauseMs = durationMs(1_000)
/** How long a drain may take; what is left undone then is left as it is, for whoever comes next. */
const drainMsMax = durationMs(60_000)
const closeMsMax = durationMs(10_000)

/** Whether all goes well, and if not why. */
export interface Health {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** What nobody may try again stays as it is until somebody does what the hint says. */
const reasonOf = (fault: Fault): string =>
  fault.retry === 'never' ? remedyText(fault) : fault.message

export class Daemon {
  /** Of one log: `shardConfigs` makes it where the pipeline's has shards. */
  readonly config: ResolvedConfig
  readonly #ports: DaemonPorts
  /**
   * Aborted by `stop`: nothing more is begun. Like the others with null: for undefined an exception
   * would be made, with its stack, for nobody.
   */
  readonly #draining = new AbortController()
  /** Aborted when all is drained: loops end. */
  readonly #stopping = new AbortController()
  /** Aborted when work stays undone: nothing is tried again. */
  readonly #abandoning = new AbortController()
  readonly #failed = Promise.withResolvers<never>()
  readonly #loops: Promise<void>[] = []
  #hasFailed = false
  #starting: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined
  #running: Running | undefined
  #startTrouble: Fault | undefined

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

  /**
   * Opens the log, takes up the configuration, begins to read. Waits for a lake that is down.
   *
   * @throws {Fault} LOG_…, CONFIG_CONFLICT: it cannot be started.
   */
  start(): Promise<void> {
    const started = this.#start()
    this.#starting = started.catch(() => {})
    return started
  }

  /**
   * Drains: stops reading, finishes what was read, commits, leaves the group. What a lake that does
   * not answer keeps undone is left after a while: another daemon goes on from the log. May be
   * called at any time, and again. Never rejects.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #start(): Promise<void> {
    const { lake, clock, random, telemetry, source } = this.#ports
    const { pipeline } = this.config
    const signal = this.#abandoning.signal
    const form = logFormOf(this.#ports)
    const logParts = { lake, clock, random, telemetry, signal, ...form }
    const log = await this.#untilDone(() => openCommitLog({ ...logParts, pipeline }))
    if (log === undefined) return
    if ((await this.#untilDone(() => this.#takeUpConfig(log, logParts))) === undefined) return
    const { config } = this
    const growing = await this.#untilDone(() => growingTables({ config, lake, telemetry }))
    if (growing === undefined) return
    const running = assemble({
      config,
      growing,
      ports: this.#ports,
      log,
      signal,
      onFatal: (error) => this.#fail(error),
    })
    this.#running = running
    await this.#tryOnce(() => running.committer.publishPending(durationMs(0)))
    if (this.#draining.signal.aborted) return
    this.#beginLoops(running)
    await source.open(running.lane)
    telemetry.log.info('started', { pipeline, writerId: log.writerId })
  }

  #beginLoops({ commits, announcer, outbox, registrar }: Running): void {
    const { signal } = this.#stopping
    this.#loop(() => commits.run())
    this.#loop(() => announcer.run(signal, announcePauseMs))
    this.#loop(() => outbox.run(signal))
    this.#loop(() => registrar.run(signal, registerPauseMs))
    const { lake, telemetry } = this.#ports
    const rules = { lake, log: telemetry.log, folders: foldersOf(this.config) }
    this.#loop(() => heedStorageRules(rules, signal))
    this.#every(this.config.commit.interval, () => this.#publishPending())
    this.#every(this.config.commit.interval, () => this.#bringHome())
    this.#every(cleanEveryMs, () => this.#clean())
    this.#every(cleanEveryMs, () => this.#closeLate())
    this.#every(cleanEveryMs, () => this.#trim())
    this.#every(cleanEveryMs, () => this.#raiseFormat())
    this.#every(gaugeEveryMs, () => this.#gauge())
  }

  async #stop(): Promise<void> {
    const { telemetry } = this.#ports
    telemetry.log.info('draining', {})
    this.#draining.abort(null)
    const drained = this.#hasFailed || (await this.#within(drainMsMax, () => this.#drain()))
    const reason = this.health().reasons.join('; ')
    if (!drained) telemetry.log.warn('drain cut short', { reason })
    this.#abandoning.abort(null)
    this.#stopping.abort(null)
    this.#running?.commits.stop()
    const closed = await this.#within(closeMsMax, () => this.#close())
    if (closed) telemetry.log.info('drained', {})
    else telemetry.log.warn('closed with calls under way', {})
  }

  async #drain(): Promise<void> {
    await this.#starting
    await this.#ports.source.stopFetching()
    const running = this.#running
    if (running === undefined) return
    running.commits.stop()
    await running.commits.commitNow()
    await this.#tryOnce(() => running.announcer.round())
  }

  async #close(): Promise<void> {
    const { source, modules } = this.#ports
    await source.close()
    await Promise.all(this.#loops)
    for (const module of modules.values()) await module.close()
  }

  /** @returns whether `work` was done in time; what it throws is told as a failure. */
  async #within(spanMs: DurationMs, work: () => Promise<void>): Promise<boolean> {
    try {
      return await doneWithin(this.#ports.clock, spanMs, work())
    } catch (error) {
      this.#fail(error)
      return false
    }
  }

  /** The process must end. What fails while it is ending anyway is only told. */
  #fail(error: unknown): void {
    this.#ports.telemetry.log.error('daemon failed', { error: String(error) })
    if (this.#abandoning.signal.aborted) return
    this.#hasFailed = true
    this.#failed.reject(error)
  }

  health(): Health {
    const running = this.#running
    const refused = running?.lane.refused.map(({ fault }) => remedyText(fault)) ?? []
    const faults = [
      this.#startTrouble,
      running?.committer.trouble,
      running?.lane.trouble,
      running?.lane.startTrouble,
      running?.lane.sourceTrouble,
      running?.schemas.trouble,
    ]
    const troubles = faults.flatMap((fault) => (fault === undefined ? [] : [reasonOf(fault)]))
    const setbacks = running?.committer.setbacks.map(reasonOf) ?? []
    const reasons = [...troubles, ...setbacks, ...refused]
    if (running === undefined && reasons.length === 0) reasons.push('starting')
    if (this.#draining.signal.aborted) reasons.push('draining')
    return { ready: reasons.length === 0, reasons }
  }

  async #takeUpConfig(log: CommitLog, logParts: LogParts): Promise<number> {
    const { telemetry, dropsPending } = this.#ports
    const { checksum, ready, shard } = this.config
    // Once it has a configuration of its own, the first log has known of the shards before.
    if (shard !== undefined && log.state.config.version === 0) await announceShards(shard, logParts)
    const streams = configuredStreams(this.config)
    const targets = ready.notify.map(targetName)
    if (dropsPending !== true) refusePending(log.state, targets)
    const keep = (): Promise<void> => keepShards(this.config, logParts)
    const outcome = await adoptOrPutConfig(log, { checksum, streams }, keep)
    const fields = { version: outcome.version, checksum }
    if (outcome.kind === 'conflict') {
      const { pipeline } = this.config
      const other = { ownChecksum: checksum, logChecksum: outcome.checksum }
      throw new Fault('CONFIG_CONFLICT', { pipeline, ...other })
    }
    telemetry.log.info(`configuration ${outcome.kind}`, fields)
    if (dropsPending === true) await dropPending(log, telemetry, targets)
    return outcome.version
  }

  /** Tries until the lake answers. @returns undefined when stopped before. */
  async #untilDone<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { clock, random, telemetry } = this.#ports
    const { signal } = this.#draining
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const done = await work()
        this.#startTrouble = undefined
        return signal.aborted ? undefined : done
      } catch (error) {
        if (!(error instanceof Fault) || error.retry === 'never') throw error
        this.#startTrouble = error
        telemetry.log.warn('not started yet', { code: error.code, message: error.message })
        const pauseMs = Math.min(openPauseMsMax, 250 * 2 ** Math.min(attempt, 10))
        const jitteredMs = durationMs(pauseMs * (0.5 + random.fraction() / 2))
        await clock.sleep(jitteredMs, signal)
      }
    }
    return undefined
  }

  #loop(work: () => Promise<void>): void {
    this.#loops.push(work().catch((error: unknown) => this.#fail(error)))
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

  async #bringHome(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const { lake, telemetry } = this.#ports
    const { log, committer } = running
    await bringHome({ lake, log, committer, telemetry, signal: this.#stopping.signal })
  }

  async #clean(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const { lake, telemetry } = this.#ports
    const { pipeline } = this.config
    const tables = tablesOf(this.config)
    await cleanStaging({ lake, log: running.log, pipeline, tables, telemetry })
  }

  async #closeLate(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const { lake, telemetry } = this.#ports
    const { pipeline, streams } = this.config
    const afterMs = new Map(streams.map(({ name, late }) => [name, late.closeAfter]))
    const closeAfterMs = (stream: string): DurationMs => afterMs.get(stream) ?? closeAfterDefaultMs
    const { signal } = this.#stopping
    await closeLate({ lake, log: running.log, pipeline, telemetry, closeAfterMs, signal })
  }

  async #trim(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const { lake, telemetry } = this.#ports
    const { pipeline, log } = this.config
    await trimLog({ lake, log: running.log, pipeline, telemetry, keepMs: log.keep })
  }

  async #raiseFormat(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    const { lake, telemetry } = this.#ports
    const { pipeline, commit } = this.config
    const quietMs = commit.interval * 2
    await raiseFormat({ lake, log: running.log, pipeline, telemetry, quietMs })
  }

  async #gauge(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    gaugeDaemon(this.#ports.telemetry.metrics, running.lane)
  }
}

/** What of the log's form its ports set; what they leave out the log decides by itself. */
const logFormOf = ({ checkpointEvery, inlineBytesMax, newestFormat }: DaemonPorts) => ({
  ...(newestFormat === undefined ? {} : { newestFormat }),
  ...(checkpointEvery === undefined ? {} : { checkpointEvery }),
  ...(inlineBytesMax === undefined ? {} : { inlineBytesMax }),
})
