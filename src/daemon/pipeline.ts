/** The whole service on one page. Read downwards: this is the path of a record. */

import { messageJson } from '../codec/protobuf/message-json.ts'
import { FilterStep } from '../etl/filter-step.ts'
import { ModuleStage } from '../etl/module-stage.ts'
import { DeadLetterTable } from '../exporter/dead-letter-table.ts'
import { Exporter } from '../exporter/exporter.ts'
import type { BuilderMemory } from '../exporter/page-relief.ts'
import { PositionTable } from '../exporter/position-table.ts'
import { WaitingEvents } from '../exporter/waiting-events.ts'
import { Kernel } from '../kernel/kernel.ts'
import type { EventLoad } from '../model/event-load.ts'
import { EventTimeGuard } from '../parser/event-time.ts'
import { Parser } from '../parser/parser.ts'
import { Intake, type IntakeParts } from '../source/intake.ts'
import type { ResolvedConfig } from './config/resolved-config.ts'
import type { LaneParts } from './lane.ts'
import type { PipelinePorts } from './pipeline-ports.ts'
import {
  deadLetterTable,
  exportedStreams,
  filterRules,
  guardedStreams,
  moduleSteps,
  parsedStreams,
  progressedStreams,
} from './stage-streams.ts'

/** All streams share one lane: one set of offsets, one entry a minute. */
export const lakeLane = 'lake'

export type Stages = Pick<LaneParts, 'intake' | 'exporter' | 'positions' | 'modules'> & {
  readonly kernel: Kernel
  readonly parser: Parser
  /** Takes records through the stages to their end; the kernel's input holds them. */
  readonly onLoad: (load: EventLoad) => void
}

export function buildPipeline(config: ResolvedConfig, ports: PipelinePorts): Stages {
  const kernel = Kernel.open({
    hashSeed: ports.hashSeed,
    memoryMaxBytes: kernelBytesOf(ports.bufferBytesMax),
    renderMessage: messageJson(),
  })
  const { input } = kernel
  const positions = new PositionTable(lakeLane, progressedStreams(config))
  const letters = new DeadLetterTable(
    deadLetterTable(config.pipeline, kernel, ports.deadLetterSchema),
    input,
  )
  const { nextCommitId, growing } = ports
  const streams = exportedStreams(config, kernel, growing)

  const waitingRoom = waitingRoomOf(kernel, ports.bufferBytesMax)
  const builders = buildersOf(kernel, ports.bufferBytesMax)
  const exporting = { streams, letters, positions, input, waitingRoom, builders, nextCommitId }
  const exporter = new Exporter(exporting)
  const { schemas } = ports
  const unread = ports.sieve?.before(exporter) ?? exporter
  const parser = new Parser(parsedStreams(config), input, unread, { schemas })
  const guard = new EventTimeGuard(guardedStreams(config), input, exporter)
  const judge = judgeOf(guard, ports)
  const filters = new FilterStep(filterRules(config), input, exporter)
  const modules = new ModuleStage({
    steps: moduleSteps(config, ports),
    input,
    onRows: (rows) => exporter.appendModuleRows(rows),
    onBroken: ports.onModuleBroken,
  })

  const onLoad = (load: EventLoad): void => {
    for (let first = 0; first < load.records.count; ) {
      load.events.count = 0
      first = parser.parse(load.records, first, load.events)
      judge(load)
      exporter.route(load)
      filters.apply(load)
      modules.take(load)
      exporter.append(load)
    }
  }
  const intake = new Intake({
    input,
    onLoad,
    onAdvance: (source, next, leaderEpoch) => positions.advance(source, next, leaderEpoch),
    ...schemaChecks(config, ports, parser),
    onUnreadable: ports.onUnreadable,
  })
  return { kernel, parser, onLoad, intake, exporter, positions, modules }
}

/** Which events are routed: those whose time can be; of dead letters those that are wanted. */
const judgeOf = (guard: EventTimeGuard, { sieve, lakeNowMs }: PipelinePorts) =>
  sieve === undefined
    ? (load: EventLoad): void => guard.apply(load, 0, lakeNowMs())
    : (load: EventLoad): void => sieve.apply(load)

const none: ReadonlySet<number> = new Set()

/** Where no stream is in Confluent's wire format, nobody looks for it. */
const schemaChecks = (
  { streams }: ResolvedConfig,
  { onSchemasMissing }: PipelinePorts,
  parser: Parser,
): Pick<IntakeParts, 'missingSchemas' | 'onSchemasMissing'> => ({
  onSchemasMissing,
  missingSchemas: streams.some(({ format }) => format === 'confluent-protobuf')
    ? (records, first) => parser.missingSchemas(records, first)
    : () => none,
})

/**
 * Room for the largest batch that is taken at all, in the input and once more as a dead letter,
 * each in a block of twice its size at worst, and for the page it goes into. Used only when one
 * comes.
 */
const largestBatchBytes = 1_024 * 1_024 * 1_024
const kernelBytesMax = 4 * 1_024 * 1_024 * 1_024 - 65_536

/** Open pages live in the kernel's memory, beside its input; half of the budget is committed. */
const kernelBytesOf = (bufferBytesMax: number): number =>
  Math.min(kernelBytesMax, largestBatchBytes + 2 * bufferBytesMax)

const buildersShare = 1 / 3
/** Pages of one file or two are closed when they are full, however small the budget. */
const builderBytesLeast = 16 * 1_024 * 1_024

/**
 * Finished pages take the rest of the budget: those of two commits, one under way. So much is what
 * hundreds of files need until a commit is due anyway; pages that are closed for less are small.
 */
const buildersOf = (kernel: Kernel, bufferBytesMax: number): BuilderMemory => ({
  get takenBytes() {
    return kernel.takenBytes
  },
  get everTakenBytes() {
    return kernel.memoryBytes
  },
  set isShort(isShort: boolean) {
    kernel.isMemoryShort = isShort
  },
  growBy: (bytes) => kernel.growBy(bytes),
  takenBytesMax: Math.max(builderBytesLeast, Math.floor(bufferBytesMax * buildersShare)),
})

const waitingBytesMax = 64 * 1_024 * 1_024

/** Events that wait for more of their file take a small part of the budget. */
function waitingRoomOf(kernel: Kernel, bufferBytesMax: number): WaitingEvents {
  const sizeBytesMax = Math.min(waitingBytesMax, bufferBytesMax / 16)
  const { input } = kernel
  return new WaitingEvents({ input, sizeBytesMax, copies: kernel.copies(sizeBytesMax) })
}
