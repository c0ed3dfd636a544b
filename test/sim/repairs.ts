/**
 * What of a lake breaks for good, and what operators do about it with the product's code: files
 * that were decided and are gone are read again or given up, as `lakeward log refill` does; what
 * nobody can read of the log is stepped over, as `lakeward log void` does while no daemon runs.
 */
import { isFault } from '../../src/base/fault.ts'
import { entriesBelow, fileOrigins } from '../../src/cli/refilling.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { Committer } from '../../src/committer/committer.ts'
import { cutBack, findLonger } from '../../src/committer/cut-back.ts'
import {
  findLost,
  giveUpLost,
  type LostFiles,
  lostByPartition,
} from '../../src/committer/give-up-lost.ts'
import { planStepOver, stepOver } from '../../src/committer/step-over.ts'
import { lostByEntry, refillLost } from '../../src/daemon/refill.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import { entryPath, parseCheckpointPath } from '../../src/protocol/log-paths.ts'
import { deadLetterSchema } from '../support/lane-world.ts'
import { type Producer, streams, topic } from './daemon-events.ts'
import { configOf, type ProcessWorld, pipeline, type SimProcess } from './daemon-process.ts'
import { readEntry } from './judge/log-entry.ts'
import { SimLake } from './lake.ts'
import type { FaultKind } from './plan.ts'
import type { SimRandom } from './random.ts'
import type { RecordedStore } from './recorded-store.ts'
import { SeenTelemetry } from './seen-telemetry.ts'

const why = 'an operator of the simulation'
/** Of the worlds that may. */
const losesFilesShare = 1
const losesEntryShare = 0.8
const roundsMax = 20
const roundMs = 700
const refusedMsMax = 20_000
const noticedAfterMsMax = 15_000
const triesMax = 20
/** So often reading again is tried before rows are given up. */
const refillsMax = 3
const tryPauseMs = 1_000

export interface RepairedWorld extends ProcessWorld {
  readonly store: RecordedStore
  readonly processes: readonly SimProcess[]
  readonly stopping: Set<SimProcess>
  readonly producer: Producer
  readonly begin: () => Promise<void>
  readonly end: (process: SimProcess) => void
  readonly pass: (spanMs: number) => Promise<void>
  readonly count: (kind: FaultKind) => void
  /** Records may be gone that nobody has read. */
  onUnread(): void
}

/** What an operator is about ends where the log cannot be read. */
export function unlessUnreadable(error: unknown): undefined {
  if (isFault(error, 'LOG_ENTRY_UNREADABLE') || isFault(error, 'LOG_ENTRY_VOIDED')) return undefined
  throw error
}

export class Repairs {
  /** Paths that entries named which were lost. */
  readonly unreadableFiles = new Set<string>()
  readonly #world: RepairedWorld
  readonly #random: SimRandom
  /** The step before which each happens; undefined: never. */
  readonly #losesFilesIn: number | undefined
  readonly #losesEntryIn: number | undefined
  readonly #lost = new Set<string>()
  #isUnreadable = false
  #steppedOver: number | undefined

  constructor(world: RepairedWorld, random: SimRandom) {
    this.#world = world
    this.#random = random
    const { faults, stepCount } = world.plan
    const stepOf = (kind: FaultKind, share: number): number | undefined => {
      const step = random.below(Math.ceil(stepCount / share))
      return faults.has(kind) ? step : undefined
    }
    this.#losesFilesIn = stepOf('files-lost', losesFilesShare)
    this.#losesEntryIn = stepOf('entry-unreadable', losesEntryShare)
  }

