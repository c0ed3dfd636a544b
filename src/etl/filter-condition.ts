/**
 * Checks a parsed filter against a message's schema and resolves names to fields: what comes out
 * can be evaluated on any event of the stream without a further question.
 */
import type { EnumSchema, FieldSchema, MessageSchema, ScalarType } from '../model/event-schema.ts'
import type {
  CompareOperator,
  FilterNode,
  LiteralNode,
  PathNode,
  TestNode,
} from './filter-syntax.ts'
import { FilterError } from './filter-tokens.ts'

/** Where a number lies: in 32 bits or a double, or in two halves of 64 bits. */
export type NumberWidth = 'narrow' | 'signed-64' | 'unsigned-64'

export type FilterOperand =
  | { readonly kind: 'null' }
  | { readonly kind: 'number'; readonly value: number | bigint }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number-field'; readonly slot: number; readonly width: NumberWidth }
  | { readonly kind: 'string-field'; readonly slot: number }

/** Booleans and enums are compared as numbers. */
export type Condition =
  | {
      readonly kind: 'compare'
      readonly operator: CompareOperator
      readonly left: FilterOperand
      readonly right: FilterOperand
    }
  | { readonly kind: 'like'; readonly subject: FilterOperand; readonly pattern: string }
  | { readonly kind: 'is-null'; readonly slot: number }
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly operand: Condition }
  | { readonly kind: 'constant'; readonly value: boolean | null }

/** What a side of a comparison is, for the check of types and for people. */
type Side =
  | { readonly type: 'null' }
  | { readonly type: 'number' | 'string' | 'boolean'; readonly operand: FilterOperand }
  | { readonly type: 'enum'; readonly values: EnumSchema; readonly operand: FilterOperand }
  | { readonly type: 'bytes' | 'message' }

/** Gives a field of the message a slot. */
export type SlotOf = (path: readonly FieldSchema[]) => number

/** @throws {FilterError} a field is not there, is repeated, or has another type. */
export function checkFilter(node: FilterNode, message: MessageSchema, slotOf: SlotOf): Condition {
  return new FilterChecker(message, slotOf).condition(node)
}

const orderless = new Set<Side['type']>(['boolean', 'enum'])

class FilterChecker {
  readonly #message: MessageSchema
  readonly #slotOf: SlotOf

  constructor(message: MessageSchema, slotOf: SlotOf) {
    this.#message = message
    this.#slotOf = slotOf
  }

  condition(node: FilterNode): Condition {
    switch (node.kind) {
      case 'literal':
        if (node.type === 'boolean' || node.type === 'null') {
          return { kind: 'constant', value: node.value }
        }
        throw new FilterError(node.position, `a ${nameOf(node)} is not a condition`)
      case 'path':
        return this.#flag(node)
      case 'and':
      case 'or': {
        const left = this.condition(node.left)
        return { kind: node.kind, left, right: this.condition(node.right) }
      }
      case 'not':
        return { kind: 'not', operand: this.condition(node.operand) }
      case 'compare':
        return this.#compare(node)
      case 'in':
        return this.#in(node)
      case 'like':
        return this.#like(node)
      case 'is-null':
        return this.#isNull(node)
    }
  }

