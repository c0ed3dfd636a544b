/**
 * JSON as the commit log writes it.
 *
 * Invariants: 64-bit numbers are text; what is absent is null, never left out; what is read is
 * taken strictly, so that a misspelt or newer key is an error with its path and never ignored.
 */
import { type ZodType, z } from 'zod'
import { assert } from '../../base/assert.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Plain data as JSON, keys in the order they were made in. */
export const encodeJson = (value: unknown): string => textOf(value, Object.keys)

/** Plain data as JSON with sorted keys: equal data gives equal text. */
export const encodeCanonicalJson = (value: unknown): string => textOf(value, sortedKeys)

const sortedKeys = (value: object): readonly string[] => Object.keys(value).sort()

/**
 * By hand: `JSON.stringify` with a function for what it cannot write takes several times as long,
 * and a checkpoint is as long as the state is large.
 */
function textOf(value: unknown, keysOf: (value: object) => readonly string[]): string {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return JSON.stringify(value)
    case 'bigint':
      return `"${value}"`
    case 'object':
      if (value === null) return 'null'
      return Array.isArray(value) ? listText(value, keysOf) : objectText(value, keysOf)
    default:
      assert(value === undefined, `a ${typeof value} is no plain data`)
      return 'null'
  }
}

function listText(list: readonly unknown[], keysOf: Parameters<typeof textOf>[1]): string {
  let text = ''
  for (const item of list) text += text === '' ? textOf(item, keysOf) : `,${textOf(item, keysOf)}`
  return `[${text}]`
}

function objectText(value: object, keysOf: Parameters<typeof textOf>[1]): string {
  let text = ''
  const fields = value as Readonly<Record<string, unknown>>
  for (const key of keysOf(value)) {
    const field = `${JSON.stringify(key)}:${textOf(fields[key], keysOf)}`
    text += text === '' ? field : `,${field}`
  }
  return `{${text}}`
}

export type ParseOutcome<T> =
  | { readonly kind: 'parsed'; readonly value: T }
  /** `reason` names the path of the key: 'ranges.0.first: expected string, received number'. */
  | { readonly kind: 'refused'; readonly reason: string }

/** Bytes or text to a JSON value. */
export function parseJson(bytes: Uint8Array | string): ParseOutcome<unknown> {
  try {
    const text = typeof bytes === 'string' ? bytes : utf8.decode(bytes)
    return { kind: 'parsed', value: JSON.parse(text) }
  } catch (error) {
    return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) }
  }
}

/** A JSON value to what `shape` says. */
export function parseShape<T>(shape: ZodType<T>, value: unknown): ParseOutcome<T> {
  const outcome = z.safeParse(shape, value)
  if (outcome.success) return { kind: 'parsed', value: outcome.data }
  const reasons = outcome.error.issues.map(
    (issue) => `${issue.path.join('.') || 'document'}: ${issue.message}`,
  )
  return { kind: 'refused', reason: reasons.join('; ') }
}
