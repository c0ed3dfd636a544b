/** Puts together what runs in a daemon between start and stop. */
import type { Fault } from '../base/fault.ts'
import { durationMs, type UnixMs } from '../base/time.ts'
import { Committer } from '../committer/committer.ts'
import type { PositionTable } from '../exporter/position-table.ts'
import { topicPartitionName } from '../model/topic-partition.ts'
import { WriterSchemas } from '../parser/writer-schemas.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Heap } from '../ports/heap.ts'
import type { Lake } from '../ports/lake.ts'
import { decideEvidence } from '../protocol/evidence.ts'
import type { LakeTrouble } from '../protocol/readiness-facts.ts'
import { Announcer } from '../readiness/announcer.ts'
import type { ReadinessSetup } from '../readiness/facts.ts'
import { Outbox } from '../readiness/outbox.ts'
import { Registrar } from '../readiness/registrar.ts'
import { CommitLoop } from './commit-loop.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import type { DaemonPorts } from './daemon-ports.ts'
import { Lane } from './lane.ts'
import { memoryBoundsOf } from './memory-bounds.ts'
import { buildPipeline, lakeLane, type Stages } from './pipeline.ts'
import { SchemaDesk } from './schema-desk.ts'
import { beginTopics } from './shard-duties.ts'
import { alignedStreams, readyStreams, selectorsOf } from './stage-streams.ts'
import type { StartRule } from './start-positions.ts'

const outboxPauseMs = durationMs(250)

export interface Running {
  readonly lake: Lake
  readonly log: CommitLog
  readonly lane: Lane
  readonly commits: CommitLoop
  readonly committer: Committer
  readonly announcer: Announcer
  readonly outbox: Outbox
  readonly registrar: Registrar
  readonly schemas: SchemaDesk
}

export interface AssemblyParts {
  readonly config: ResolvedConfig
  readonly ports: DaemonPorts
  readonly log: CommitLog
  /** Tables whose files grow. */
  readonly growing: ReadonlySet<string>
  /** Aborted when the process ends with work undone. */
  readonly signal: AbortSignal
  /** The process must end. */
  readonly onFatal: (error: unknown) => void
}

export function assemble(parts: AssemblyParts): Running {
  const { config, ports, log, signal } = parts
  const { lake, clock, random, telemetry, source, notifiers, heap } = ports
  const { pipeline, commit, ready } = config
  const committer = new Committer({ lake, pipeline, clock, random, telemetry, signal, log })
  // Lane, loop and announcer ask each other: whoever is asked is there when the first one runs.
  const readiness = readinessSetup(config, { committer, log, lane: () => lane })
  const around = { lake, log, clock, random, telemetry }
  const announcer = new Announcer(readiness, { ...around, brokers: source })
  const commits: CommitLoop = new CommitLoop({
    intervalMs: commit.interval,
    steps: {
      refresh: () => lane.refresh(),
      seal: (fold) => lane.seal(fold),
      commit: (sealed) => lane.commit(sealed),
      committed: (sealed) => lane.committed(sealed),
      followLog: () => lane.followLog(),
      startOver: () => lane.startOver(),
    },
    clock,
    random,
    telemetry,
  })
  const writerSchemas = new WriterSchemas()
  const positions = (): PositionTable => stages.positions
  const schemas = schemaDesk(parts, { writerSchemas, positions, lane: () => lane })
  const stages = buildStages(parts, { lane: () => lane, schemas, writerSchemas })
  const lane: Lane = new Lane({
    ...stages,
    log,
    source,
    clock,
    random,
    telemetry,
    signal,
    rule: startRuleOf(parts),
    memory: memoryBoundsOf(config),
    aligned: alignedStreams(config),
    evidenceWanted: (_fold, owned) => decideEvidence(announcer.facts(), owned),
    commit: (sealed) => committer.commit(sealed),
    onCommitted: afterCommit(announcer, heap),
    hurry: () => commits.hurry(),
    commitNow: () => commits.commitNow(),
    onFatal: parts.onFatal,
  })
  const delivery = { deadlineMs: ready.deliver.deadline, pauseMs: outboxPauseMs }
  const outside = { log, clock, random, telemetry }
  const outbox = new Outbox(notifiers, outside, delivery)
  const registrar = new Registrar(notifiers, outside, delivery.deadlineMs)
  return { lake, log, lane, commits, committer, announcer, outbox, registrar, schemas }
}

