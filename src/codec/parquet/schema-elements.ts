/**
 * A table's schema as the flat list of elements that a footer holds: depth first, the root first.
 *
 * Every logical type is written twice, for new readers (`logicalType`) and old ones
 * (`converted_type`), with the same meaning.
 *
 * Source: Apache Parquet, `parquet.thrift` (SchemaElement), LogicalTypes.md.
 */
import type { ColumnNode, LogicalType, TableSchema } from '../../model/table-schema.ts'
import { convertedTypes, physicalTypes, repetitions } from './format.ts'
import { bool, byte, i32, struct, type ThriftValue, text } from './thrift.ts'

/** How one logical type is written for new and old readers. */
interface Annotation {
  readonly converted: number
  readonly logical: ThriftValue
}

const empty = struct([])

const unsigned = (bits: 32 | 64): ThriftValue =>
  struct([
    [
      10,
      struct([
        [1, byte(bits)],
        [2, bool(false)],
      ]),
    ],
  ])

/** Adjusted to UTC. */
const timestamp = (unit: 'millis' | 'micros'): ThriftValue =>
  struct([
    [
      8,
      struct([
        [1, bool(true)],
        [2, struct([[unit === 'millis' ? 1 : 2, empty]])],
      ]),
    ],
  ])

const annotations: Readonly<Record<LogicalType, Annotation>> = {
  string: { converted: convertedTypes.utf8, logical: struct([[1, empty]]) },
  map: { converted: convertedTypes.map, logical: struct([[2, empty]]) },
  list: { converted: convertedTypes.list, logical: struct([[3, empty]]) },
  enum: { converted: convertedTypes.enum, logical: struct([[4, empty]]) },
  'timestamp-millis': { converted: convertedTypes.timestampMillis, logical: timestamp('millis') },
  'timestamp-micros': { converted: convertedTypes.timestampMicros, logical: timestamp('micros') },
  uint32: { converted: convertedTypes.uint32, logical: unsigned(32) },
  uint64: { converted: convertedTypes.uint64, logical: unsigned(64) },
}

export function schemaElements(schema: TableSchema): readonly ThriftValue[] {
  const root = struct([
    [4, text('schema')],
    [5, i32(schema.columns.length)],
  ])
  return [root, ...schema.columns.flatMap(elementsOf)]
}

function elementsOf(node: ColumnNode): readonly ThriftValue[] {
  const annotation = node.logical === undefined ? undefined : annotations[node.logical]
  const children = node.kind === 'group' ? node.children : []
  const element = struct([
    [1, node.kind === 'leaf' ? i32(physicalTypes[node.physical]) : undefined],
    [3, i32(repetitions[node.repetition])],
    [4, text(node.name)],
    [5, node.kind === 'group' ? i32(children.length) : undefined],
    [6, annotation === undefined ? undefined : i32(annotation.converted)],
    [9, node.fieldId === undefined ? undefined : i32(node.fieldId)],
    [10, annotation?.logical],
  ])
  return [element, ...children.flatMap(elementsOf)]
}