  /** What happens before a step of the world. */
  async act(step: number): Promise<void> {
    if (step === this.#losesFilesIn) await this.#loseFile()
    if (step === this.#losesEntryIn) await this.#loseEntry()
  }

  /** Nobody may begin. */
  get isStopping(): boolean {
    return this.#isUnreadable
  }

  /** Whether a daemon may end with it: an operator mends it, and the daemon is restarted. */
  explains(error: unknown): boolean {
    const text = String(error)
    const isLost = [...this.#lost].some((path) => text.includes(`"${path}" of log entry`))
    if (this.#isUnreadable && isFault(error, 'LOG_ENTRY_UNREADABLE')) return true
    return isLost || isFault(error, 'LOG_ENTRY_VOIDED')
  }

  /** A table takes no files for a while, and one that is staged for it goes. */
  async #loseFile(): Promise<void> {
    const { weather, clock, store, count, pass } = this.#world
    const table = streams[this.#random.below(2)] ?? ''
    const untilMs = clock.monotonicMs() + refusedMsMax
    weather.refuse({ table, operations: ['publish'], untilMs })
    const log = await this.#openLog()
    for (let round = 0; round < roundsMax; round++) {
      await this.#produce()
      const { unpublished } = await log.refresh()
      const staged = [...unpublished.values()]
        .flatMap(({ files }) => files)
        .find((file) => store.has(file.stagedPath) && !store.has(file.path))
      if (staged === undefined) continue
      store.lose(staged.stagedPath)
      this.#lost.add(staged.path)
      count('files-lost')
      void pass(this.#random.below(noticedAfterMsMax)).then(() => this.#refill())
      return
    }
  }

  async #refill(): Promise<void> {
    const { pass } = this.#world
    const readsFirst = this.#random.fraction() < 0.7
    for (let tries = 1; tries <= triesMax; tries++) {
      const reads = readsFirst && tries <= refillsMax
      const isDone = await (reads ? this.#readAgain() : this.#giveUp()).catch(unlessUnreadable)
      if (isDone === true) return
      await pass(tryPauseMs)
    }
  }

  /** @returns true once nothing is lost any more. */
  async #readAgain(): Promise<boolean> {
    const { kafka, plan, clock, logged } = this.#world
    const [lake, config] = [this.#lake(), await configOf(plan)]
    const log = await this.#openLog(lake)
    const lakeside = { lake, config, clock }
    const origins = await fileOrigins(lakeside)
    const losses = lostByEntry(await findLost(lake, log), origins)
    const entries = await entriesBelow(lakeside, new Set(losses.map(({ entry }) => entry)))
    const around = { clock, random: this.#random, telemetry: new SeenTelemetry(logged) }
    const modules = new Map<number, never>()
    const registry = { schemaRegistry: undefined, deadLetterSchema: deadLetterSchema() }
    const done = await refillLost(
      {
        config,
        ports: { ...around, modules, ...registry },
        openSource: () => kafka.source([topic], `refill ${this.#random.fraction()}`),
        signal: new AbortController().signal,
        log,
        committer: new Committer({ lake, log, pipeline, ...around }),
        entries,
        origins,
        reason: why,
      },
      losses,
    )
    for (const one of done) if (one.kind === 'refused') this.#judgeRefusal(one.because)
    return done.every(({ kind }) => kind === 'refilled')
  }

  /** What was read is what it was, but for late rows of a partition that is due to be closed. */
  #judgeRefusal(because: string): void {
    const { plan, violations } = this.#world
    if (plan.closeAfterMs !== undefined || !because.startsWith('reading again')) return
    violations.push(`refill: ${because}`)
  }

  /** @returns true once nothing is lost any more. */
  async #giveUp(): Promise<boolean> {
    const { clock, logged } = this.#world
    const lake = this.#lake()
    const log = await this.#openLog(lake)
    const around = { clock, random: this.#random, telemetry: new SeenTelemetry(logged) }
    const committer = new Committer({ lake, log, pipeline, ...around })
    const losses = lostByPartition(await findLost(lake, log))
    const done = await giveUpLost({ lake, committer, log }, losses, why)
    for (const one of done) if (one.kind === 'refused') this.#restore(one)
    return done.every(({ kind }) => kind === 'given-up')
  }

  /**
   * Of what was announced nothing is given up, nor of what stands elsewhere as well: an operator is
   * told to take a copy, and puts it back.
   */
  #restore({ lost, because }: { lost: LostFiles; because: string }): void {
    if (!because.startsWith('it is announced') && !because.includes('copy it there')) return
    for (const { stagedPath } of lost.files) this.#world.store.restore(stagedPath)
  }

  /** The newest entry is torn while nobody runs who has read it, and an operator steps over it. */
  async #loseEntry(): Promise<void> {
    const { store, count, pass } = this.#world
    const log = await this.#openLog()
    for (let round = 0; round < roundsMax; round++) {
      await this.#produce()
      const index = (await log.refresh()).next - 1
      const path = entryPath(pipeline, Math.max(0, index))
      const head = index < 0 ? undefined : store.get(path)?.body
      if (head === undefined || !this.#isNewestAppend(index, head)) continue
      this.#endAll()
      store.tear(path)
      await pass(this.#random.below(noticedAfterMsMax))
      if (await this.#stepOver(index)) {
        count('entry-unreadable')
        this.#remember(head)
        this.#steppedOver = index
      } else store.mend(path)
      await this.#beginAll()
      return
    }
  }

  /**
   * What a dead process had on its way may join a tail of an entry that was stepped over since:
   * `why` asks an operator to stop all daemons, and to give `lakeward log void` once more.
   *
   * @returns whether there was need to.
   */
  async cutAgain(): Promise<boolean> {
    const index = this.#steppedOver
    const isAsked = this.#world.processes.some(({ daemon }) =>
      daemon.running?.announcer.blocks.some(({ rule }) => rule === 'file-missing'),
    )
    if (index === undefined || !isAsked) return false
    const lake = this.#lake()
    const longer = await findLonger(lake, await this.#openLog(lake))
    if (longer.length === 0) return false
    this.#endAll()
    await this.#stepOver(index)
    await this.#beginAll()
    return true
  }

  #endAll(): void {
    const { processes, stopping, end } = this.#world
    for (const process of [...processes, ...stopping]) end(process)
    stopping.clear()
    this.#isUnreadable = true
  }

  async #beginAll(): Promise<void> {
    const { begin, plan } = this.#world
    this.#isUnreadable = false
    this.#world.onUnread()
    for (let n = 0; n < plan.daemonCount; n++) await begin()
  }

  /** Only what nobody begins behind has to be read at all. */
  #isNewestAppend(index: number, head: Uint8Array): boolean {
    const { store } = this.#world
    const paths = [...store.keys()]
    const isCovered = paths.some((path) => (parseCheckpointPath(path)?.next ?? 0) > index)
    const isNewest = !store.has(entryPath(pipeline, index + 1))
    return isNewest && !isCovered && Buffer.from(head).includes('"kind":"append"')
  }

  /** @returns false where it need not be read: a checkpoint came to stand above it. */
  async #stepOver(index: number): Promise<boolean> {
    const { clock, logged } = this.#world
    const around = { clock, random: this.#random, telemetry: new SeenTelemetry(logged) }
    const options = { lake: this.#lake(), pipeline, ...around, checkpointEvery: 0 }
    for (let tries = 1; tries <= triesMax; tries++) {
      const plan = await planStepOver(options, [index])
      if (plan.kind === 'refuse') return false
      const isDone =
        plan.kind === 'done' || (await stepOver(options, plan.unreadable, why))?.kind === 'decided'
      if (!isDone) continue
      for (const { path, kind } of await cutBack(options)) {
        if (kind === 'kept') this.#world.violations.push(`"${path}" cannot be cut back`)
      }
      return true
    }
    this.#world.violations.push(`entry ${index} cannot be stepped over`)
    return false
  }

  #remember(head: Uint8Array): void {
    const { store } = this.#world
    const entry = readEntry(head, (path) => store.firstHeld.get(path)?.body)
    if (entry.kind !== 'append') return
    for (const { path } of entry.body.files) this.unreadableFiles.add(path)
  }

  async #produce(): Promise<void> {
    const { producer, pass } = this.#world
    producer.produce()
    await pass(this.#random.below(2 * roundMs))
  }

  #lake(): SimLake {
    const { store, plan, clock } = this.#world
    return new SimLake({ store, kind: plan.lake, clock, latencyMs: () => 1 })
  }

  #openLog(lake: SimLake = this.#lake()): Promise<CommitLog> {
    const { clock, logged } = this.#world
    const around = { clock, random: this.#random, telemetry: new SeenTelemetry(logged) }
    return openCommitLog({ lake, ...around, pipeline, checkpointEvery: 0 })
  }
}
