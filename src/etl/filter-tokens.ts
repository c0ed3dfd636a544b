/** Cuts the text of a filter expression into words, each with the place where it starts. */

export type FilterToken =
  | { readonly kind: 'name'; readonly text: string; readonly position: number }
  | { readonly kind: 'keyword'; readonly text: string; readonly position: number }
  | { readonly kind: 'string'; readonly text: string; readonly position: number }
  | { readonly kind: 'number'; readonly text: string; readonly position: number }
  | { readonly kind: 'symbol'; readonly text: string; readonly position: number }
  | { readonly kind: 'end'; readonly text: ''; readonly position: number }

/** What is wrong with an expression, and where. The compiler of filters makes a fault of it. */
export class FilterError extends Error {
  override readonly name = 'FilterError'
  /** Index into the expression, 0-based. */
  readonly position: number

  constructor(position: number, reason: string) {
    super(reason)
    this.position = position
  }
}

const keywords = new Set(['and', 'or', 'not', 'in', 'like', 'is', 'null', 'true', 'false'])

const space = /\s+/y
const shapes = [
  { kind: 'name', shape: /[A-Za-z_]\w*/y },
  { kind: 'quoted-name', shape: /"[^"]+"/y },
  { kind: 'string', shape: /'(?:[^']|'')*'/y },
  { kind: 'number', shape: /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])/y },
  { kind: 'symbol', shape: /<>|!=|<=|>=|[=<>(),.-]/y },
] as const

/** @throws {FilterError} a character that starts no word. */
export function filterTokens(expression: string): readonly FilterToken[] {
  const tokens: FilterToken[] = []
  let position = skipSpace(expression, 0)
  while (position < expression.length) {
    const token = tokenAt(expression, position)
    tokens.push(token.token)
    position = skipSpace(expression, token.next)
  }
  return [...tokens, { kind: 'end', text: '', position: expression.length }]
}

function skipSpace(expression: string, position: number): number {
  space.lastIndex = position
  return space.test(expression) ? space.lastIndex : position
}

function tokenAt(expression: string, position: number): { token: FilterToken; next: number } {
  for (const { kind, shape } of shapes) {
    shape.lastIndex = position
    const text = shape.exec(expression)?.[0]
    if (text === undefined) continue
    return { token: tokenOf(kind, text, position), next: position + text.length }
  }
  const character = expression[position] ?? ''
  if (character === "'") throw new FilterError(position, 'a text starts here and does not end')
  if (/\d/.test(character)) throw new FilterError(position, 'this is not a number')
  throw new FilterError(position, `"${character}" starts nothing that is known`)
}

function tokenOf(
  kind: (typeof shapes)[number]['kind'],
  text: string,
  position: number,
): FilterToken {
  switch (kind) {
    case 'name': {
      const lower = text.toLowerCase()
      if (keywords.has(lower)) return { kind: 'keyword', text: lower, position }
      return { kind, text, position }
    }
    case 'quoted-name':
      return { kind: 'name', text: text.slice(1, -1), position }
    case 'string':
      return { kind, text: text.slice(1, -1).replaceAll("''", "'"), position }
    case 'number':
    case 'symbol':
      return { kind, text, position }
  }
}
