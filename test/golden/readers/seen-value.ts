/** What readers print, as values again: integers and times as bigint, maps as lists of pairs. */
import type { Seen } from '../features/seen.ts'

/** The value in the shape in which hyparquet gives it when maps are read as lists. */
export function valueOfSeen(seen: Seen): unknown {
  if (Array.isArray(seen)) return seen.map(valueOfSeen)
  if (typeof seen !== 'object' || seen === null) return seen
  const [[kind, held] = ['', null]] = Object.entries(seen)
  if (kind === 'map' && Array.isArray(held)) {
    return {
      key_value: held.map(([key, value]) => ({ key: valueOfSeen(key), value: valueOfSeen(value) })),
    }
  }
  if (typeof held === 'string') {
    if (kind === 'int' || kind === 'micros') return BigInt(held)
    if (kind === 'bytes') return Buffer.from(held, 'hex')
    if (kind === 'float') return fractionOf(held)
  }
  return Object.fromEntries(Object.entries(seen).map(([name, each]) => [name, valueOfSeen(each)]))
}

/** Python's `float.hex`, exactly. */
export function fractionOf(text: string): number {
  if (text === 'nan') return Number.NaN
  if (text === 'inf' || text === '-inf') return Number(`${text.replace('inf', 'Infinity')}`)
  const [, sign = '', whole = '', part = '', power = ''] =
    /^(-?)0x([01])\.([0-9a-f]+)p([+-]\d+)$/.exec(text) ?? []
  const fraction = Number.parseInt(whole + part, 16) / 16 ** part.length
  return Number(`${sign}1`) * fraction * 2 ** Number(power)
}
