import { createHash } from 'node:crypto'
import type { EnumSchema, FieldType, MessageSchema } from '../../model/event-schema.ts'

/**
 * Identity of a schema's meaning: SHA-256, 64 hex digits, over everything the message reaches.
 *
 * Two texts that differ in comments, files or unreachable messages have one checksum; a field that
 * moves, is renamed or changes its type has another. The order of fields counts, since it is the
 * order of columns.
 */
export function messageSchemaChecksum(schema: MessageSchema): string {
  const lines: string[] = []
  const seen = new Set<object>()
  const waiting: (MessageSchema | EnumSchema)[] = [schema]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    lines.push('fields' in next ? messageLine(next, waiting) : enumLine(next))
  }
  const first = JSON.stringify(schema.fullName)
  return createHash('sha256')
    .update([first, ...lines.sort()].join('\n'))
    .digest('hex')
}

function messageLine(message: MessageSchema, waiting: (MessageSchema | EnumSchema)[]): string {
  const fields = message.fields.map((field) => {
    const type = typeText(field.type, waiting)
    const { name, number, repeated, presence, oneof, delimited } = field
    return [name, number, type, repeated, presence, oneof ?? null, ...(delimited ? [true] : [])]
  })
  return JSON.stringify(['message', message.fullName, fields])
}

const enumLine = (values: EnumSchema): string =>
  JSON.stringify(['enum', values.fullName, values.closed, [...values.names]])

function typeText(type: FieldType, waiting: (MessageSchema | EnumSchema)[]): string {
  switch (type.kind) {
    case 'scalar':
      return type.scalar
    case 'enum':
      waiting.push(type.values)
      return `.${type.values.fullName}`
    case 'message':
      waiting.push(type.message)
      return `.${type.message.fullName}`
    case 'map':
      return `map<${type.key}, ${typeText(type.value, waiting)}>`
  }
}
