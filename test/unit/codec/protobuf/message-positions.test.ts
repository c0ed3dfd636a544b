import { expect, test } from 'vitest'
import { MessagePositions } from '../../../../src/codec/protobuf/message-positions.ts'
import { faultOf } from '../../../support/thrown.ts'

const text = `syntax = "proto3";
package shop.orders;
import "elsewhere/money.proto";
enum Kind { NONE = 0; }
message Order {
  enum State { NEW = 0; }
  message Line { message Price { elsewhere.Money money = 1; } }
  message Note {}
}
service Orders {}
message Refund {}
`

test.each([
  [[], 'shop.orders.Order'],
  [[0], 'shop.orders.Order'],
  [[1], 'shop.orders.Refund'],
  [[0, 1], 'shop.orders.Order.Note'],
  [[0, 0, 0], 'shop.orders.Order.Line.Price'],
  [[2], undefined],
  [[0, 2], undefined],
  [[1, 0], undefined],
])('the message at %j is %s: enums and services do not count', (path, name) => {
  expect(new MessagePositions('schema 1', text).at(path)).toBe(name)
})

test('a file without a package has its messages by their names', () => {
  const positions = new MessagePositions('schema 1', 'syntax = "proto3"; message A {} message B {}')
  expect([positions.at([1]), positions.at([2])]).toEqual(['B', undefined])
})

test('what is no protobuf source is refused with where it fails', () => {
  const fault = faultOf(() => new MessagePositions('schema 7', 'message {'))
  expect(fault).toMatchObject({ code: 'SCHEMA_UNREADABLE', facts: { file: 'schema 7' } })
})
