import { expect, test } from 'vitest'
import type { MessageSchema } from '../../../src/model/event-schema.ts'
import { schemaA } from '../../support/feature-rows.ts'
import { appendPayloads, openKernel, planOf } from '../../support/kernel-tables.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'

const text = `syntax = "proto3";
  message A { int32 x = 1; B b = 2; map<int32, B> m = 3; A again = 4; }
  message B { string s = 1; }`

/** What a table counted, and how many rows it refused. */
function counted(schema: MessageSchema, batches: readonly (readonly Uint8Array[])[]) {
  const kernel = openKernel()
  const table = kernel.compile(planOf(schema))
  const file = table.openFile()
  const refused = batches.map((payloads) => appendPayloads(kernel, file, payloads).length)
  return { ...table.takeUnknownFields(), refused }
}

const stray = (number: number): Uint8Array => varintField(number, 1n)

test('unknown fields are counted by message and number, other wire types with them', () => {
  const row = joined(stray(7), bytesField(2, joined(stray(7), stray(7))), bytesField(1, utf8('')))
  const entry = bytesField(3, joined(stray(9), bytesField(2, stray(536_870_911))))
  const { fields, otherCount } = counted(schemaA(text), [[row, entry], [row]])
  expect(otherCount).toBe(0)
  expect(
    fields.toSorted((a, b) => a.message.localeCompare(b.message) || a.number - b.number),
  ).toEqual([
    { message: 'A', number: 1, count: 2 },
    { message: 'A', number: 7, count: 2 },
    { message: 'A.m', number: 9, count: 1 },
    { message: 'B', number: 7, count: 4 },
    { message: 'B', number: 536_870_911, count: 1 },
  ])
})

test('of a refused row none is counted, whoever refused it', () => {
  const bad = joined(stray(7), stray(8), Uint8Array.of(0))
  const badText = joined(stray(7), bytesField(4, Uint8Array.of(0)))
  const { fields, refused } = counted(schemaA(text), [[stray(7), bad, badText, stray(7), bad]])
  expect(refused).toEqual([3])
  expect(fields).toEqual([{ message: 'A', number: 7, count: 2 }])
})

test('tables are counted apart', () => {
  const kernel = openKernel()
  const tables = [schemaA(text), schemaA('syntax = "proto3"; message A { int32 y = 5; }')].map(
    (schema) => kernel.compile(planOf(schema)),
  )
  for (const [index, table] of tables.entries()) {
    appendPayloads(kernel, table.openFile(), [stray(5), stray(6 + index)])
  }
  expect(tables.map((table) => table.takeUnknownFields().fields)).toEqual([
    [
      { message: 'A', number: 5, count: 1 },
      { message: 'A', number: 6, count: 1 },
    ],
    [{ message: 'A', number: 7, count: 1 }],
  ])
})

test('more numbers than are told apart, and more in one row, are counted together', () => {
  const numbers = (first: number, count: number): Uint8Array =>
    joined(...Array.from({ length: count }, (_, index) => stray(first + index)))
  const batches = [0, 1, 2, 3, 4, 5].map((batch) => [numbers(1_000 + batch * 256, 256)])
  const { fields, otherCount } = counted(schemaA(text), [...batches, [numbers(1_000, 5_000)]])
  const sum = fields.reduce((total, { count }) => total + count, 0)
  expect(fields).toHaveLength(1_024)
  expect(sum + otherCount).toBe(6 * 256 + 5_000)
})

test('what was taken is counted from nothing again', () => {
  const kernel = openKernel()
  const table = kernel.compile(planOf(schemaA(text)))
  const file = table.openFile()
  appendPayloads(kernel, file, [stray(7)])
  expect(table.takeUnknownFields().fields).toEqual([{ message: 'A', number: 7, count: 1 }])
  expect(table.takeUnknownFields()).toEqual({ fields: [], otherCount: 0 })
  appendPayloads(kernel, file, [stray(7)])
  expect(table.takeUnknownFields().fields).toEqual([{ message: 'A', number: 7, count: 1 }])
})

const closedText = `syntax = "proto2";
  enum E { ZERO = 0; ONE = 1; }
  message A {
    optional E one = 1; repeated E many = 2; repeated E packed = 3 [packed = true];
    map<int32, E> by = 4; oneof either { E member = 5; } optional C inner = 6;
  }
  message C { repeated E many = 2; }`

test('numbers that a closed enum does not name are unknown fields of their message', () => {
  const entry = (...values: readonly Uint8Array[]): Uint8Array =>
    bytesField(4, joined(varintField(1, 5n), ...values))
  const known = varintField(2, 1n)
  const unknown = varintField(2, 9n)
  const row = joined(
    varintField(1, 9n),
    varintField(2, 1n),
    varintField(2, 9n),
    varintField(2, -1n),
    bytesField(3, Uint8Array.of(1, 9, 0, 8)),
    bytesField(2, Uint8Array.of(7)),
    entry(unknown),
    entry(unknown, known),
    entry(known, unknown),
    varintField(5, 2n),
    bytesField(6, unknown),
  )
  const refusedRow = joined(varintField(1, 9n), Uint8Array.of(0))
  const { fields, otherCount } = counted(schemaA(closedText), [[row, refusedRow], [row]])
  expect(otherCount).toBe(0)
  expect(
    fields.toSorted((a, b) => a.message.localeCompare(b.message) || a.number - b.number),
  ).toEqual([
    { message: 'A', number: 1, count: 2 },
    { message: 'A', number: 2, count: 6 },
    { message: 'A', number: 3, count: 4 },
    { message: 'A', number: 4, count: 4 },
    { message: 'A', number: 5, count: 2 },
    { message: 'C', number: 2, count: 2 },
  ])
})