  /** A boolean field alone is a condition. */
  #flag(node: PathNode): Condition {
    const side = this.#side(node)
    if (side.type === 'boolean') {
      return { kind: 'compare', operator: '=', left: side.operand, right: oneOf(true) }
    }
    throw new FilterError(node.position, `${nameOf(node)} is ${side.type}, not a condition`)
  }

  #compare({ operator, left, right, position }: TestNode & { kind: 'compare' }): Condition {
    const sides = this.#enumsResolved(this.#side(left), this.#side(right), { left, right })
    const [one, other] = sides
    for (const { type } of sides) {
      if (type === 'bytes' || type === 'message') {
        throw new FilterError(position, `${type} can only be tested with "is null"`)
      }
    }
    if (one.type === 'null' || other.type === 'null') return { kind: 'constant', value: null }
    if (one.type !== other.type || enumOf(one) !== enumOf(other)) {
      const names = `${describe(left, one)} and ${describe(right, other)}`
      throw new FilterError(position, `${names} cannot be compared`)
    }
    if (orderless.has(one.type) && operator !== '=' && operator !== '<>') {
      throw new FilterError(position, `${one.type} fields have no order: "${operator}"`)
    }
    return { kind: 'compare', operator, left: operandOf(one), right: operandOf(other) }
  }

  /** A text beside an enum is the name of one of its values. */
  #enumsResolved(
    left: Side,
    right: Side,
    nodes: { left: FilterNode; right: FilterNode },
  ): readonly [Side, Side] {
    if (left.type === 'enum') return [left, enumLiteral(left.values, nodes.right, right)]
    if (right.type === 'enum') return [enumLiteral(right.values, nodes.left, left), right]
    return [left, right]
  }

  #in(node: TestNode & { kind: 'in' }): Condition {
    const tests = node.options.map((option) =>
      this.#compare({
        kind: 'compare',
        operator: '=',
        left: node.subject,
        right: option,
        position: option.position,
      }),
    )
    return tests.reduce((left, right) => ({ kind: 'or', left, right }))
  }

  #like({ subject, pattern, position }: TestNode & { kind: 'like' }): Condition {
    const side = this.#side(subject)
    if (side.type === 'null') return { kind: 'constant', value: null }
    if (side.type === 'string') return { kind: 'like', subject: side.operand, pattern }
    throw new FilterError(position, `"like" needs a string, not ${describe(subject, side)}`)
  }

  #isNull({ subject, position }: TestNode & { kind: 'is-null' }): Condition {
    if (subject.kind !== 'path') throw new FilterError(position, '"is null" needs a field')
    return { kind: 'is-null', slot: this.#slotOf(this.#resolve(subject)) }
  }

  #side(node: FilterNode): Side {
    if (node.kind === 'literal') return literalSide(node)
    if (node.kind !== 'path') {
      throw new FilterError(node.position, 'a condition stands where a value is needed')
    }
    const path = this.#resolve(node)
    return fieldSide(path.at(-1)?.type, () => this.#slotOf(path))
  }

  #resolve({ names, position }: PathNode): readonly FieldSchema[] {
    const path: FieldSchema[] = []
    let message: MessageSchema | undefined = this.#message
    for (const name of names) {
      if (message === undefined) {
        throw new FilterError(position, `"${path.at(-1)?.name}" is no message, it has no "${name}"`)
      }
      const field: FieldSchema | undefined = message.fields.find((each) => each.name === name)
      if (field === undefined) {
        throw new FilterError(position, `message "${message.fullName}" has no field "${name}"`)
      }
      if (field.repeated || field.type.kind === 'map') {
        throw new FilterError(position, `field "${name}" is repeated, a filter needs one value`)
      }
      path.push(field)
      message = field.type.kind === 'message' ? field.type.message : undefined
    }
    return path
  }
}

const oneOf = (value: boolean): FilterOperand => ({ kind: 'number', value: value ? 1 : 0 })

function literalSide(node: LiteralNode): Side {
  if (node.type === 'null') return { type: 'null' }
  if (node.type === 'boolean') return { type: 'boolean', operand: oneOf(node.value) }
  if (node.type === 'string') {
    return { type: 'string', operand: { kind: 'string', value: node.value } }
  }
  return { type: 'number', operand: { kind: 'number', value: node.value } }
}

const wideScalars: Readonly<Partial<Record<ScalarType, NumberWidth>>> = {
  int64: 'signed-64',
  sint64: 'signed-64',
  sfixed64: 'signed-64',
  uint64: 'unsigned-64',
  fixed64: 'unsigned-64',
}

function fieldSide(type: FieldSchema['type'] | undefined, slot: () => number): Side {
  if (type === undefined || type.kind === 'message' || type.kind === 'map') {
    return { type: 'message' }
  }
  if (type.kind === 'enum') {
    const operand: FilterOperand = { kind: 'number-field', slot: slot(), width: 'narrow' }
    return { type: 'enum', values: type.values, operand }
  }
  const { scalar } = type
  if (scalar === 'bytes') return { type: 'bytes' }
  if (scalar === 'string') {
    return { type: 'string', operand: { kind: 'string-field', slot: slot() } }
  }
  const width = wideScalars[scalar] ?? 'narrow'
  const operand: FilterOperand = { kind: 'number-field', slot: slot(), width }
  return { type: scalar === 'bool' ? 'boolean' : 'number', operand }
}

function enumLiteral(values: EnumSchema, node: FilterNode, side: Side): Side {
  if (node.kind !== 'literal' || node.type !== 'string') return side
  for (const [number, name] of values.names) {
    if (name !== node.value) continue
    return { type: 'enum', values, operand: { kind: 'number', value: number } }
  }
  const known = [...values.names.values()].slice(0, 20).join(', ')
  const reason = `enum "${values.fullName}" has no value "${node.value}"; it has ${known}`
  throw new FilterError(node.position, reason)
}

const enumOf = (side: Side): string => (side.type === 'enum' ? side.values.fullName : '')

const operandOf = (side: Side): FilterOperand =>
  'operand' in side ? side.operand : { kind: 'null' }

function nameOf(node: FilterNode): string {
  if (node.kind === 'path') return `field "${node.names.join('.')}"`
  return node.kind === 'literal' ? node.type : 'condition'
}

const describe = (node: FilterNode, side: Side): string =>
  node.kind === 'path' ? `${nameOf(node)} (${side.type})` : `a ${side.type}`
