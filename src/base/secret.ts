import { inspect } from 'node:util'
import type { Brand } from './brand.ts'

/** Where a secret stands: "env:NAME" or "file:path". Configuration holds nothing else. */
export type SecretReference = Brand<string, 'SecretReference'>

const referenceShape = /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/s

/** @returns the reference, or undefined when `text` is none. */
export function parseSecretReference(text: string): SecretReference | undefined {
  return referenceShape.test(text) ? (text as SecretReference) : undefined
}

/** How secrets look wherever they are printed. */
export const hiddenSecret = '***'

/** What is a secret where it was read by reference, and plain where it was not. */
export type MaybeSecret = string | Secret

export const revealed = (value: MaybeSecret): string =>
  typeof value === 'string' ? value : value.reveal()

function withoutSecrets(text: string, values: Iterable<MaybeSecret>): string {
  let hidden = text
  for (const value of values) {
    const secret = value instanceof Secret ? value.reveal() : ''
    if (secret !== '') hidden = hidden.replaceAll(secret, hiddenSecret)
  }
  return hidden
}

/** Of what others say, the characters that stand in a message. */
const shownMax = 300

/** How much of it is read, so that no secret is cut at its end. */
export const shownBytesOf = (values: Iterable<MaybeSecret>): number =>
  Math.max(0, ...[...values].map((value) => Buffer.byteLength(revealed(value)))) + shownMax + 1

/**
 * The beginning of what somebody else says, quoted; empty where it is. Some repeat what they were
 * sent: each secret among `values` is hidden.
 */
export function shownBeginning(said: Buffer, values: Iterable<MaybeSecret>): string {
  const text = withoutSecrets(said.toString('utf8'), values).trim()
  if (text === '') return ''
  return JSON.stringify(text.length > shownMax ? `${text.slice(0, shownMax)}…` : text)
}

/** A secret's value. However it is printed, logged or written as JSON, it shows as `***`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The value itself, for the one call that needs it. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return hiddenSecret
  }

  toJSON(): string {
    return hiddenSecret
  }

  [inspect.custom](): string {
    return hiddenSecret
  }
}
