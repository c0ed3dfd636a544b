import type { ResolvedStep, ResolvedStream } from '../daemon/config/resolved-config.ts'
import type { FieldSchema, FieldType } from '../model/event-schema.ts'

/** What one stream of a configuration comes to, for `lakeward check`. */
export interface StreamPlan {
  readonly name: string
  readonly topics: readonly string[]
  readonly format: string
  readonly message: string
  readonly schemaVersion: number
  readonly schemaChecksum: string
  readonly table: string
  readonly partition: { readonly by: string; readonly timezone: string; readonly example: string }
  readonly columns: readonly PlannedColumn[]
  readonly etl: readonly string[]
  readonly late: string
}

export interface PlannedColumn {
  readonly name: string
  /** As people write it: "string", "list<int64>". */
  readonly type: string
}

/** The plan of one stream. */
export function planOfStream(stream: ResolvedStream): StreamPlan {
  const { name, topics, format, message, schemaVersion, schemaChecksum, table, scheme } = stream
  const example = scheme.by === 'hour' ? 'dt=2026-11-20/hour=13' : 'dt=2026-11-20'
  return {
    name,
    topics,
    format,
    message: message.fullName,
    schemaVersion,
    schemaChecksum,
    table,
    partition: { ...scheme, example },
    columns: columnsOf(stream),
    etl: stream.etl.map(stepName),
    late: stream.late.policy,
  }
}

const stepName = (step: ResolvedStep): string =>
  step.kind === 'filter' ? `filter ${step.reason}: ${step.where}` : `module ${step.file}`

function columnsOf({ message, identity }: ResolvedStream): readonly PlannedColumn[] {
  return [
    ...message.fields.map((field) => ({ name: field.name, type: fieldTypeName(field) })),
    ...identity.map((name) => ({ name, type: 'identity' })),
  ]
}

function fieldTypeName({ type, repeated }: FieldSchema): string {
  return repeated ? `list<${typeName(type)}>` : typeName(type)
}

function typeName(type: FieldType): string {
  switch (type.kind) {
    case 'scalar':
      return type.scalar
    case 'enum':
      return type.values.fullName
    case 'message':
      return type.message.fullName
    case 'map':
      return `map<${type.key}, ${typeName(type.value)}>`
  }
}