const afterCommit = (announcer: Announcer, heap: Heap | undefined) => (): void => {
  announcer.nudge()
  heap?.afterCommit()
}

function startRuleOf({ config, ports, signal }: AssemblyParts): StartRule {
  const { lake, clock, random, telemetry } = ports
  const { kafka, shard } = config
  const begin = (topics: ReadonlySet<string>): Promise<void> =>
    shard === undefined
      ? Promise.resolve()
      : beginTopics(shard, topics, { lake, clock, random, telemetry, signal })
  const topics = selectorsOf(config)
  return { lane: lakeLane, start: kafka.start, topics, config, beginTopics: begin }
}

interface DeskParts {
  readonly writerSchemas: WriterSchemas
  readonly positions: () => PositionTable
  readonly lane: () => Lane
}

function schemaDesk({ ports, signal }: AssemblyParts, parts: DeskParts): SchemaDesk {
  const { source, clock, random, schemaRegistry: registry } = ports
  const { writerSchemas: schemas, positions, lane } = parts
  return new SchemaDesk({
    registry,
    schemas,
    source,
    positions,
    clock,
    random,
    signal,
    isHeld: (at) => {
      const name = topicPartitionName(at)
      return lane().heldUp.has(name) || lane().refusals.has(name)
    },
    onError: (error) => lane().halt(error),
  })
}

interface StageParts {
  readonly lane: () => Lane
  readonly schemas: SchemaDesk
  readonly writerSchemas: WriterSchemas
}

function buildStages(
  { config, ports, log, growing }: AssemblyParts,
  { lane, schemas, writerSchemas }: StageParts,
): Stages {
  const { clock, telemetry, random, source, modules, deadLetterSchema } = ports
  return buildPipeline(config, {
    clock,
    telemetry,
    modules,
    deadLetterSchema,
    hashSeed: Buffer.from(random.bytes(8)).readBigUInt64LE(),
    bufferBytesMax: memoryBoundsOf(config).bytesMax,
    nextCommitId: () => log.nextCommitId(),
    lakeNowMs: () => log.lakeNowMs(),
    growing,
    schemas: writerSchemas,
    onSchemasMissing: (at, ids) => schemas.want(at, ids),
    onModuleBroken: (error) => lane().halt(error),
    onUnreadable: (at, fault) => {
      source.pause([at])
      lane().onRefused(at, fault)
    },
  })
}

interface SetupParts {
  readonly committer: Committer
  readonly log: CommitLog
  readonly lane: () => Lane
}

function readinessSetup(config: ResolvedConfig, parts: SetupParts): ReadinessSetup {
  const { committer, log, lane } = parts
  const streams = readyStreams(config)
  const trouble = new TroubleSince(log)
  return {
    pipeline: config.pipeline,
    lakeUrl: config.lakeUrl,
    lane: lakeLane,
    commitIntervalMs: config.commit.interval,
    streams: () => streams,
    ends: () => lane().ends,
    assigned: () => lane().owned,
    lakeTrouble: () => trouble.since(committer.trouble ?? lane().trouble),
    refused: () => lane().refusals,
    heldUp: () => lane().heldUp,
    standing: () => committer.standing,
    stuck: () => committer.stuck,
  }
}

/** What the lake refuses, with the time since when; the same trouble keeps its time. */
class TroubleSince {
  readonly #log: CommitLog
  #sinceMs: UnixMs | undefined

  constructor(log: CommitLog) {
    this.#log = log
  }

  since(fault: Fault | undefined): LakeTrouble | undefined {
    if (fault === undefined) {
      this.#sinceMs = undefined
      return undefined
    }
    this.#sinceMs ??= this.#log.lakeNowMs()
    return { sinceMs: this.#sinceMs, reason: fault.message }
  }
}
