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
      return (left, right) => Buffer.compare(left, right)
    case 'boolean':
      return (left, right) => (left[0] ?? 0) - (right[0] ?? 0)
    case 'int32':
      return isUnsigned(leaf)
        ? byNumber((value) => viewOf(value).getUint32(0, true))
        : byNumber((value) => viewOf(value).getInt32(0, true))
    case 'int64':
      return isUnsigned(leaf)
        ? byNumber((value) => viewOf(value).getBigUint64(0, true))
        : byNumber((value) => viewOf(value).getBigInt64(0, true))
    case 'int96':
      // Its order was never defined, so nobody has bounds of it to compare.
      return () => 0
    case 'float':
      return byNumber((value) => viewOf(value).getFloat32(0, true))
    case 'double':
      return byNumber((value) => viewOf(value).getFloat64(0, true))
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
