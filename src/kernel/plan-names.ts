import { Fault } from '../base/fault.ts'

/** How a field's name becomes a column's. */
export type NameRule = 'as-declared' | 'snake' | 'lower'

/** `userID` → `user_id`, `HTTPCode` → `http_code`; a digit belongs to the word before it. */
function snakeOf(name: string): string {
  return name
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

export function columnName(name: string, rule: NameRule): string {
  if (rule === 'snake') return snakeOf(name)
  return rule === 'lower' ? name.toLowerCase() : name
}

/** The names of one group of columns. Engines compare them without regard to case. */
export class NameScope {
  readonly #message: string
  readonly #fieldOf = new Map<string, string>()

  constructor(message: string) {
    this.#message = message
  }

  /** @throws {Fault} SCHEMA_NAME_COLLISION when another field has the name already. */
  claim(column: string, field: string): string {
    const folded = column.toLowerCase()
    const first = this.#fieldOf.get(folded)
    if (first !== undefined) {
      throw new Fault('SCHEMA_NAME_COLLISION', {
        message: this.#message,
        column,
        first,
        second: field,
      })
    }
    this.#fieldOf.set(folded, field)
    return column
  }
}
