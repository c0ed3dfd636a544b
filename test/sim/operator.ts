/**
 * What operators do while the daemons run, and what makes them do it. Their commands are the
 * product's: they ask, decide and put as `lakeward source accept` and `lakeward log forget` do.
 */
import { present } from '../../src/base/assert.ts'
import { durationMs } from '../../src/base/time.ts'
import { askParts } from '../../src/cli/broker-parts.ts'
import { collectGarbage } from '../../src/committer/collect-garbage.ts'
import { openCommitLog } from '../../src/committer/commit-log.ts'
import { forgetCommit, planForgetCommit } from '../../src/committer/forget-commit.ts'
import { cleanStaging, type JanitorOptions } from '../../src/committer/janitor.ts'
import { lakeLane } from '../../src/daemon/pipeline.ts'
import { tablesOf } from '../../src/daemon/stage-streams.ts'
import { parseCommitId } from '../../src/model/ids.ts'
import { type NextOffset, nextOffset, offset } from '../../src/model/offset.ts'
import { sourceKey, topicPartitionName } from '../../src/model/topic-partition.ts'
import type { CommitLog } from '../../src/ports/commit-log.ts'
import type { BrokerPart } from '../../src/protocol/source-judgement.ts'
import { planAccept, planReset } from '../../src/protocol/source-plan.ts'
import { type Producer, topic } from './daemon-events.ts'
import { loadedConfig, type ProcessWorld, pipeline, type SimProcess } from './daemon-process.ts'
import { SimLake } from './lake.ts'
import type { FaultKind } from './plan.ts'
import type { SimRandom } from './random.ts'
import { unlessUnreadable } from './repairs.ts'
import { SeenTelemetry } from './seen-telemetry.ts'

/** Of the worlds that may. */
const passesShare = 0.5
const forgetsShare = 1
const resetsShare = 0.6
const addsShare = 0.6
const resetPauseMs = 700
const acceptTriesMax = 20
const forgetTriesMax = 40
const forgetPauseMs = 150
const acceptsAfterMsMax = 15_000
const cleaningMsMax = 40
const cleansAfterMsMax = 2_000
const keepForEverMs = durationMs(86_400_000)
const why = 'an operator of the simulation'

export interface OperatorWorld extends ProcessWorld {
  readonly processes: readonly SimProcess[]
  readonly producer: Producer
  readonly pass: (spanMs: number) => Promise<void>
  /** The topic gets one more. */
  addPartition(): void
  /** The topic is another one of the same name. */
  readonly recreateTopic: () => void
  readonly count: (kind: FaultKind) => void
}

export class Operator {
  readonly #world: OperatorWorld
  /** Its own, so that worlds in which nobody does anything go as they go without it. */
  readonly #random: SimRandom
  /** Topic-partitions whose records may go, or went, before anybody reads them. */
  readonly #unread = new Set<string>()
  #isRecreated = false
  /** The step before which each happens; undefined: never. */
  readonly #passesIn: number | undefined
  readonly #forgetsIn: number | undefined
  readonly #resetsIn: number | undefined
  readonly #addsIn: number | undefined

  constructor(world: OperatorWorld, random: SimRandom) {
    this.#world = world
    this.#random = random
    const { faults, stepCount } = world.plan
    const stepOf = (kind: FaultKind, share: number): number | undefined => {
      const step = random.below(Math.ceil(stepCount / share))
      return faults.has(kind) ? step : undefined
    }
    this.#passesIn = stepOf('unread-retention', passesShare)
    this.#forgetsIn = stepOf('commit-forgotten', forgetsShare)
    this.#resetsIn = stepOf('source-reset', resetsShare)
    this.#addsIn = stepOf('partition-added', addsShare)
  }

