/**
 * What shapes the lake, as canonical text: two daemons with one checksum write the same.
 *
 * Left out on purpose: how records are reached (brokers, group, login), how often is committed, how
 * far ahead is read, how much memory there is, where metrics are served. These may differ between
 * hosts.
 */
import { createHash } from 'node:crypto'
import type { FieldSchema, FieldType, MessageSchema } from '../../model/event-schema.ts'
import { targetName } from '../../readiness/config.ts'
import type { Config } from '../config.ts'
import type { ResolvedStream } from './resolved-config.ts'
import type { ShardSelectors } from './shards.ts'

/** SHA-256, hex, of a text. */
export const textChecksum = (text: string): string =>
  createHash('sha256').update(text).digest('hex')

/**
 * Checksum for the `config` entries of the commit log.
 *
 * @param shards of a log that has some, as its first one knows them.
 */
export function checksumOf(
  config: Pick<Config, 'pipeline' | 'ready'>,
  streams: readonly ResolvedStream[],
  shards?: ShardSelectors,
): string {
  const { delay, idle, notify } = config.ready
  return textChecksum(
    canonicalText({
      pipeline: config.pipeline,
      ready: { delay, idle, notify: notify.map(targetName) },
      streams: streams.map(shapeOf),
      shards,
    }),
  )
}

const shapeOf = (stream: ResolvedStream): unknown => {
  const { message: _message, plan: _plan, index: _index, etl, limits, ...written } = stream
  const { alignment: _alignment, ...rest } = written
  const { buffers: _buffers, ...moduleLimits } = limits
  const steps = etl.map((step) => (step.kind === 'module' ? step.checksum : step))
  return { ...rest, limits: moduleLimits, etl: steps }
}

/** Checksum of a message and all it refers to. Comments do not count; the order of fields does. */
export function schemaChecksum(message: MessageSchema): string {
  const types = new Map<string, unknown>()
  describeMessage(message, types)
  return textChecksum(canonicalText([...types.values()]))
}

/** Messages may refer to each other in circles, so each is described once, by name. */
function describeMessage(message: MessageSchema, types: Map<string, unknown>): void {
  if (types.has(message.fullName)) return
  const { fullName, syntax } = message
  const described: Record<string, unknown> = { fullName, syntax }
  types.set(fullName, described)
  described['fields'] = message.fields.map((field) => describeField(field, types))
}

function describeField(field: FieldSchema, types: Map<string, unknown>): unknown {
  const { comment: _comment, type, ...rest } = field
  return { ...rest, oneof: rest.oneof ?? '', type: describeType(type, types) }
}

function describeType(type: FieldType, types: Map<string, unknown>): unknown {
  switch (type.kind) {
    case 'scalar':
      return type.scalar
    case 'enum':
      return { ...type.values, names: [...type.values.names] }
    case 'message':
      describeMessage(type.message, types)
      return { message: type.message.fullName }
    case 'map':
      return { key: type.key, value: describeType(type.value, types) }
  }
}

/** JSON with sorted keys, so that the order in which something was written does not count. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
