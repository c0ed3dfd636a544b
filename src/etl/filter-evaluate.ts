/**
 * Turns a checked condition into a function over the slots of a scan.
 *
 * Truth has three values, ordered false < unknown < true, so that "and" is the smaller, "or" the
 * larger and "not" the mirror: SQL's logic. Whatever touches a null is unknown.
 */
import type { Condition, FilterOperand, NumberWidth } from './filter-condition.ts'
import type { CompareOperator } from './filter-syntax.ts'
import type { WireSlots } from './wire-scan.ts'

export const truth = { false: 0, unknown: 1, true: 2 } as const
type Truth = (typeof truth)[keyof typeof truth]

export type Evaluate = (slots: WireSlots) => number

const truthOf = (value: boolean): Truth => (value ? truth.true : truth.false)

export function evaluatorOf(condition: Condition): Evaluate {
  switch (condition.kind) {
    case 'constant': {
      const value = condition.value === null ? truth.unknown : truthOf(condition.value)
      return () => value
    }
    case 'is-null': {
      const { slot } = condition
      return ({ state }) => (state[slot] === 0 ? truth.true : truth.false)
    }
    case 'not': {
      const operand = evaluatorOf(condition.operand)
      return (slots) => truth.true - operand(slots)
    }
    case 'and': {
      const left = evaluatorOf(condition.left)
      const right = evaluatorOf(condition.right)
      return (slots) => {
        const first = left(slots)
        return first === truth.false ? first : Math.min(first, right(slots))
      }
    }
    case 'or': {
      const left = evaluatorOf(condition.left)
      const right = evaluatorOf(condition.right)
      return (slots) => {
        const first = left(slots)
        return first === truth.true ? first : Math.max(first, right(slots))
      }
    }
    case 'like':
      return likeEvaluator(condition.subject, condition.pattern)
    case 'compare':
      return compareEvaluator(condition)
  }
}

function compareEvaluator({ operator, left, right }: Condition & { kind: 'compare' }): Evaluate {
  const one = textReader(left)
  const other = textReader(right)
  if (one !== undefined && other !== undefined) return compareTexts(operator, one, other)
  return compareNumbers(operator, numberReader(left), numberReader(right))
}

/** Undefined is null. */
type ReadNumber = (slots: WireSlots) => number | bigint | undefined

function numberReader(operand: FilterOperand): ReadNumber {
  if (operand.kind === 'number') {
    const { value } = operand
    return () => value
  }
  if (operand.kind !== 'number-field') return () => undefined
  const { slot, width } = operand
  if (width === 'narrow')
    return ({ state, number }) => (state[slot] === 0 ? undefined : number[slot])
  return ({ state, low, high }) =>
    state[slot] === 0 ? undefined : wideNumber(low[slot] ?? 0, high[slot] ?? 0, width)
}

const safeHighMax = 2 ** 21

/** The exact value: a number up to 2^53, a bigint beyond. */
function wideNumber(low: number, high: number, width: NumberWidth): number | bigint {
  const top = width === 'unsigned-64' ? high >>> 0 : high
  if (top < safeHighMax && top >= -safeHighMax) return top * 4_294_967_296 + (low >>> 0)
  return (BigInt(top) << 32n) | BigInt(low >>> 0)
}

/** Numbers and bigints compare exactly with each other; NaN is neither more, less nor equal. */
function compareNumbers(operator: CompareOperator, left: ReadNumber, right: ReadNumber): Evaluate {
  return (slots) => {
    const one = left(slots)
    const other = right(slots)
    if (one === undefined || other === undefined) return truth.unknown
    return truthOf(numbersAre(operator, one, other))
  }
}

function numbersAre(
  operator: CompareOperator,
  one: number | bigint,
  other: number | bigint,
): boolean {
  switch (operator) {
    case '=':
      return one <= other && one >= other
    case '<>':
      return !(one <= other && one >= other)
    case '<':
      return one < other
    case '<=':
      return one <= other
    case '>':
      return one > other
    case '>=':
      return one >= other
  }
}

