import type { ScalarType } from '../../model/event-schema.ts'

const shownLengthMax = 60

/** A value as messages show it to people: short, with its type visible. */
export function shown(value: unknown): string {
  const text = textOf(value)
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `an array of ${value.length}`
  return `a ${prototypeName(value)}`
}

function prototypeName(value: object): string {
  const made: unknown = Reflect.get(value, 'constructor')
  return typeof made === 'function' && made.name !== '' ? made.name : 'Object'
}

/**
 * Key and value of each entry of a map field, or undefined when the value is no map.
 *
 * An object's keys are always strings: where the field's keys are not, they are read back as
 * numbers or booleans; text that is neither stays text, and is refused as every wrong value is.
 */
export function mapEntries(
  key: ScalarType,
  value: unknown,
): Iterable<readonly [unknown, unknown]> | undefined {
  if (value instanceof Map) return value.entries()
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  if (ArrayBuffer.isView(value) || value instanceof Date) return undefined
  return Object.entries(value).map(([text, element]) => [keyOf(key, text), element] as const)
}

function keyOf(key: ScalarType, text: string): unknown {
  if (key === 'string') return text
  if (key === 'bool') return text === 'true' ? true : text === 'false' ? false : text
  return /^-?\d+$/.test(text) ? BigInt(text) : text
}
