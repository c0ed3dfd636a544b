import { resolve } from 'node:path'
import { present } from '../../base/assert.ts'
import { Fault } from '../../base/fault.ts'
import { parseDescriptorSet } from '../../codec/protobuf/descriptor-set.ts'
import { parseMessageSchema } from '../../codec/protobuf/parse-schema.ts'
import { compileFilter } from '../../etl/expression.ts'
import { planTable, type TablePlan } from '../../kernel/table-plan.ts'
import type { MessageSchema } from '../../model/event-schema.ts'
import type { PhysicalType } from '../../model/table-schema.ts'
import { findTimeField } from '../../parser/time-field.ts'
import type { Config } from '../config.ts'
import { checksumOf, schemaChecksum, textChecksum } from './checksum.ts'
import { pathOfFileUrl } from './lake-config.ts'
import { nearestOf } from './nearest.ts'
import type { ConfigProblem, KeyPath } from './problems.ts'
import {
  type ResolvedConfig,
  type ResolvedStep,
  type ResolvedStream,
  schemaVersionInForce,
} from './resolved-config.ts'
import type { PlacedStream } from './stream-config.ts'

/** Where a configuration came from. */
export interface ConfigOrigin {
  readonly file: string
  /** Absolute. */
  readonly folder: string
}

/** The texts that a stream's configuration refers to. */
export interface StreamTexts {
  /** Schema sources by path from their root; `schemaFile` is the one with the message. */
  readonly sources: ReadonlyMap<string, string>
  readonly schemaFile: string
  /** The schema file where it is a compiled set. */
  readonly descriptorSet: Uint8Array | undefined
  /** Text of each ETL module that was found, by its path as configured. */
  readonly modules: ReadonlyMap<string, string>
}

export interface StreamResolution {
  /** Undefined when there is any problem. */
  readonly resolved: ResolvedStream | undefined
  readonly problems: readonly ConfigProblem[]
}

/** Puts a stream together with its schema; tells all that does not fit. */
export function resolveStream(
  placed: PlacedStream,
  texts: StreamTexts,
  folder: string,
): StreamResolution {
  const { stream, index } = placed
  const path: KeyPath = ['streams', index]
  const read = attempt([...path, 'schema'], () => readSchema(texts, stream.schema.message))
  const message = read.value
  const planned =
    message === undefined
      ? nothing
      : attempt([...path, 'schema'], () =>
          planTable(message, {
            identity: stream.columns,
            names: stream.names,
            mapping: stream.mapping,
          }),
        )
  const problems = [
    ...read.problems,
    ...planned.problems,
    ...(planned.value === undefined ? [] : partitionClashes(placed, planned.value)),
    ...(planned.value === undefined ? [] : bloomProblems(placed, planned.value)),
    ...(message === undefined ? [] : filterProblems(placed, message)),
    ...(message === undefined ? [] : timeProblems(placed, message)),
    ...missingModules(placed, texts, folder),
  ]
  if (planned.value === undefined || problems.length > 0) return { resolved: undefined, problems }
  return { resolved: resolvedStream(placed, planned.value, { texts, folder }), problems }
}

function readSchema({ sources, schemaFile, descriptorSet }: StreamTexts, message: string) {
  return descriptorSet === undefined
    ? parseMessageSchema(sources, schemaFile, message)
    : parseDescriptorSet(descriptorSet, schemaFile, message)
}

/** Readers add a column for each part of the folder's path, so no other may have its name. */
function partitionClashes(
  { index, stream }: PlacedStream,
  { schema }: TablePlan,
): readonly ConfigProblem[] {
  const taken = stream.partition.by === 'hour' ? ['dt', 'hour'] : ['dt']
  return schema.columns.flatMap(({ name }) => {
    if (!taken.includes(name.toLowerCase())) return []
    const clash = `column "${name}" of message "${stream.schema.message}" has the name of a column`
    const text = `${clash} that partitions the table; accepted: all but ${taken.join(', ')}`
    return [{ path: ['streams', index, 'schema', 'message'], text }]
  })
}