/** A text in the scanned bytes (`slot` ≥ 0) or in bytes of its own. */
interface TextReader {
  readonly slot: number
  readonly bytes: Uint8Array
}

const encoder = new TextEncoder()
const noBytes = new Uint8Array(0)

function textReader(operand: FilterOperand): TextReader | undefined {
  if (operand.kind === 'string') return { slot: -1, bytes: encoder.encode(operand.value) }
  return operand.kind === 'string-field' ? { slot: operand.slot, bytes: noBytes } : undefined
}

const isNull = (slots: WireSlots, { slot }: TextReader): boolean =>
  slot >= 0 && slots.state[slot] === 0

/** By bytes, which is the order of code points. */
function compareTexts(operator: CompareOperator, one: TextReader, other: TextReader): Evaluate {
  return (slots) => {
    if (isNull(slots, one) || isNull(slots, other)) return truth.unknown
    return truthOf(numbersAre(operator, textOrder(slots, one, other), 0))
  }
}

/** Negative when `one` comes before `other`, 0 when they are the same. */
function textOrder(slots: WireSlots, one: TextReader, other: TextReader): number {
  const oneBytes = one.slot < 0 ? one.bytes : slots.u8
  const otherBytes = other.slot < 0 ? other.bytes : slots.u8
  const oneStart = one.slot < 0 ? 0 : (slots.start[one.slot] ?? 0)
  const otherStart = other.slot < 0 ? 0 : (slots.start[other.slot] ?? 0)
  const oneLength = (one.slot < 0 ? one.bytes.length : (slots.end[one.slot] ?? 0)) - oneStart
  const otherLength =
    (other.slot < 0 ? other.bytes.length : (slots.end[other.slot] ?? 0)) - otherStart
  const length = Math.min(oneLength, otherLength)
  for (let index = 0; index < length; index++) {
    const order = (oneBytes[oneStart + index] ?? 0) - (otherBytes[otherStart + index] ?? 0)
    if (order !== 0) return order
  }
  return oneLength - otherLength
}

const percent = 0x25
const underscore = 0x5f

function likeEvaluator(subject: FilterOperand, pattern: string): Evaluate {
  const text = textReader(subject)
  if (text === undefined) return () => truth.unknown
  const wanted = encoder.encode(pattern)
  return (slots) => {
    if (isNull(slots, text)) return truth.unknown
    if (text.slot < 0) return truthOf(like(text.bytes, 0, text.bytes.length, wanted))
    const start = slots.start[text.slot] ?? 0
    return truthOf(like(slots.u8, start, slots.end[text.slot] ?? start, wanted))
  }
}

/**
 * `%` is any text, `_` one character (code point). After a mismatch only the last `%` is widened:
 * time grows with the product of both lengths at worst.
 */
function like(u8: Uint8Array, start: number, end: number, pattern: Uint8Array): boolean {
  let at = start
  let wanted = 0
  let retryAt = -1
  let retryWanted = 0
  while (at < end) {
    const byte = pattern[wanted]
    if (byte === percent) {
      retryAt = at
      retryWanted = ++wanted
    } else if (byte === underscore) {
      at = characterNext(u8, at, end)
      wanted++
    } else if (byte !== undefined && byte === u8[at]) {
      at++
      wanted++
    } else if (retryAt >= 0) {
      retryAt = characterNext(u8, retryAt, end)
      at = retryAt
      wanted = retryWanted
    } else return false
  }
  while (pattern[wanted] === percent) wanted++
  return wanted === pattern.length
}

/** Start of the next character: bytes 10xxxxxx belong to the one before. */
function characterNext(u8: Uint8Array, at: number, end: number): number {
  let next = at + 1
  while (next < end && ((u8[next] ?? 0) & 0xc0) === 0x80) next++
  return next
}
