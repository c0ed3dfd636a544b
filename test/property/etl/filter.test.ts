import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type DecodedMessage, ObjectDecoder } from '../../../src/codec/protobuf/object-decoder.ts'
import { WireError } from '../../../src/codec/protobuf/wire.ts'
import { compileFilter } from '../../../src/etl/expression.ts'
import type { FieldSchema, MessageSchema } from '../../../src/model/event-schema.ts'
import {
  floats,
  messageSchemas,
  texts,
  wideIntegers,
  wireMessages,
} from '../../support/wire-messages.ts'

/** An expression and what it means, said over decoded objects. Null is unknown. */
interface Meaning {
  readonly text: string
  readonly value: (row: DecodedMessage) => boolean | null
}

type Operator = (typeof operators)[number]
const operators = ['=', '<>', '!=', '<', '<=', '>', '>='] as const

interface Leaf {
  readonly path: string
  readonly field: FieldSchema
  readonly read: (row: DecodedMessage) => unknown
}

function leavesOf(schema: MessageSchema, prefix = ''): Leaf[] {
  return schema.fields.flatMap((field): Leaf[] => {
    const path = `${prefix}${field.name}`
    const read = (row: DecodedMessage): unknown => row[field.name]
    if (field.type.kind !== 'message') return [{ path, field, read }]
    const inner = leavesOf(field.type.message, `${path}.`).map((leaf) => ({
      ...leaf,
      read: (row: DecodedMessage) => {
        const nested = row[field.name]
        return nested === undefined ? undefined : leaf.read(nested as DecodedMessage)
      },
    }))
    return [{ path, field, read }, ...inner]
  })
}

function holds(operator: Operator, one: unknown, other: unknown): boolean {
  const a = one as number
  const b = other as number
  if (typeof one === 'string' && typeof other === 'string') {
    return holds(operator, Buffer.compare(Buffer.from(one), Buffer.from(other)), 0)
  }
  switch (operator) {
    case '=':
      // biome-ignore lint: bigint and number are compared by value.
      return a == b
    case '<>':
    case '!=':
      return a != b
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
  }
}