/** Columns of values only; not of fractions, where a filter would tell 0 from -0. */
function bloomProblems(
  { index, stream }: PlacedStream,
  { schema }: TablePlan,
): readonly ConfigProblem[] {
  const columns = schema.leaves
    .filter(({ leaf }) => !unfiltered.includes(leaf.physical))
    .map(({ path }) => path.join('.'))
  return stream.file.bloom.flatMap((name, position) => {
    if (columns.includes(name)) return []
    const nearest = nearestOf(name, columns)
    const accepted = nearest.length > 0 ? nearest : columns.slice(0, namedColumnsMax)
    const more = columns.length - accepted.length
    const others = more === 0 ? '' : `, and ${more} more`
    const text = `"${name}" is not a column that can have a Bloom filter`
    return [
      {
        path: ['streams', index, 'file', 'bloom', position],
        text: `${text}; accepted: ${accepted.join(', ')}${others}`,
      },
    ]
  })
}

const unfiltered: readonly PhysicalType[] = ['boolean', 'int96', 'float', 'double']
const namedColumnsMax = 40

/** Filters are compiled where they run; here only to see whether they can be. */
function filterProblems(
  { index, stream }: PlacedStream,
  message: MessageSchema,
): readonly ConfigProblem[] {
  return stream.etl.flatMap((step, position) => {
    if (step.kind !== 'filter') return []
    const path = ['streams', index, 'etl', position, 'filter', 'where']
    return attempt(path, () => compileFilter(step.where, message, stream.name)).problems
  })
}

function timeProblems(
  { index, stream }: PlacedStream,
  message: MessageSchema,
): readonly ConfigProblem[] {
  const asked = findTimeField(message, stream.eventTime)
  if (asked?.kind !== 'refused') return []
  return [{ path: ['streams', index, 'eventTime', asked.key], text: asked.why }]
}

const nothing = { value: undefined, problems: [] } as const

interface Attempt<T> {
  readonly value: T | undefined
  readonly problems: readonly ConfigProblem[]
}

/** A fault of the user's becomes one problem among others; anything else is thrown on. */
function attempt<T>(path: KeyPath, action: () => T): Attempt<T> {
  try {
    return { value: action(), problems: [] }
  } catch (error) {
    if (!(error instanceof Fault) || error.domain !== 'user') throw error
    return { value: undefined, problems: [{ path, text: error.message }] }
  }
}

function missingModules(
  { index, stream }: PlacedStream,
  { modules }: StreamTexts,
  folder: string,
): readonly ConfigProblem[] {
  return stream.etl.flatMap((step, position) => {
    if (step.kind !== 'module' || modules.has(step.file)) return []
    const text = `there is no file "${resolve(folder, step.file)}"; accepted: path of a file`
    return [{ path: ['streams', index, 'etl', position, 'module'], text }]
  })
}

function resolvedStream(
  { index, stream }: PlacedStream,
  plan: TablePlan,
  { texts, folder }: { readonly texts: StreamTexts; readonly folder: string },
): ResolvedStream {
  const { schema: _schema, partition, columns, etl, ...rest } = stream
  return {
    ...rest,
    index,
    message: plan.message,
    plan,
    schemaVersion: schemaVersionInForce,
    schemaChecksum: schemaChecksum(plan.message),
    scheme: partition,
    identity: columns,
    etl: etl.map((step): ResolvedStep => {
      if (step.kind === 'filter') return step
      const text = present(texts.modules.get(step.file), 'the text of each module was read')
      return { kind: 'module', file: resolve(folder, step.file), checksum: textChecksum(text) }
    }),
  }
}

/** Puts a configuration together with its streams, which are all resolved and in order. */
export function resolveConfig(
  config: Config,
  streams: readonly ResolvedStream[],
  origin: ConfigOrigin,
): ResolvedConfig {
  return {
    ...config,
    ...origin,
    lakeFolder: lakeFolderOf(config.lake.url, origin.folder),
    lakeUrl: config.lake.hdfs?.location ?? config.lake.url,
    streams,
    checksum: checksumOf(config, streams),
  }
}

function lakeFolderOf(url: string, folder: string): string | undefined {
  if (!url.startsWith('file:')) return undefined
  return resolve(folder, present(pathOfFileUrl(url), 'the url of the lake was checked'))
}
