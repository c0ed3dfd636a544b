/**
 * The page index of a column chunk: what readers skip pages by.
 *
 * - The offset index says where each data page stands and which row of the row group it begins
 *   with. A page begins with a whole row, so the first page of each row is known.
 * - The column index has bounds and null counts of each page. It says all of them or nothing: a
 *   page with values but without bounds leaves the chunk without a column index.
 * - The order of bounds is judged by what is written, since readers search in what is written.
 *
 *     row groups … | column indexes | offset indexes | footer
 *
 * Source: Apache Parquet, PageIndex.md, `parquet.thrift` (ColumnIndex, OffsetIndex).
 * See docs/adr/0007-parquet-file-format.md.
 */
import { assert } from '../../base/assert.ts'
import type { ColumnLeaf } from '../../model/table-schema.ts'
import type { PageValues } from './chunk-bounds.ts'
import type { CompactBytes } from './compact-bytes.ts'
import { boundsOf } from './statistics.ts'
import { type CompareValues, valueOrder } from './value-order.ts'

/** A data page: where it stands, and bounds as they are written. */
export interface PagePlace {
  /** Header and compressed body. */
  readonly sizeBytes: number
  /** Rows that begin in it. */
  readonly rowCount: number
  readonly nullCount: number
  readonly hasValues: boolean
  /** Absent without values, and where nothing is known of them. */
  readonly bounds: PageBounds | undefined
}

interface PageBounds {
  readonly min: Uint8Array
  readonly max: Uint8Array
}

const boundaryOrders = { unordered: 0, ascending: 1, descending: 2 } as const

/** A page's bounds as they are written: cut where they are long. */
export function pagePlace(
  leaf: ColumnLeaf,
  page: PageValues & { readonly rowCount: number },
  sizeBytes: number,
): PagePlace {
  const { rowCount, nullCount, valueCount } = page
  const bounds = boundsOf(leaf, page)
  return {
    sizeBytes,
    rowCount,
    nullCount,
    hasValues: nullCount < valueCount,
    bounds: bounds && { min: bounds.min.value, max: bounds.max.value },
  }
}

const nothing = new Uint8Array(0)

/** @param offset of the first of the pages in the file. */
export function writeOffsetIndex(
  out: CompactBytes,
  pages: readonly PagePlace[],
  offset: number,
): void {
  // Before anything is written: what is half written would stand before the next index.
  for (const { rowCount } of pages) assert(rowCount > 0, 'a page begins with a row')
  let pageOffset = offset
  let firstRow = 0
  out.field(1, 'list')
  out.list('struct', pages.length)
  for (const { sizeBytes, rowCount } of pages) {
    out.numberField(1, 'i64', pageOffset)
    out.numberField(1, 'i32', sizeBytes)
    out.numberField(1, 'i64', firstRow)
    out.end()
    pageOffset += sizeBytes
    firstRow += rowCount
  }
  out.end()
}

/** @returns false, and writes nothing, when a page with values has no bounds. */
export function writeColumnIndex(
  out: CompactBytes,
  leaf: ColumnLeaf,
  pages: readonly PagePlace[],
): boolean {
  if (pages.some(({ hasValues, bounds }) => hasValues && bounds === undefined)) return false
  out.field(1, 'list')
  out.list('bool', pages.length)
  for (const { hasValues } of pages) out.bool(!hasValues)
  out.field(1, 'list')
  out.list('binary', pages.length)
  for (const { bounds } of pages) out.binary(bounds?.min ?? nothing)
  out.field(1, 'list')
  out.list('binary', pages.length)
  for (const { bounds } of pages) out.binary(bounds?.max ?? nothing)
  out.numberField(1, 'i32', boundaryOrders[boundaryOrder(leaf, pages)])
  out.field(1, 'list')
  out.list('i64', pages.length)
  for (const { nullCount } of pages) out.number(nullCount)
  out.end()
  return true
}

/** Pages of nothing but nulls stand anywhere. */
function boundaryOrder(leaf: ColumnLeaf, pages: readonly PagePlace[]): keyof typeof boundaryOrders {
  if (pages.length === 1) return 'ascending'
  const bounds = pages.flatMap((page) => page.bounds ?? [])
  const compare = valueOrder(leaf)
  if (isOrdered(bounds, compare)) return 'ascending'
  return isOrdered(bounds.toReversed(), compare) ? 'descending' : 'unordered'
}

function isOrdered(bounds: readonly PageBounds[], compare: CompareValues): boolean {
  return bounds.every((page, index) => {
    const before = bounds[index - 1]
    if (before === undefined) return true
    return compare(before.min, page.min) <= 0 && compare(before.max, page.max) <= 0
  })
}
