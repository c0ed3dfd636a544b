/**
 * Values as every reader shows them, so that they can be compared as JSON.
 *
 * | value | shown |
 * |---|---|
 * | null, truth, text | as in JSON |
 * | any integer | `{"int": "-5"}` |
 * | floating point, either width | `{"float": "0x1.8000000000000p+0"}`, as Python's `float.hex` |
 * | bytes | `{"bytes": "00ff"}` |
 * | time | `{"micros": "1700000000000000"}`, since 1970 in UTC, whatever unit it had; `nanos` if it |
 * | | is no whole number of microseconds |
 * | group · list · map | object · array · `{"map": [[key, value], …]}` |
 *
 * The scripts beside the readers write the same: test/golden/readers/canonical.py and the others.
 */
import { hexFraction } from '../../support/every-type.ts'

export type Seen = null | boolean | string | readonly Seen[] | { readonly [name: string]: Seen }

export const int = (value: bigint | number | string): Seen => ({ int: String(value) })
export const float = (value: number): Seen => ({ float: hexFraction(value) })
export const bytes = (value: readonly number[]): Seen => ({
  bytes: Buffer.from(value).toString('hex'),
})
export const micros = (value: bigint | number): Seen => ({ micros: String(value) })
export const nanos = (value: bigint): Seen => ({ nanos: String(value) })
export const map = (...entries: readonly (readonly [Seen, Seen])[]): Seen => ({ map: entries })

/** The same value with the entries of maps in one order: readers keep none. */
function inOrder(value: Seen): Seen {
  if (isList(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => {
      const ordered = inOrder(each)
      return [name, name === 'map' && isList(ordered) ? ordered.toSorted(byText) : ordered]
    }),
  )
}

const isList = (value: Seen): value is readonly Seen[] => Array.isArray(value)

const byText = (left: Seen, right: Seen): number =>
  JSON.stringify(left) < JSON.stringify(right) ? -1 : 1

/** One text for equal values, whatever order their names and maps' entries have. */
export const textOfSeen = (value: Seen): string => JSON.stringify(sortedNames(inOrder(value)))

function sortedNames(value: Seen): Seen {
  if (isList(value)) return value.map(sortedNames)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, each]) => [name, sortedNames(each)] as const)
      .toSorted(([left], [right]) => (left < right ? -1 : 1)),
  )
}
