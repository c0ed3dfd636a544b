/** The configured streams as each stage sees them; an index is the same stream everywhere. */
import { assert, present } from '../base/assert.ts'
import { compileFilter } from '../etl/expression.ts'
import type { FilterRule } from '../etl/filter-step.ts'
import { ModuleStep } from '../etl/module-step.ts'
import type { ExportedStream, ExportedTable } from '../exporter/exported-stream.ts'
import { parquetOptions } from '../exporter/parquet-options.ts'
import type { ProgressedStream } from '../exporter/position-table.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { planTable } from '../kernel/table-plan.ts'
import { deadLetterStream } from '../model/dead-letter.ts'
import type { MessageSchema } from '../model/event-schema.ts'
import type { ConfiguredStream } from '../model/log-entry.ts'
import { deadLetterTableName } from '../model/log-shard.ts'
import type { GuardedStream } from '../parser/event-time.ts'
import type { ParsedStream } from '../parser/parsed-stream.ts'
import { findTimeField } from '../parser/time-field.ts'
import { divertedStream, divertedTable } from '../protocol/late.ts'
import type { ReadyStream } from '../protocol/readiness-facts.ts'
import { targetName } from '../readiness/config.ts'
import type { AlignedStream } from './alignment.ts'
import type { ResolvedConfig, ResolvedStream } from './config/resolved-config.ts'
import type { PipelinePorts } from './pipeline-ports.ts'
import { TimedModule } from './timed-module.ts'

const deadLetterRowGroupBytes = 128 * 1_024 * 1_024

export const parsedStreams = ({ streams }: ResolvedConfig): readonly ParsedStream[] =>
  streams.map(({ name, topics, format, scheme, message, eventTime }) => {
    const asked = findTimeField(message, eventTime)
    assert(asked?.kind !== 'refused', 'the field of the event time was looked for')
    return { name, topics, format, scheme, message: message.fullName, timeField: asked?.field }
  })

/** Names and patterns of the topics of all streams, each once. */
export const selectorsOf = ({ streams }: ResolvedConfig): readonly string[] => [
  ...new Set(streams.flatMap(({ topics }) => topics)),
]

export const guardedStreams = ({ streams }: ResolvedConfig): readonly GuardedStream[] =>
  streams.map(({ name, scheme, eventTime }) => ({
    name,
    scheme,
    limits: { futureMaxMs: eventTime.futureMax, pastMaxMs: eventTime.pastMax },
  }))

export const progressedStreams = ({ streams }: ResolvedConfig): readonly ProgressedStream[] =>
  streams.map(({ name, eventTime }) => ({ name, outOfOrdernessMs: eventTime.outOfOrderness }))

/** Those that want their topic-partitions side by side; places are those of `progressedStreams`. */
export const alignedStreams = ({ streams, ready }: ResolvedConfig): readonly AlignedStream[] =>
  streams.flatMap(({ name, topics, alignment }, index) =>
    alignment === undefined
      ? []
      : [{ name, topics, maxSkewMs: alignment.maxSkew, idleMs: ready.idle, index }],
  )

export const filterRules = ({ streams }: ResolvedConfig): readonly (readonly FilterRule[])[] =>
  streams.map(({ name, message, etl }) =>
    etl.flatMap((step) =>
      step.kind === 'filter'
        ? [{ filter: compileFilter(step.where, message, name), reason: step.reason }]
        : [],
    ),
  )

type ModulePorts = Pick<PipelinePorts, 'modules' | 'clock' | 'telemetry'>

/** By index of the configured stream. */
export const moduleSteps = (
  { streams }: ResolvedConfig,
  { modules, clock, telemetry }: ModulePorts,
): ReadonlyMap<number, ModuleStep> =>
  new Map(
    [...modules].map(([index, module]) => {
      const { name, scheme } = present(streams[index], 'a module belongs to a stream')
      const timing = { stream: name, clock, metrics: telemetry.metrics }
      return [index, new ModuleStep({ name, scheme }, new TimedModule(module, timing))]
    }),
  )

export const readyStreams = ({ streams, ready }: ResolvedConfig): readonly ReadyStream[] =>
  streams.map(({ name, table, topics, scheme, late, ready: conditions }) => ({
    name,
    table,
    topics,
    scheme,
    readyDelayMs: ready.delay,
    idleMs: ready.idle,
    lateEveryMs: late.every,
    emptyRunMax: conditions.emptyRunMax,
    conditions: {
      rowsMin: conditions.rowsMin,
      deadLettersMax: conditions.deadLettersMax,
      after: conditions.after,
    },
    targets: ready.notify.map(targetName),
  }))

export const configuredStreams = ({ streams }: ResolvedConfig): readonly ConfiguredStream[] =>
  streams.map(({ name, table, topics }) => ({ name, table, topics }))

/** @param growing tables whose files grow. */
export const exportedStreams = (
  { streams }: ResolvedConfig,
  kernel: Kernel,
  growing: ReadonlySet<string> = new Set(),
): readonly ExportedStream[] => streams.map((stream) => exportedStream(stream, kernel, growing))

function exportedStream(
  stream: ResolvedStream,
  kernel: Kernel,
  growing: ReadonlySet<string>,
): ExportedStream {
  const { name, table, file, scheme, schemaVersion, message, eventTime } = stream
  const { identity, names, mapping, late } = stream
  const written = {
    compiled: kernel.compile(planTable(message, { identity, names, mapping })),
    file: parquetOptions(
      file,
      new Map([
        ['lakeward.stream', name],
        ['lakeward.schema.version', String(schemaVersion)],
      ]),
    ),
    rollBytes: file.rollBytes,
    schemaVersion,
    grows: growing.has(table),
  }
  return {
    stream: name,
    table,
    ...written,
    scheme,
    outOfOrdernessMs: eventTime.outOfOrderness,
    late: { policy: late.policy, closeAfterMs: late.closeAfter },
    diverted: {
      stream: divertedStream(name),
      table: divertedTable(table),
      ...written,
      grows: false,
    },
  }
}

/** Every table that files are staged in. */
export const tablesOf = ({ pipeline, streams }: ResolvedConfig): readonly string[] => [
  ...new Set(streams.flatMap(({ table }) => [table, divertedTable(table)])),
  deadLetterTableName(pipeline),
]

/** The table of dead letters: partitioned by the day of the commit, never announced. */
export function deadLetterTable(
  pipeline: string,
  kernel: Kernel,
  message: MessageSchema,
): ExportedTable {
  return {
    stream: deadLetterStream,
    table: deadLetterTableName(pipeline),
    compiled: kernel.compile(planTable(message, { identity: [], names: 'as-declared' })),
    file: {
      codec: 'zstd',
      encodings: 'auto',
      level: 1,
      rowGroupBytesMax: deadLetterRowGroupBytes,
      pageIndex: true,
      bloom: undefined,
      keyValues: new Map(),
    },
    rollBytes: deadLetterRowGroupBytes,
    schemaVersion: 1,
    grows: false,
  }
}
