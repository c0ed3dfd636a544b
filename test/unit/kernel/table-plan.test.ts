import { describe, expect, test } from 'vitest'
import { isFault } from '../../../src/base/fault.ts'
import { defaultMapping } from '../../../src/kernel/column-mapping.ts'
import { planTable } from '../../../src/kernel/table-plan.ts'
import type { EnumSchema, FieldSchema, MessageSchema } from '../../../src/model/event-schema.ts'
import { identityColumns } from '../../../src/model/row-batch.ts'
import type { ColumnNode } from '../../../src/model/table-schema.ts'
import { enumField, messageField, messageOf, scalarField } from '../../support/message-schemas.ts'
import { faultOf } from '../../support/thrown.ts'

const plan = (message: MessageSchema, names: 'as-declared' | 'snake' | 'lower' = 'as-declared') =>
  planTable(message, { identity: [], names })

/** "optional int32 a #1 (uint32)" per line, children indented. */
function printed(nodes: readonly ColumnNode[], indent = ''): string[] {
  return nodes.flatMap((node) => {
    const type = node.kind === 'leaf' ? node.physical : 'group'
    const id = node.fieldId === undefined ? '' : ` #${node.fieldId}`
    const logical = node.logical === undefined ? '' : ` (${node.logical})`
    const line = `${indent}${node.repetition} ${type} ${node.name}${id}${logical}`
    return node.kind === 'leaf' ? [line] : [line, ...printed(node.children, `${indent}  `)]
  })
}

const color: EnumSchema = { fullName: 'Color', names: new Map([[0, 'RED']]), closed: false }
const mapField = (name: string, number: number, value: FieldSchema['type']): FieldSchema => ({
  ...scalarField([name, number], 'int32'),
  type: value.kind === 'map' ? value : { kind: 'map', key: 'string', value },
  repeated: true,
})

describe('columns of a message', () => {
  test('scalars are required where absence is the default, optional where presence is kept', () => {
    const message = messageOf('A', [
      scalarField(['a', 1], 'uint32'),
      scalarField(['b', 2], 'fixed64', { presence: 'explicit' }),
      scalarField(['c', 3], 'string', { presence: 'explicit', oneof: 'o' }),
      scalarField(['d', 4], 'bytes', { presence: 'required' }),
      scalarField(['e', 5], 'bool'),
      enumField(['f', 6], color),
    ])
    expect(printed(plan(message).schema.columns)).toEqual([
      'required int32 a #1 (uint32)',
      'optional int64 b #2 (uint64)',
      'optional byte-array c #3 (string)',
      'required byte-array d #4',
      'required boolean e #5',
      'required byte-array f #6 (string)',
    ])
  })

  test('messages are groups, lists and maps have three levels, only the top has a field id', () => {
    const inner = messageOf('B', [scalarField(['x', 1], 'double')])
    const message = messageOf('A', [
      messageField(['one', 1], inner),
      messageField(['many', 2], inner, { repeated: true }),
      scalarField(['list', 3], 'sint64', { repeated: true }),
      mapField('map', 4, { kind: 'message', message: inner }),
    ])
    const { schema } = plan(message)
    expect(printed(schema.columns)).toEqual([
      'optional group one #1',
      '  required double x #1',
      'required group many #2 (list)',
      '  repeated group list',
      '    required group element',
      '      required double x #1',
      'required group list #3 (list)',
      '  repeated group list',
      '    required int64 element',
      'required group map #4 (map)',
      '  repeated group key_value',
      '    required byte-array key (string)',
      '    required group value',
      '      required double x #1',
    ])
    expect(
      schema.leaves.map(({ path, definitionMax, repetitionMax }) => [
        path.join('.'),
        definitionMax,
        repetitionMax,
      ]),
    ).toEqual([
      ['one.x', 1, 0],
      ['many.list.element.x', 1, 1],
      ['list.list.element', 1, 1],
      ['map.key_value.key', 1, 1],
      ['map.key_value.value.x', 1, 1],
    ])
  })

  test('identity columns stand at the end in the order asked for, without field ids', () => {
    const message = messageOf('A', [scalarField(['a', 1], 'int32')])
    const { schema } = planTable(message, { identity: identityColumns, names: 'as-declared' })
    expect(printed(schema.columns)).toEqual([
      'required int32 a #1',
      'required byte-array _topic (string)',
      'required int32 _partition',
      'required int64 _offset',
      'required int32 _index',
      'required int64 _ingest_ms (timestamp-millis)',
    ])
  })

  test('the time of ingestion is a number for those who read no INT64 timestamps', () => {
    const message = messageOf('A', [scalarField(['a', 1], 'int32')])
    const mapping = { ...defaultMapping, timestamps: 'int96' } as const
    const { schema } = planTable(message, {
      identity: ['_ingest_ms'],
      names: 'as-declared',
      mapping,
    })
    expect(printed(schema.columns)).toEqual(['required int32 a #1', 'required int64 _ingest_ms'])
  })

  test.each([
    ['as-declared', ['userID', 'httpCode2', 'HTTPServer']],
    ['snake', ['user_id', 'http_code2', 'http_server']],
    ['lower', ['userid', 'httpcode2', 'httpserver']],
  ] as const)('names follow the rule %s', (rule, names) => {
    const fields = ['userID', 'httpCode2', 'HTTPServer'].map((name, index) =>
      scalarField([name, index + 1], 'int32'),
    )
    const { columns } = plan(messageOf('A', fields), rule).schema
    expect(columns.map(({ name }) => name)).toEqual(names)
  })
})

