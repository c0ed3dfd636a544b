/**
 * The types of a parsed schema by their full names, and the language's rule for finding one.
 *
 * A name is looked for in the innermost scope first, then outwards, by its first part: with
 * `message A { message B {} }` and a top-level `B.C`, the name `B.C` inside `A` is refused, since
 * `A.B` hides the other `B`. A leading dot says that the name is absolute.
 *
 * Source: protobuf language specification, "Type name resolution".
 */
import protobuf from 'protobufjs'
import { Fault } from '../../base/fault.ts'

const fieldNumberMax = 536_870_911
const allowedNumbers = `1 to ${fieldNumberMax} without 19000 to 19999`
const reservedNumbers = { first: 19_000, next: 20_000 } as const

/** Whether a field may have this number. */
export function isFieldNumber(number: number): boolean {
  const isReserved = number >= reservedNumbers.first && number < reservedNumbers.next
  return number >= 1 && number <= fieldNumberMax && !isReserved
}

export class SchemaNames {
  readonly #types = new Map<string, protobuf.Type | protobuf.Enum>()
  readonly #scopes = new Set<string>()
  readonly #sources: ReadonlyMap<string, string>

  constructor(root: protobuf.Root, sources: ReadonlyMap<string, string>) {
    this.#sources = sources
    this.#collect(root)
  }

  /** Full names of all messages, in the order in which they are declared. */
  get messageNames(): readonly string[] {
    return [...this.#types]
      .filter(([, type]) => type instanceof protobuf.Type)
      .map(([name]) => name)
  }

  /** The message with exactly this full name. */
  message(fullName: string): protobuf.Type | undefined {
    const type = this.#types.get(fullName)
    return type instanceof protobuf.Type ? type : undefined
  }

  /** @throws {Fault} SCHEMA_UNREADABLE: a type is not there, or a number is out of range. */
  checkAll(): void {
    for (const type of this.#types.values()) {
      if (type instanceof protobuf.Type) for (const field of type.fieldsArray) this.#check(field)
      else this.#checkEnum(type)
    }
  }

  /**
   * The type that `name` means inside the message of `field`.
   *
   * @throws {Fault} SCHEMA_UNREADABLE: there is none.
   */
  resolve(name: string, field: protobuf.Field): protobuf.Type | protobuf.Enum {
    const found = this.#lookUp(name, scopeOf(field))
    if (found !== undefined) return found
    throw this.#unreadable(field, `type "${name}" of field "${field.name}" is not there`)
  }

  #lookUp(name: string, scope: string): protobuf.Type | protobuf.Enum | undefined {
    if (name.startsWith('.')) return this.#types.get(name.slice(1))
    const [firstPart = name] = name.split('.')
    for (let at: string | undefined = scope; at !== undefined; at = outer(at)) {
      const prefix = at === '' ? '' : `${at}.`
      if (!this.#scopes.has(prefix + firstPart)) continue
      const found = this.#types.get(prefix + name)
      if (found !== undefined || name !== firstPart) return found
    }
    return undefined
  }

  #check(field: protobuf.Field): void {
    if (!isFieldNumber(field.id)) {
      throw this.#unreadable(
        field,
        `field "${field.name}" has number ${field.id}, allowed are ${allowedNumbers}`,
      )
    }
    const isScalar = Object.hasOwn(protobuf.types.basic, field.type)
    if (!isScalar) this.resolve(field.type, field)
  }

  #checkEnum(type: protobuf.Enum): void {
    for (const [name, number] of Object.entries(type.values)) {
      if (number === (number | 0)) continue
      throw this.#unreadable(
        type,
        `enum value "${name}" has number ${number}, beyond 32 bits`,
        name,
      )
    }
  }

  #collect(namespace: protobuf.NamespaceBase): void {
    for (const nested of namespace.nestedArray) {
      const fullName = nameOf(nested)
      this.#scopes.add(fullName)
      const isType = nested instanceof protobuf.Type || nested instanceof protobuf.Enum
      if (isType) this.#types.set(fullName, nested)
      if (nested instanceof protobuf.Namespace) this.#collect(nested)
    }
  }

  #unreadable(at: protobuf.ReflectionObject, reason: string, name = at.name): Fault {
    const file = at.filename ?? ''
    const line = lineOfDeclaration(this.#sources.get(file) ?? '', name)
    return new Fault('SCHEMA_UNREADABLE', { file, reason: `${reason}${line}` })
  }
}

/** The full name of a definition without the leading dot that protobufjs gives it. */
export const nameOf = (definition: protobuf.ReflectionObject): string =>
  definition.fullName.replace(/^\./, '')

/** An extension's type is looked up where the extension stands, not in the message it extends. */
function scopeOf(field: protobuf.Field): string {
  const parent = (field.declaringField ?? field).parent
  return parent === null ? '' : nameOf(parent)
}

function outer(scope: string): string | undefined {
  if (scope === '') return undefined
  const dot = scope.lastIndexOf('.')
  return dot < 0 ? '' : scope.slice(0, dot)
}

/** " at line 7", or nothing where the text does not show the declaration. */
function lineOfDeclaration(text: string, name: string): string {
  const index = text.split('\n').findIndex((line) => new RegExp(`\\b${name}\\s*=`).test(line))
  return index < 0 ? '' : ` at line ${index + 1}`
}
