/**
 * Schemas that this version refuses, each by name and with its reason. A schema that is refused and
 * does not stand here is a failure, and so is one that stands here and is taken.
 */
import type { SchemaText } from './references.ts'

export interface RefusedSchema {
  readonly name: string
  readonly schema: SchemaText
  /** What the refusal must say. */
  readonly says: RegExp
  readonly because: string
}

const schemaOf = (body: string, syntax = 'proto3'): SchemaText => {
  const text = `syntax = "${syntax}";\npackage conformance;\n${body}\n`
  return { text, message: 'conformance.A' }
}

const fields = (type: string, count: number): string =>
  Array.from({ length: count }, (_, index) => `${type} f${index} = ${index + 1};`).join(' ')
const nested = (depth: number): string =>
  Array.from({ length: depth }, (_, index) =>
    index === depth - 1
      ? `message M${index} { int32 x = 1; }`
      : `message M${index} { M${index + 1} m = 1; }`,
  ).join('\n')

export const refusedSchemas: readonly RefusedSchema[] = [
  {
    name: 'group-in-oneof',
    schema: schemaOf(
      'message A { oneof either { group G = 1 { optional int32 x = 1; } int32 y = 2; } }',
      'proto2',
    ),
    says: /a group within a oneof is read from a descriptor set only/,
    because: 'protobufjs, which parses .proto text, does not take the old form there',
  },
  {
    name: 'oneof-in-group',
    schema: schemaOf(
      'message A { optional group G = 1 { oneof either { int32 x = 1; int32 y = 2; } } }',
      'proto2',
    ),
    says: /illegal token 'oneof'/,
    because: 'protobufjs does not take it there either; a descriptor set has it',
  },
  {
    name: 'message-set',
    schema: schemaOf(
      'message A { option message_set_wire_format = true; extensions 4 to max; }',
      'proto2',
    ),
    says: /message_set_wire_format/,
    because: 'a form of proto1 that no compiler writes any more',
  },
  {
    name: 'map-to-closed-enum-without-zero',
    schema: schemaOf('enum E { ONE = 1; } message A { map<string, E> by = 1; }', 'proto2'),
    says: /closed enum without the number 0/,
    because: 'an entry without a value has the number 0, which the enum does not name',
  },
  {
    name: 'too-many-columns',
    schema: schemaOf(`message B { ${fields('int32', 100)} } message A { ${fields('B', 101)} }`),
    says: /more than 10000 columns/,
    because: 'a mistake, or an attack: no engine reads such a table',
  },
  {
    name: 'too-many-levels',
    schema: schemaOf(`message A { M0 m = 1; }\n${nested(256)}`),
    says: /more than 255 levels/,
    because: 'levels are kept in a byte, and bytes nested deeper than 100 are refused anyway',
  },
]
