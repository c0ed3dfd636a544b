/** Text of a schema and objects in, rows out: protobufjs writes, the kernel reads. */
import protobuf from 'protobufjs'
import { parseMessageSchema } from '../../src/codec/protobuf/parse-schema.ts'
import type { ColumnMapping } from '../../src/kernel/column-mapping.ts'
import type { MessageSchema } from '../../src/model/event-schema.ts'
import { type RoundTrip, roundTrip } from './kernel-tables.ts'

/** The message `A` of a source. */
export const schemaA = (text: string): MessageSchema =>
  parseMessageSchema(new Map([['a.proto', text]]), 'a.proto', 'A')

/** Wire bytes of objects of message `A`, by protobufjs. */
export function wiresOfA(text: string, rows: readonly object[]): readonly Uint8Array[] {
  const root = new protobuf.Root()
  const { imports } = protobuf.parse(text, root, { keepCase: true })
  for (const file of imports ?? []) root.addJSON(protobuf.common.get(file)?.nested ?? {})
  const type = root.resolveAll().lookupType('A')
  return rows.map((row) => type.encode(type.fromObject(row)).finish())
}

/** What the columns hold of objects of message `A`. */
export const rowsOfA = (
  text: string,
  rows: readonly object[],
  mapping: Partial<ColumnMapping> = {},
): RoundTrip => roundTrip(schemaA(text), wiresOfA(text, rows), mapping)