  /** What happens before a step of the world. */
  act(step: number): void {
    const { plan } = this.#world
    if (step === this.#passesIn) this.#passUnread()
    if (step === this.#forgetsIn) void this.#forget().catch(unlessUnreadable)
    if (step === this.#resetsIn) void this.#reset().catch(unlessUnreadable)
    if (step === this.#addsIn) this.#add()
    if (step === plan.recreatesIn && plan.faults.has('topic-recreated')) this.#recreate()
  }

  /** Records may be gone that nobody has read, of any topic-partition. */
  onUnread(): void {
    const { logs = [] } = this.#world.kafka.topic(topic) ?? {}
    for (const partition of logs.keys()) this.#unread.add(topicPartitionName({ topic, partition }))
  }

  /** Whether it is this operator's to go on from there. */
  knows(refusal: string): boolean {
    if (this.#isRecreated && refusal.includes('was read under topic id')) return true
    return [...this.#unread].some((name) => refusal.includes(`"${name}" has no offset`))
  }

  /** A topic-partition has stopped. */
  get isWanted(): boolean {
    const { processes } = this.#world
    return processes.some(({ daemon }) => (daemon.running?.lane.refused.length ?? 0) > 0)
  }

  /** `lakeward source accept`: reads on at what the brokers have by now. */
  async accept(): Promise<void> {
    const log = await this.#openLog()
    const source = this.#world.kafka.source([topic])
    for (let tries = 1; tries <= acceptTriesMax; tries++) {
      const positions = (await log.refresh()).positions.get(lakeLane) ?? new Map()
      const { parts } = await askParts(source, positions)
      const question = { lane: lakeLane, positions, topic, partition: undefined, parts }
      const plan = planAccept(question)
      if (plan.kind !== 'moves') return
      const commitId = log.nextCommitId()
      const { moves } = plan
      const outcome = await log.put({ kind: 'source', commitId, action: 'accept', why, moves })
      if (outcome.kind === 'decided') return
    }
  }

  /**
   * Two clean staging, one a little after the other, as daemons that start and `lakeward gc` do.
   *
   * @returns when the first one has read the log, and begins.
   */
  async cleanBeside(): Promise<void> {
    const { pass } = this.#world
    const first = await this.#openCleaning()
    cleanStaging(first).catch(unlessUnreadable)
    const clean = async (): Promise<void> => {
      const committing = { ...(await this.#openCleaning()), clock: this.#world.clock }
      // Entries go as daemons let them go.
      const spans = { graceMs: durationMs(0), keepMs: keepForEverMs }
      await collectGarbage({ ...committing, random: this.#random, ...spans })
    }
    void pass(this.#random.below(cleansAfterMsMax)).then(() => clean().catch(unlessUnreadable))
  }

  async #openCleaning(): Promise<JanitorOptions> {
    const { plan, logged } = this.#world
    const lake = this.#lake(() => this.#random.below(cleaningMsMax))
    const tables = tablesOf(await loadedConfig(plan))
    const telemetry = new SeenTelemetry(logged)
    return { lake, log: await this.#openLog(lake), pipeline, tables, telemetry }
  }

  /** Records go that nobody can have read: nobody has run since they came. */
  #passUnread(): void {
    const { kafka, producer, plan, count } = this.#world
    const at = { topic, partition: this.#random.below(plan.partitionCount) }
    for (let n = 2 + this.#random.below(3); n > 0; n--) producer.produceOne(at.partition)
    const { end } = present(kafka.log(at), 'the topic has the partition')
    this.#unread.add(topicPartitionName(at))
    kafka.truncate(at, end - BigInt(this.#random.below(2)))
    count('unread-retention')
    this.#acceptLater()
  }

  #add(): void {
    this.#world.addPartition()
    this.#world.count('partition-added')
  }

  #recreate(): void {
    const { recreateTopic, count } = this.#world
    this.#isRecreated = true
    recreateTopic()
    count('topic-recreated')
    this.#acceptLater()
  }

  #acceptLater(): void {
    const accept = (): Promise<void> => this.accept().catch(unlessUnreadable)
    void this.#world.pass(this.#random.below(acceptsAfterMsMax)).then(accept)
  }

  /** `lakeward source reset`: reads on from somewhere else, all of it once more at times. */
  async #reset(): Promise<void> {
    const { kafka, plan, pass, count } = this.#world
    const log = await this.#openLog()
    const source = kafka.source([topic])
    const partition = this.#random.below(plan.partitionCount)
    const name = topicPartitionName({ topic, partition })
    for (let tries = 1; tries <= acceptTriesMax; tries++) {
      const positions = (await log.refresh()).positions.get(lakeLane) ?? new Map()
      const { parts } = await askParts(source, positions)
      const part = present(
        parts.find((one) => one.source.partition === partition),
        'the brokers have it',
      )
      const question = { lane: lakeLane, positions, topic, partition, parts }
      const to = new Map([[sourceKey(part.source), this.#target(part)]])
      const planned = planReset(question, to)
      if (planned.kind === 'moves') {
        const commitId = log.nextCommitId()
        const { moves } = planned
        // What retention took after it was committed may be what is wanted now.
        this.#unread.add(name)
        const outcome = await log.put({ kind: 'source', commitId, action: 'reset', why, moves })
        if (outcome.kind === 'decided') return count('source-reset')
      }
      await pass(resetPauseMs)
    }
  }

  /** The first record that is there, the end, or anything in between. */
  #target({ earliest = offset(0n), end = nextOffset(0n) }: BrokerPart): NextOffset {
    const drawn = this.#random.below(3)
    if (drawn === 0) return nextOffset(earliest)
    const span = Number(BigInt(end) - BigInt(earliest)) + 1
    return drawn === 1 ? end : nextOffset(BigInt(earliest) + BigInt(this.#random.below(span)))
  }

  /** `lakeward log forget`: gives up what somebody is about to put, or left behind. */
  async #forget(): Promise<void> {
    const { pass, plan, count } = this.#world
    const log = await this.#openLog()
    const tables = tablesOf(await loadedConfig(plan))
    for (let tries = 1; tries <= forgetTriesMax; tries++) {
      const commitId = this.#stagedCommit(log)
      const options = { lake: this.#lake(), log, pipeline, tables }
      if (commitId !== undefined) {
        const { kind } = await planForgetCommit(options, commitId)
        if (kind === 'forget') {
          const outcome = await forgetCommit(log, commitId, why)
          if (outcome.kind !== 'decided') continue
          return count('commit-forgotten')
        }
      }
      await pass(forgetPauseMs)
    }
  }

  /** Any that is not known as decided; a look at the names costs an operator nothing. */
  #stagedCommit({ state }: CommitLog) {
    const ids = new Set<string>()
    for (const path of this.#world.store.keys()) {
      const id = /\/_staging\/([0-9a-f]{32}-\d+)(-spill)?\.json$/.exec(path)?.[1]
      if (id !== undefined && !state.unpublished.has(parseCommitId(id))) ids.add(id)
    }
    const id = [...ids][this.#random.below(ids.size)]
    return id === undefined ? undefined : parseCommitId(id)
  }

  /** An operator waits for a lake that answers. */
  #lake(latencyMs: () => number = () => 1): SimLake {
    const { store, plan, clock } = this.#world
    return new SimLake({ store, kind: plan.lake, clock, latencyMs })
  }

  #openLog(lake: SimLake = this.#lake()): Promise<CommitLog> {
    const { clock, logged } = this.#world
    const telemetry = new SeenTelemetry(logged)
    const around = { lake, clock, random: this.#random, telemetry }
    return openCommitLog({ ...around, pipeline, checkpointEvery: 0 })
  }
}