const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`

interface Literal {
  readonly text: string
  readonly value: unknown
}

const textLiterals = texts.map((value): Literal => ({ text: quoted(value), value }))
const enumLiterals = ['ZERO', 'ONE', 'FIVE'].map(
  (value): Literal => ({ text: quoted(value), value }),
)
const boolLiterals: Literal[] = [
  { text: 'true', value: true },
  { text: 'FALSE', value: false },
]
const numberLiterals: Literal[] = [
  ...wideIntegers.map((value) => ({ text: String(value), value })),
  ...floats
    .filter(Number.isFinite)
    .map((value) => ({ text: String(value).replace('+', ''), value })),
]

function literalsOf({ type }: FieldSchema): Literal[] {
  if (type.kind === 'enum') return enumLiterals
  if (type.kind !== 'scalar' || type.scalar === 'bytes') return []
  if (type.scalar === 'string') return textLiterals
  return type.scalar === 'bool' ? boolLiterals : numberLiterals
}

const orderless = (literals: Literal[]): boolean =>
  literals === enumLiterals || literals === boolLiterals

function comparison(leaf: Leaf): fc.Arbitrary<Meaning> {
  const literals = literalsOf(leaf.field)
  const allowed = operators.slice(0, orderless(literals) ? 3 : undefined)
  const draw = fc.tuple(fc.constantFrom(...allowed), fc.constantFrom(...literals), fc.boolean())
  return draw.map(([operator, literal, turned]) => ({
    text: turned
      ? `${literal.text} ${operator} ${leaf.path}`
      : `${leaf.path}${operator}${literal.text}`,
    value: (row) => {
      const value = leaf.read(row)
      if (value === undefined) return null
      return turned ? holds(operator, literal.value, value) : holds(operator, value, literal.value)
    },
  }))
}

function between(leaf: Leaf, others: Leaf[]): fc.Arbitrary<Meaning> {
  return fc
    .tuple(fc.constantFrom(...operators), fc.constantFrom(...others))
    .map(([operator, other]) => ({
      text: `${leaf.path} ${operator} ${other.path}`,
      value: (row) => {
        const [one, two] = [leaf.read(row), other.read(row)]
        return one === undefined || two === undefined ? null : holds(operator, one, two)
      },
    }))
}

function listed(leaf: Leaf): fc.Arbitrary<Meaning> {
  const options = fc.array(fc.constantFrom(...literalsOf(leaf.field)), {
    minLength: 1,
    maxLength: 4,
  })
  return fc.tuple(options, fc.boolean(), fc.boolean()).map(([chosen, withNull, negated]) => {
    const texts = [...chosen.map(({ text }) => text), ...(withNull ? ['null'] : [])]
    return {
      text: `${leaf.path} ${negated ? 'NOT ' : ''}in (${texts.join(', ')})`,
      value: (row) => {
        const value = leaf.read(row)
        if (value === undefined) return null
        const found = chosen.some((option) => holds('=', value, option.value))
        const answer = found ? true : withNull ? null : false
        return negated && answer !== null ? !answer : answer
      },
    }
  })
}

const likePattern = (pattern: string): RegExp =>
  new RegExp(
    `^${Array.from(pattern)
      .map((each) =>
        each === '%' ? '.*' : each === '_' ? '.' : each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
      )
      .join('')}$`,
    'su',
  )

function alike(leaf: Leaf): fc.Arbitrary<Meaning> {
  const pieces = fc.array(fc.constantFrom('%', '_', 'a', 'b', 'é', '😀', "'"), { maxLength: 5 })
  return pieces.map((parts) => {
    const pattern = parts.join('')
    return {
      text: `${leaf.path} like ${quoted(pattern)}`,
      value: (row) => {
        const value = leaf.read(row)
        return value === undefined ? null : likePattern(pattern).test(value as string)
      },
    }
  })
}

const nullTest = (leaf: Leaf): fc.Arbitrary<Meaning> =>
  fc.boolean().map((negated) => ({
    text: `${leaf.path} is ${negated ? 'not ' : ''}null`,
    value: (row) => (leaf.read(row) === undefined) !== negated,
  }))

function predicate(leaves: Leaf[]): fc.Arbitrary<Meaning> {
  return fc.constantFrom(...leaves).chain((leaf) => {
    const { type } = leaf.field
    const tests = [nullTest(leaf)]
    if (literalsOf(leaf.field).length > 0)
      tests.push(comparison(leaf), comparison(leaf), listed(leaf))
    if (literalsOf(leaf.field) === textLiterals) tests.push(alike(leaf))
    const sameKind = leaves.filter(
      ({ field }) => literalsOf(field) === literalsOf(leaf.field) && !orderless(literalsOf(field)),
    )
    if (type.kind === 'scalar' && type.scalar !== 'bytes' && sameKind.length > 0) {
      tests.push(between(leaf, sameKind))
    }
    return fc.oneof(...tests)
  })
}

function conditions(leaves: Leaf[], depth: number): fc.Arbitrary<Meaning> {
  if (depth === 0) return predicate(leaves)
  const inner = conditions(leaves, depth - 1)
  const both = fc.tuple(inner, inner)
  return fc.oneof(
    predicate(leaves),
    both.map(
      ([a, b]): Meaning => ({
        text: `(${a.text} and ${b.text})`,
        value: (row) => and(a.value(row), b.value(row)),
      }),
    ),
    both
      .map(
        ([a, b]): Meaning => ({
          text: `(${a.text}) OR ${b.text}`,
          value: (row) => or(a.value(row), b.value(row)),
        }),
      )
      .map(bracketed),
    inner.map((a): Meaning => ({ text: `(not (${a.text}))`, value: (row) => not(a.value(row)) })),
  )
}

const bracketed = (meaning: Meaning): Meaning => ({ ...meaning, text: `(${meaning.text})` })
const not = (a: boolean | null): boolean | null => (a === null ? null : !a)
const and = (a: boolean | null, b: boolean | null): boolean | null =>
  a === false || b === false ? false : a === null || b === null ? null : true
const or = (a: boolean | null, b: boolean | null): boolean | null => not(and(not(a), not(b)))

const cases = messageSchemas().chain((schema) =>
  fc.record({
    schema: fc.constant(schema),
    meaning: conditions(leavesOf(schema), 2),
    bytes: wireMessages(schema),
  }),
)

const oracle = (schema: MessageSchema, bytes: Uint8Array): DecodedMessage | undefined => {
  try {
    return new ObjectDecoder(schema).decode(bytes)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

const timeoutMs = 60_000

it(
  'a filter judges wire bytes as its meaning judges the decoded object',
  () => {
    const seen = { pass: 0, reject: 0, unknown: 0 }
    fc.assert(
      fc.property(cases, ({ schema, meaning, bytes }) => {
        const row = oracle(schema, bytes)
        expect(row).toBeDefined()
        const value = row === undefined ? null : meaning.value(row)
        const verdict = compileFilter(meaning.text, schema, 's').matches(bytes, 0, bytes.length)
        expect(verdict, meaning.text).toBe(value === true ? 'pass' : 'reject')
        seen[value === null ? 'unknown' : value ? 'pass' : 'reject']++
      }),
      { numRuns: 1_500 },
    )
    expect(Math.min(seen.pass, seen.reject, seen.unknown)).toBeGreaterThan(50)
  },
  timeoutMs,
)

it(
  'a filter never throws on broken bytes, and reads nothing outside its bounds',
  () => {
    const broken = cases.chain(({ schema, meaning, bytes }) =>
      fc.record({
        schema: fc.constant(schema),
        meaning: fc.constant(meaning),
        bytes: fc.constant(bytes),
        cut: fc.nat(bytes.length),
        noise: fc.uint8Array({ minLength: 1, maxLength: 30 }),
        behind: fc.uint8Array({ maxLength: 20 }),
      }),
    )
    fc.assert(
      fc.property(broken, ({ schema, meaning, bytes, cut, noise, behind }) => {
        const inside = new Uint8Array([...bytes.slice(0, cut), ...noise])
        const filter = compileFilter(meaning.text, schema, 's')
        const alone = filter.matches(inside, 0, inside.length)
        const framed = new Uint8Array([...behind, ...inside, ...behind])
        const start = behind.length
        expect(filter.matches(framed, start, start + inside.length)).toBe(alone)
        const row = oracle(schema, inside)
        if (alone === 'malformed') expect(row).toBeUndefined()
        if (row !== undefined) expect(alone).toBe(meaning.value(row) === true ? 'pass' : 'reject')
      }),
      { numRuns: 1_000 },
    )
  },
  timeoutMs,
)
