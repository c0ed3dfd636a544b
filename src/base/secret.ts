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
