import type { ResolvedStep, ResolvedStream } from '../daemon/config/resolved-config.ts'
import type { ColumnLeaf, ColumnNode } from '../model/table-schema.ts'

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
  /** `file.mode`. */
  readonly fileMode: 'new' | 'continue'
  readonly columns: readonly PlannedColumn[]
  readonly etl: readonly string[]
  readonly late: string
}

interface PlannedColumn {
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
    fileMode: stream.file.mode,
    columns: stream.plan.schema.columns.map((node) => ({ name: node.name, type: typeName(node) })),
    etl: stream.etl.map(stepName),
    late: stream.late.policy,
  }
}

const stepName = (step: ResolvedStep): string =>
  step.kind === 'filter' ? `filter ${step.reason}: ${step.where}` : `module ${step.file}`

/** How people write a column's type. */
function typeName(node: ColumnNode): string {
  if (node.kind === 'leaf') return leafTypeName(node)
  const [inner] = node.children
  const parts = inner?.kind === 'group' ? inner.children.map(typeName) : []
  if (node.logical === 'list') return `list<${parts.join(', ')}>`
  if (node.logical === 'map') return `map<${parts.join(', ')}>`
  return `struct<${node.children.map(({ name }) => name).join(', ')}>`
}

function leafTypeName({ logical, physical }: ColumnLeaf): string {
  if (logical !== undefined) return logical
  return physical === 'byte-array' ? 'bytes' : physical
}
