import type { Plain } from '../plain-form.ts'
import type { SchemaText } from '../references.ts'
import { type Bytes, joined } from '../wire.ts'

export type ReferenceName = 'protobufjs' | 'bufbuild'

interface Exemption {
  readonly references: readonly ReferenceName[]
  readonly because: string
}

/** Binary input, and what must come of it. */
export interface Case {
  readonly name: string
  readonly schema: SchemaText
  readonly bytes: Bytes
  /** By the specification, whatever the references say. */
  readonly expected: 'row' | 'refused'
  /** Of the row: fields and their values by the specification; the others as the reference has. */
  readonly fields?: Readonly<Record<string, Plain>>
  /** References that are known to differ, and why. */
  readonly exempt?: Exemption
}

type More = Pick<Case, 'fields' | 'exempt'>

/** Cases of one schema, by short calls. */
export class CaseList {
  readonly cases: Case[] = []
  readonly #schema: SchemaText
  readonly #prefix: string

  constructor(schema: SchemaText, prefix: string) {
    this.#schema = schema
    this.#prefix = prefix
  }

  row(name: string, parts: readonly Bytes[], more: More = {}): void {
    this.#add(name, parts, 'row', more)
  }

  refused(name: string, parts: readonly Bytes[], more: More = {}): void {
    this.#add(name, parts, 'refused', more)
  }

  #add(name: string, parts: readonly Bytes[], expected: Case['expected'], more: More): void {
    const bytes = joined(...parts)
    const whole = `${this.#prefix}.${name}`
    this.cases.push({ name: whole, schema: this.#schema, bytes, expected, ...more })
  }
}