describe('what a table cannot have is refused by name', () => {
  test.each([
    ['as-declared', 'user', 'User'],
    ['snake', 'userId', 'user_id'],
    ['lower', 'USER', 'user'],
  ] as const)('names that collide under the rule %s name both fields', (rule, first, second) => {
    const fields = [scalarField([first, 1], 'int32'), scalarField([second, 2], 'int32')]
    const fault = faultOf(() => plan(messageOf('p.A', fields), rule))
    expect(isFault(fault, 'SCHEMA_NAME_COLLISION')).toBe(true)
    expect(String(fault)).toContain(`fields "${first}" and "${second}" of message "p.A"`)
  })

  test('a field named like an identity column collides with it', () => {
    const message = messageOf('A', [scalarField(['_OFFSET', 1], 'int32')])
    const options = { identity: ['_offset'], names: 'as-declared' } as const
    const fault = faultOf(() => planTable(message, options))
    expect(isFault(fault, 'SCHEMA_NAME_COLLISION')).toBe(true)
  })

  test('equal names in different groups do not collide', () => {
    const inner = messageOf('B', [scalarField(['a', 1], 'int32')])
    const message = messageOf('A', [scalarField(['a', 1], 'int32'), messageField(['b', 2], inner)])
    expect(plan(message).leaves).toHaveLength(2)
  })

  const odd: EnumSchema = { fullName: 'Odd', names: new Map([[1, 'ONE']]), closed: true }
  test.each([
    [
      'without the number 0',
      messageOf('p.A', [mapField('m', 1, { kind: 'enum', values: odd })]),
      'value',
      'p.A',
    ],
  ] as const)('%s', (feature, message, field, owner) => {
    const fault = faultOf(() => plan(message))
    expect(isFault(fault, 'SCHEMA_NOT_SUPPORTED')).toBe(true)
    expect(String(fault)).toContain(feature)
    expect(fault).toMatchObject({ facts: { field, message: owner } })
  })

  test('a message that multiplies into more than 10,000 columns', () => {
    let message = messageOf(
      'L0',
      Array.from({ length: 11 }, (_, i) => scalarField([`f${i}`, i + 1], 'int32')),
    )
    for (let level = 1; level < 4; level++) {
      const inner = message
      const copies = Array.from({ length: 11 }, (_, i) => messageField([`f${i}`, i + 1], inner))
      message = messageOf(`L${level}`, copies)
    }
    expect(String(faultOf(() => plan(message)))).toContain('more than 10000 columns')
  })

  test('messages nested more than 255 levels deep', () => {
    let message = messageOf('L0', [scalarField(['a', 1], 'int32')])
    for (let level = 1; level < 300; level++) {
      message = messageOf(`L${level}`, [messageField(['a', 1], message)])
    }
    expect(String(faultOf(() => plan(message)))).toContain('more than 255 levels')
  })
})
