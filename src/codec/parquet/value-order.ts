import { unreachable } from '../../base/assert.ts'
import type { ColumnLeaf } from '../../model/table-schema.ts'

/** Below, above or at zero, as `left` stands before, behind or with `right`. */
export type CompareValues = (left: Uint8Array, right: Uint8Array) => number

export const isUnsigned = (leaf: ColumnLeaf): boolean =>
  leaf.logical === 'uint32' || leaf.logical === 'uint64'

/**
 * The order of a leaf's values as its type defines it, over their plain form.
 *
 * NaN has no place in it and must not be given; texts stand without their length.
 *
 * Source: Apache Parquet, `parquet.thrift` (ColumnOrder).
 */
export function valueOrder(leaf: ColumnLeaf): CompareValues {
  switch (leaf.physical) {
    case 'byte-array':
      return orders.bytes
    case 'boolean':
      return orders.boolean
    case 'int32':
      return isUnsigned(leaf) ? orders.uint32 : orders.int32
    case 'int64':
      return isUnsigned(leaf) ? orders.uint64 : orders.int64
    case 'int96':
      return orders.none
    case 'float':
      return orders.float
    case 'double':
      return orders.double
    default:
      return unreachable(leaf.physical, 'every type has an order')
  }
}

const viewOf = (value: Uint8Array): DataView =>
  new DataView(value.buffer, value.byteOffset, value.length)

function byNumber(numberOf: (value: Uint8Array) => number | bigint): CompareValues {
  return (left, right) => {
    const [one, other] = [numberOf(left), numberOf(right)]
    if (one === other) return 0
    return one < other ? -1 : 1
  }
}

/** Made once: each file has one for each of its columns. */
const orders = {
  bytes: (left, right) => Buffer.compare(left, right),
  boolean: (left, right) => (left[0] ?? 0) - (right[0] ?? 0),
  int32: byNumber((value) => viewOf(value).getInt32(0, true)),
  uint32: byNumber((value) => viewOf(value).getUint32(0, true)),
  int64: byNumber((value) => viewOf(value).getBigInt64(0, true)),
  uint64: byNumber((value) => viewOf(value).getBigUint64(0, true)),
  float: byNumber((value) => viewOf(value).getFloat32(0, true)),
  double: byNumber((value) => viewOf(value).getFloat64(0, true)),
  /** The order of INT96 was never defined, so nobody has bounds of it to compare. */
  none: () => 0,
} satisfies Record<string, CompareValues>
