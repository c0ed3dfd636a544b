/**
 * How rooms say what their part of the configuration may hold.
 *
 * Every value is a codec: the text a person writes on one side, the value code sees on the other,
 * so that a configuration can be printed as it was read. What is wrong is said in the form
 * "<given> <why>; accepted: <values>"; the path is put before it by who reads the whole.
 *
 *     interval: duration({ accepted: '500ms, 60s, 5m' }).prefault('60s').describe('…')
 */
import { z } from 'zod'

/** The wording for keys, and values of keys, that the grammar knows and this version does not. */
export const notSupported = 'not supported by this version'

/** What reading one value came to. */
export type ReadValue<Out> =
  | { readonly kind: 'value'; readonly value: Out }
  /** Why not, as the end of a sentence that begins with what was given. */
  | { readonly kind: 'refused'; readonly because: string }
  /** Part of the grammar, but not built. */
  | { readonly kind: 'not-supported' }

/** How one value is written, read and printed. */
export interface ValueForm<Out> {
  /** Examples or the whole list of what may be written: "500ms, 60s, 5m". */
  readonly accepted: string
  /** JSON Schema of what may be written. */
  readonly jsonSchema: Readonly<Record<string, unknown>>
  /** Reads what is given; never undefined or null. */
  readonly read: (given: unknown) => ReadValue<Out>
  readonly print: (value: Out) => unknown
  /** True when the value must never be shown, not even when it is refused. */
  readonly hidden?: boolean
}

/** A configuration value of this form. */
export function configValue<Out>(form: ValueForm<Out>) {
  return z.codec(
    z.unknown().meta({ ...form.jsonSchema, accepted: form.accepted }),
    z.custom<Out>(),
    {
      decode: (given, context): Out => {
        const problem = (message: string): never => {
          context.issues.push({ code: 'custom', input: given, message })
          return z.NEVER
        }
        if (given === undefined) return problem(`missing; accepted: ${form.accepted}`)
        if (given === null) return problem(`empty; accepted: ${form.accepted}`)
        const read = form.read(given)
        const shown = form.hidden === true ? 'the value' : showGiven(given)
        if (read.kind === 'value') return read.value
        if (read.kind === 'refused') {
          return problem(`${shown} ${read.because}; accepted: ${form.accepted}`)
        }
        return problem(`${notSupported}: ${shown}; accepted: ${form.accepted}`)
      },
      encode: form.print,
    },
  )
}

/** What a person gave, short and on one line. */
function showGiven(given: unknown): string {
  if (Array.isArray(given)) return 'a list'
  if (typeof given === 'object') return 'a section'
  const text = typeof given === 'bigint' ? `${given}` : (JSON.stringify(given) ?? typeof given)
  return text.length > 120 ? `${text.slice(0, 120)}…"` : text
}

/**
 * A section: the keys of `shape` and no others.
 *
 * Zod names unknown keys but not those it knows, so the message of that issue carries them, joined
 * by spaces; `problemsOf` (daemon/config/problems.ts) makes the sentence.
 */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code === 'unrecognized_keys') return keys.join(' ')
      if (issue.code !== 'invalid_type') return undefined
      return notOfKind(issue.input, 'a section', `a section with ${keys.join(', ')}`)
    },
  })
}

/** A list of `item`s. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.array(item, {
    error: (issue) =>
      issue.code === 'invalid_type' ? notOfKind(issue.input, 'a list', 'a list') : undefined,
  })
}

function notOfKind(given: unknown, kind: string, accepted: string): string {
  if (given === undefined) return `missing; accepted: ${accepted}`
  if (given === null) return `empty; accepted: ${accepted}`
  return `${showGiven(given)} is not ${kind}; accepted: ${accepted}`
}

/** A key of the grammar whose feature is not built: refused by name, never ignored. */
export function notBuilt(description: string) {
  return z
    .never({ error: () => notSupported })
    .optional()
    .describe(description)
}

/**
 * One of a fixed list of words.
 *
 * @param built    words that are accepted.
 * @param unbuilt  words of the grammar that are refused by name.
 */
export function choice<const Word extends string>(
  built: readonly Word[],
  unbuilt: readonly string[] = [],
) {
  return configValue<Word>({
    accepted: built.join(', '),
    jsonSchema: { type: 'string', enum: built },
    read: (given) => {
      const value = built.find((word) => word === given)
      if (value !== undefined) return { kind: 'value', value }
      if (unbuilt.some((word) => word === given)) return { kind: 'not-supported' }
      return { kind: 'refused', because: 'is not one of the accepted words' }
    },
    print: (word) => word,
  })
}
