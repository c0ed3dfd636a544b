import type { FieldSchema, FieldType, MessageSchema } from '../../src/model/event-schema.ts'
import type { RowValue } from './parquet-pages.ts'

const valueOf = (row: RowValue, name: string): RowValue => {
  const value: unknown = row === null ? null : Reflect.get(Object(row), name)
  return (value ?? null) as RowValue
}

/** A row of nested messages as flattened columns hold it: by the rule, not by the plan. */
export function flattened(row: RowValue, schema: MessageSchema): RowValue {
  return Object.fromEntries(schema.fields.flatMap((field) => columnsOf(field, row, '')))
}

function columnsOf(field: FieldSchema, row: RowValue, prefix: string): [string, RowValue][] {
  const { name, type, repeated } = field
  const value = valueOf(row, name)
  const column = `${prefix}${name}`
  if (type.kind === 'map') return [[column, entries(value, type.value)]]
  if (repeated) return [[column, elements(value, type)]]
  if (type.kind !== 'message') return [[column, value]]
  return type.message.fields.flatMap((inner) => columnsOf(inner, value, `${column}_`))
}

const element = (value: RowValue, type: FieldType): RowValue =>
  type.kind === 'message' ? flattened(value, type.message) : value

const elements = (value: RowValue, type: FieldType): RowValue =>
  Array.isArray(value) ? value.map((each: RowValue) => element(each, type)) : []

const entries = (value: RowValue, type: FieldType): RowValue =>
  Array.isArray(value)
    ? value.map(([key, each]: RowValue[]) => [key ?? null, element(each ?? null, type)])
    : []
