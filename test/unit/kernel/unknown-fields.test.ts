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
  return { ...table.unknownFields(), refused }
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
  expect(tables.map((table) => table.unknownFields().fields)).toEqual([
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
