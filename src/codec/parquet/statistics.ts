/**
 * Statistics of column chunks and pages: what readers skip rows by. Wrong ones lose rows silently.
 *
 * - Strings are compared as UTF-8 bytes, which is the order of code points; longer ones are cut to
 *   a bound that still holds, and marked as not exact.
 * - NaN has no place in an order: a bound that is NaN is left out, with its partner.
 * - Zero is two numbers: a minimum of 0 is written as -0, a maximum of -0 as 0.
 * - The old pair of fields is compared as signed by old readers: written only where that is right.
 *
 * Source: Apache Parquet, `parquet.thrift` (Statistics, ColumnOrder).
 */
import { isUtf8 } from 'node:buffer'
import type { ColumnLeaf } from '../../model/table-schema.ts'
import type { CompactBytes } from './compact-bytes.ts'
import { isUnsigned } from './value-order.ts'

/** Longest bound of a string or bytes column that is written where it can be cut. */
export const boundBytesMax = 64
/**
 * Longest bound above that is written whole, because no cut one is above it: nothing but the last
 * character, or bytes of 0xff. Readers skip wrongly where some row groups have bounds and others
 * not (DataFusion, hudi-rs), so that one is left out only where it is longer than this.
 */
const uncutBytesMax = 1_024

export interface ChunkBounds {
  readonly nullCount: number
  /** Plain encoding; strings without their length. Both or none. */
  readonly min: Uint8Array | undefined
  readonly max: Uint8Array | undefined
}

/** A bound as it is written, and whether some value equals it. */
interface Bound {
  readonly value: Uint8Array
  readonly exact: boolean
}

/** Writes the fields of `Statistics`, and the end of the struct. */
export function writeStatistics(out: CompactBytes, leaf: ColumnLeaf, chunk: ChunkBounds): void {
  const bounds = boundsOf(leaf, chunk)
  const hasLegacy = bounds !== undefined && leaf.physical !== 'byte-array' && !isUnsigned(leaf)
  if (hasLegacy) {
    out.field(1, 'binary')
    out.binary(bounds.max.value)
    out.field(1, 'binary')
    out.binary(bounds.min.value)
  }
  out.numberField(hasLegacy ? 1 : 3, 'i64', chunk.nullCount)
  if (bounds !== undefined) {
    out.field(2, 'binary')
    out.binary(bounds.max.value)
    out.field(1, 'binary')
    out.binary(bounds.min.value)
    out.flag(1, bounds.max.exact)
    out.flag(1, bounds.min.exact)
  }
  out.end()
}

/** Bounds as they are written; absent when a side is unknown, or cannot be cut. */
export function boundsOf(
  leaf: ColumnLeaf,
  { min, max }: Pick<ChunkBounds, 'min' | 'max'>,
): { readonly min: Bound; readonly max: Bound } | undefined {
  if (min === undefined || max === undefined) return undefined
  switch (leaf.physical) {
    case 'byte-array': {
      const isText = leaf.logical === 'string' || leaf.logical === 'enum'
      const upper = upperBound(max, isText)
      return upper && { min: lowerBound(min, isText), max: upper }
    }
    case 'float':
    case 'double':
      return fractionBounds(leaf.physical, min, max)
    default:
      return { min: { value: min, exact: true }, max: { value: max, exact: true } }
  }
}

function fractionBounds(
  physical: 'float' | 'double',
  min: Uint8Array,
  max: Uint8Array,
): { readonly min: Bound; readonly max: Bound } | undefined {
  const lowest = fractionOf(physical, min)
  const highest = fractionOf(physical, max)
  if (Number.isNaN(lowest) || Number.isNaN(highest)) return undefined
  return {
    min: { value: lowest === 0 ? zero(min.length, -0) : min, exact: lowest !== 0 },
    max: { value: highest === 0 ? zero(max.length, 0) : max, exact: highest !== 0 },
  }
}

function fractionOf(physical: 'float' | 'double', value: Uint8Array): number {
  const view = new DataView(value.buffer, value.byteOffset, value.length)
  return physical === 'float' ? view.getFloat32(0, true) : view.getFloat64(0, true)
}

function zero(sizeBytes: number, signed: number): Uint8Array {
  const value = new Uint8Array(sizeBytes)
  if (Object.is(signed, -0)) value[sizeBytes - 1] = 0x80
  return value
}

/** A cut value sorts before the whole one, so it is a lower bound as it is. */
function lowerBound(value: Uint8Array, isText: boolean): Bound {
  if (value.length <= boundBytesMax) return { value, exact: true }
  return { value: cut(value, isText), exact: false }
}

/** A cut value is raised to the next one of its length; where there is none it stays whole. */
function upperBound(value: Uint8Array, isText: boolean): Bound | undefined {
  if (value.length <= boundBytesMax) return { value, exact: true }
  const short = cut(value, isText)
  const raised = isText && isUtf8(short) ? raisedText(short) : raisedBytes(short)
  if (raised !== undefined) return { value: raised, exact: false }
  return value.length <= uncutBytesMax ? { value, exact: true } : undefined
}

/** The first bytes of a value; of text only whole characters. */
function cut(value: Uint8Array, isText: boolean): Uint8Array {
  let next = boundBytesMax
  while (isText && next > 0 && ((value[next] ?? 0) & 0xc0) === 0x80) next--
  return new Uint8Array(value.subarray(0, next))
}

/** The next higher bytes: the last byte below 0xff is raised, what stands behind it is dropped. */
function raisedBytes(value: Uint8Array): Uint8Array | undefined {
  const last = value.findLastIndex((bits) => bits !== 0xff)
  if (last < 0) return undefined
  const raised = new Uint8Array(value.subarray(0, last + 1))
  raised[last] = (raised[last] ?? 0) + 1
  return raised
}

/** As `raisedBytes`, by whole characters, so that the bound is text that readers can show. */
function raisedText(value: Uint8Array): Uint8Array | undefined {
  const characters = Array.from(Buffer.from(value).toString('utf8'))
  for (let character = characters.pop(); character !== undefined; character = characters.pop()) {
    const codePoint = character.codePointAt(0) ?? 0
    if (codePoint === 0x10ffff) continue
    const raised = codePoint === 0xd7ff ? 0xe000 : codePoint + 1
    return Buffer.from(characters.join('') + String.fromCodePoint(raised), 'utf8')
  }
  return undefined
}
