import type { ScalarType } from '../model/event-schema.ts'

/** Must agree with `Operation` in kernel/structures.ts. */
export const operation = {
  bytes: 1,
  string: 2,
  varint64: 3,
  varint32: 4,
  zigzag64: 5,
  zigzag32: 6,
  fixed64: 7,
  fixed32: 8,
  bool: 9,
  closedEnum: 10,
  message: 11,
  rowMessage: 12,
  rowValue: 13,
  packed: 14,
  group: 15,
  rowGroup: 16,
  endGroup: 17,
  capture: 18,
  rowCapture: 19,
  captureGroup: 20,
  rowCaptureGroup: 21,
  inOneof: 32,
} as const

export const wire = {
  varint: 0,
  fixed64: 1,
  bytes: 2,
  groupStart: 3,
  groupEnd: 4,
  fixed32: 5,
} as const

/** The operation and the wire type of values of a type. */
export const scalarReading = {
  double: [operation.fixed64, wire.fixed64],
  float: [operation.fixed32, wire.fixed32],
  int32: [operation.varint32, wire.varint],
  int64: [operation.varint64, wire.varint],
  uint32: [operation.varint32, wire.varint],
  uint64: [operation.varint64, wire.varint],
  sint32: [operation.zigzag32, wire.varint],
  sint64: [operation.zigzag64, wire.varint],
  fixed32: [operation.fixed32, wire.fixed32],
  fixed64: [operation.fixed64, wire.fixed64],
  sfixed32: [operation.fixed32, wire.fixed32],
  sfixed64: [operation.fixed64, wire.fixed64],
  bool: [operation.bool, wire.varint],
  string: [operation.string, wire.bytes],
  bytes: [operation.bytes, wire.bytes],
  enum: [operation.varint32, wire.varint],
} as const satisfies Record<ScalarType | 'enum', readonly [number, number]>
