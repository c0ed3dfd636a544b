/**
 * JSON as the commit log writes it.
 *
 * Invariants: 64-bit numbers are text; what is absent is null, never left out; what is read is
 * taken strictly, so that a misspelt or newer key is an error with its path and never ignored.
 */
import { type ZodType, z } from 'zod'

const asText = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? value.toString() : value === undefined ? null : value

const sorted = (key: string, value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return asText(key, value)
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Plain data as JSON, keys in the order they were made in. */
export const encodeJson = (value: unknown): string => JSON.stringify(value, asText)

/** Plain data as JSON with sorted keys: equal data gives equal text. */
export const encodeCanonicalJson = (value: unknown): string => JSON.stringify(value, sorted)

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
