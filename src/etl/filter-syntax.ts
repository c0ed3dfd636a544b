/**
 * The syntax of filter expressions, loosest first:
 *
 *     condition  = term { "or" term }
 *     term       = factor { "and" factor }
 *     factor     = "not" factor | predicate
 *     predicate  = operand [ comparison operand | ["not"] "in" "(" literal {"," literal} ")"
 *                | ["not"] "like" string | "is" ["not"] "null" ]
 *     operand    = literal | name { "." name } | "(" condition ")"
 */
import { FilterError, type FilterToken, filterTokens } from './filter-tokens.ts'

export type CompareOperator = '=' | '<>' | '<' | '<=' | '>' | '>='

export type FilterNode = LiteralNode | PathNode | TestNode

export type LiteralNode = { readonly kind: 'literal'; readonly position: number } & LiteralValue

type LiteralValue =
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'number'; readonly value: number | bigint }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null'; readonly value: null }

export interface PathNode {
  readonly kind: 'path'
  readonly names: readonly string[]
  readonly position: number
}

export type TestNode = { readonly position: number } & (
  | {
      readonly kind: 'compare'
      readonly operator: CompareOperator
      readonly left: FilterNode
      readonly right: FilterNode
    }
  | { readonly kind: 'in'; readonly subject: FilterNode; readonly options: readonly LiteralNode[] }
  | { readonly kind: 'like'; readonly subject: FilterNode; readonly pattern: string }
  | { readonly kind: 'is-null'; readonly subject: FilterNode }
  | { readonly kind: 'and'; readonly left: FilterNode; readonly right: FilterNode }
  | { readonly kind: 'or'; readonly left: FilterNode; readonly right: FilterNode }
  | { readonly kind: 'not'; readonly operand: FilterNode }
)

const depthMax = 100

const operators: Readonly<Record<string, CompareOperator>> = {
  '=': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

/** @throws {FilterError} the text is no expression. */
export function parseFilter(expression: string): FilterNode {
  return new FilterParser(filterTokens(expression)).whole()
}

class FilterParser {
  readonly #tokens: readonly FilterToken[]
  #at = 0
  #depth = 0

  constructor(tokens: readonly FilterToken[]) {
    this.#tokens = tokens
  }

  whole(): FilterNode {
    const node = this.#condition()
    const rest = this.#token()
    if (rest.kind === 'end') return node
    throw new FilterError(rest.position, `"${rest.text}" is not expected here`)
  }

  #token(): FilterToken {
    return this.#tokens[this.#at] ?? { kind: 'end', text: '', position: 0 }
  }

  /** Takes the next word when it is this one. */
  #take(kind: 'keyword' | 'symbol', text: string): boolean {
    const token = this.#token()
    if (token.kind !== kind || token.text !== text) return false
    this.#at++
    return true
  }

  #expect(kind: 'keyword' | 'symbol', text: string): void {
    if (!this.#take(kind, text)) throw this.#unexpected(`"${text}"`)
  }

  #unexpected(wanted: string): FilterError {
    const { kind, text, position } = this.#token()
    const found = kind === 'end' ? 'the end' : `"${text}"`
    return new FilterError(position, `${wanted} is expected here, not ${found}`)
  }

  #condition(): FilterNode {
    if (++this.#depth > depthMax) throw this.#unexpected(`nesting of at most ${depthMax}`)
    let left = this.#term()
    for (;;) {
      const { position } = this.#token()
      if (!this.#take('keyword', 'or')) break
      left = { kind: 'or', left, right: this.#term(), position }
    }
    this.#depth--
    return left
  }

  #term(): FilterNode {
    let left = this.#factor()
    for (;;) {
      const { position } = this.#token()
      if (!this.#take('keyword', 'and')) return left
      left = { kind: 'and', left, right: this.#factor(), position }
    }
  }

  #factor(): FilterNode {
    const { position } = this.#token()
    if (!this.#take('keyword', 'not')) return this.#predicate()
    if (++this.#depth > depthMax) throw this.#unexpected(`nesting of at most ${depthMax}`)
    const operand = this.#factor()
    this.#depth--
    return { kind: 'not', operand, position }
  }

  #predicate(): FilterNode {
    const left = this.#operand()
    const { kind, text, position } = this.#token()
    const operator = kind === 'symbol' ? operators[text] : undefined
    if (operator !== undefined) {
      this.#at++
      return { kind: 'compare', operator, left, right: this.#operand(), position }
    }
    if (this.#take('keyword', 'is')) {
      const negated = this.#take('keyword', 'not')
      this.#expect('keyword', 'null')
      return negatedIf(negated, { kind: 'is-null', subject: left, position })
    }
    const negated = this.#take('keyword', 'not')
    if (this.#take('keyword', 'in')) {
      return negatedIf(negated, { kind: 'in', subject: left, options: this.#options(), position })
    }
    if (this.#take('keyword', 'like')) {
      return negatedIf(negated, { kind: 'like', subject: left, pattern: this.#text(), position })
    }
    if (negated) throw this.#unexpected('"in" or "like"')
    return left
  }

  #options(): readonly LiteralNode[] {
    this.#expect('symbol', '(')
    const options: LiteralNode[] = []
    do {
      const option = this.#literal()
      if (option === undefined) throw this.#unexpected('a text, a number, true, false or null')
      options.push(option)
    } while (this.#take('symbol', ','))
    this.#expect('symbol', ')')
    return options
  }

  #text(): string {
    const token = this.#token()
    if (token.kind !== 'string') throw this.#unexpected("a text in '…'")
    this.#at++
    return token.text
  }

  #operand(): FilterNode {
    const { position } = this.#token()
    if (this.#take('symbol', '(')) {
      const inner = this.#condition()
      this.#expect('symbol', ')')
      return inner
    }
    const literal = this.#literal()
    if (literal !== undefined) return literal
    const names = [this.#name()]
    while (this.#take('symbol', '.')) names.push(this.#name())
    return { kind: 'path', names, position }
  }

  #name(): string {
    const token = this.#token()
    if (token.kind !== 'name') throw this.#unexpected('a field or a value')
    this.#at++
    return token.text
  }

  #literal(): LiteralNode | undefined {
    const token = this.#token()
    const { position } = token
    const negative = token.kind === 'symbol' && token.text === '-'
    const value = negative ? this.#tokens[this.#at + 1] : token
    const literal = value === undefined ? undefined : literalOf(value, negative)
    if (literal === undefined) return undefined
    this.#at += negative ? 2 : 1
    return { kind: 'literal', position, ...literal }
  }
}

const negatedIf = (negated: boolean, node: TestNode): TestNode =>
  negated ? { kind: 'not', operand: node, position: node.position } : node

function literalOf(token: FilterToken, negative: boolean): LiteralValue | undefined {
  if (token.kind === 'number') {
    const size = numberOf(token.text)
    return { type: 'number', value: negative ? -size : size }
  }
  if (negative) return undefined
  if (token.kind === 'string') return { type: 'string', value: token.text }
  if (token.kind !== 'keyword') return undefined
  if (token.text === 'true') return { type: 'boolean', value: true }
  if (token.text === 'false') return { type: 'boolean', value: false }
  return token.text === 'null' ? { type: 'null', value: null } : undefined
}

/** Whole numbers stay exact: those that a double cannot hold are bigint. */
function numberOf(text: string): number | bigint {
  const value = Number(text)
  return /^\d+$/.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value
}
