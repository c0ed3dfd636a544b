/** What a reader made of a golden file, against what it must see. */
import type { Feature, SeenRow } from '../features/feature.ts'
import { type Seen, textOfSeen } from '../features/seen.ts'

interface Refusal {
  readonly error: string
}

/** What a reader's script prints of one file. */
export interface Answer {
  readonly name: string
  readonly rows: readonly SeenRow[] | Refusal
  /** Of each filter, in order. */
  readonly counts: readonly (number | Refusal)[]
}

export type Verdict =
  | { readonly kind: 'equal' }
  /** Rows came, and not those; `example` is the first difference. */
  | { readonly kind: 'differs'; readonly columns: readonly string[]; readonly example: string }
  | { readonly kind: 'refused'; readonly message: string }
  /** Every row is as it must be, and a comparison finds other ones or fails. */
  | { readonly kind: 'filter'; readonly example: string }

/**
 * @param hasText false when the reader has one type for texts and bytes: texts are then compared
 *   by their UTF-8.
 */
export function verdictOf(feature: Feature, answer: Answer, hasText: boolean): Verdict {
  const { rows, counts } = answer
  if ('error' in rows) return { kind: 'refused', message: rows.error }
  const expected = feature.rows.map(({ seen }) => (hasText ? seen : rowWithoutTexts(seen)))
  return (
    differenceOf(expected, rows) ??
    filterDifference(feature.filters ?? [], counts) ?? { kind: 'equal' }
  )
}

function differenceOf(expected: readonly SeenRow[], seen: readonly SeenRow[]): Verdict | undefined {
  if (seen.length !== expected.length) {
    const example = `${seen.length} rows for ${expected.length}`
    return { kind: 'differs', columns: [], example }
  }
  const columns = new Set<string>()
  let example: string | undefined
  for (const [index, row] of expected.entries()) {
    for (const { name, was, is } of cellsApart(row, seen[index] ?? {})) {
      columns.add(name)
      example ??= `"${name}" of row ${index}: ${is} for ${was}`
    }
  }
  return example === undefined ? undefined : { kind: 'differs', columns: [...columns], example }
}

interface CellApart {
  readonly name: string
  readonly was: string
  readonly is: string
}

function cellsApart(expected: SeenRow, seen: SeenRow): readonly CellApart[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(seen)])
  return [...names].flatMap((name) => {
    const [was, is] = [textOf(expected[name]), textOf(seen[name])]
    return was === is ? [] : [{ name, was: shortened(was), is: shortened(is) }]
  })
}

const textOf = (value: Seen | undefined): string =>
  value === undefined ? 'nothing' : textOfSeen(value)

const lengthMax = 120
const shortened = (text: string): string =>
  text.length > lengthMax ? `${text.slice(0, lengthMax)}…` : text

function filterDifference(
  filters: NonNullable<Feature['filters']>,
  counts: Answer['counts'],
): Verdict | undefined {
  for (const [index, { column, operator, value, rowCount }] of filters.entries()) {
    const count = counts[index]
    if (count === rowCount) continue
    const found = typeof count === 'object' ? count.error : `${count} rows for ${rowCount}`
    const example = `${column} ${operator} ${shortened(textOfSeen(value))}: ${found}`
    return { kind: 'filter', example }
  }
  return undefined
}

const rowWithoutTexts = (row: SeenRow): SeenRow =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, withoutTexts(value)]))

function withoutTexts(value: Seen): Seen {
  if (typeof value === 'string') return { bytes: Buffer.from(value).toString('hex') }
  if (Array.isArray(value)) return value.map(withoutTexts)
  if (typeof value !== 'object' || value === null) return value
  const [name, ...more] = Object.keys(value)
  const isScalar =
    more.length === 0 && ['int', 'float', 'bytes', 'micros', 'nanos'].includes(name ?? '')
  return isScalar ? value : rowWithoutTexts(value as SeenRow)
}
