/** Golden files of what lets readers skip: bounds, page indexes, Bloom filters. */
import type { Feature, FeatureFilter, FeatureRow } from './feature.ts'
import { hex, scattered } from './scattered.ts'
import { float, int, type Seen } from './seen.ts'

const indexedText = (index: number): string =>
  `text ${String(index).padStart(6, '0')} ${'x'.repeat(100)}`

const indexFilters: readonly FeatureFilter[] = [
  { column: 'id', operator: '=', value: int(22_222), rowCount: 1 },
  { column: 'id', operator: '>', value: int(29_990), rowCount: 9 },
  { column: 'text', operator: '=', value: indexedText(17_777), rowCount: 1 },
  { column: 'text', operator: '<', value: 'text 000003', rowCount: 3 },
]

/** Blocks of rows in no order, so that bounds of pages neither climb nor fall. */
const blockOrder = [5, 0, 9, 2, 11, 7, 1, 10, 4, 8, 3, 6]
const blockRows = 2_500
const climbing = (index: number): number => index
const jumping = (index: number): number =>
  (blockOrder[Math.floor(index / blockRows)] ?? 0) * blockRows + (index % blockRows)

/** Numbers that are close stand together, so that most pages can be skipped. */
function indexed(
  about: Pick<Feature, 'name' | 'title' | 'claims'>,
  pageIndex: boolean,
  numberAt: (index: number) => number,
): Feature {
  return {
    ...about,
    proto: 'syntax = "proto3"; message A { int64 id = 1; string text = 2; }',
    rows: Array.from({ length: blockOrder.length * blockRows }, (_, index): FeatureRow => {
      const id = numberAt(index)
      const text = indexedText(id)
      return { sent: { id, text }, seen: { id: int(id), text } }
    }),
    batchRows: 1_000,
    file: { pageIndex, codec: 'snappy' },
    filters: indexFilters,
  }
}

const pageIndexes: readonly Feature[] = [
  indexed(
    {
      name: 'page-index',
      title: 'page index, sorted rows, comparisons',
      claims: { hasPageIndex: true, pageCountMin: { text: 3 } },
    },
    true,
    climbing,
  ),
  indexed(
    {
      name: 'page-index-unordered',
      title: 'page index, pages in no order, comparisons',
      claims: { hasPageIndex: true, pageCountMin: { text: 3 } },
    },
    true,
    jumping,
  ),
  indexed(
    {
      name: 'page-index-none',
      title: 'sorted rows without page index, comparisons',
      claims: { hasPageIndex: false },
    },
    false,
    climbing,
  ),
]

const bloom: Feature = {
  name: 'bloom-filters',
  title: 'Bloom filters; equality of values present and absent',
  proto: `syntax = "proto3"; enum Kind { NONE = 0; CLICK = 1; }
    message A { string user = 1; int64 big = 2; int32 small = 3; uint64 unsigned = 4; }`,
  rows: Array.from({ length: 4_000 }, (_, index): FeatureRow => {
    const big = BigInt.asIntN(64, scattered(index * 2))
    const small = Number(BigInt.asIntN(32, scattered(index * 2 + 1)))
    const unsigned = scattered(index + 9_000)
    const user = hex(index * 3)
    return {
      sent: { user, big: String(big), small, unsigned: String(unsigned) },
      seen: { user, big: int(big), small: int(small), unsigned: int(unsigned) },
    }
  }),
  batchRows: 500,
  file: {
    rowGroupBytesMax: 1,
    bloom: {
      columns: ['user', 'big', 'small', 'unsigned'],
      errorRate: 0.01,
      sizeBytesMax: 1_048_576,
    },
  },
  claims: { bloom: ['user', 'big', 'small', 'unsigned'], rowGroupCount: 8 },
  filters: [
    { column: 'user', operator: '=', value: hex(9), rowCount: 1 },
    { column: 'user', operator: '=', value: hex(3_999 * 3), rowCount: 1 },
    { column: 'user', operator: '=', value: hex(1), rowCount: 0 },
    { column: 'big', operator: '=', value: int(BigInt.asIntN(64, scattered(2_468))), rowCount: 1 },
    { column: 'big', operator: '=', value: int(5), rowCount: 0 },
    {
      column: 'small',
      operator: '=',
      value: int(BigInt.asIntN(32, scattered(1_234 * 2 + 1))),
      rowCount: 1,
    },
    { column: 'unsigned', operator: '=', value: int(scattered(9_777)), rowCount: 1 },
  ],
}

const long = 'é'.repeat(40)
const boundRows = [
  { big: -(2n ** 63n), unsigned: 0n, small: 1, text: '', fraction: -0 },
  { big: -1n, unsigned: 2n ** 63n, small: 4_294_967_295, text: long, fraction: 0 },
  { big: 0n, unsigned: 1n, small: 2_147_483_648, text: `${long}a`, fraction: -1.5 },
  { big: 2n ** 63n - 1n, unsigned: 2n ** 64n - 1n, small: 0, text: `${long}é`, fraction: 2 },
  { big: 5n, unsigned: 7n, small: 9, text: '\u{10ffff}'.repeat(30), fraction: Number.NaN },
  { big: 6n, unsigned: 8n, small: 10, text: 'z', fraction: 1 },
]

const filtersOf = (
  column: string,
  cases: readonly (readonly ['=' | '<' | '>', Seen, number])[],
): readonly FeatureFilter[] =>
  cases.map(([operator, value, rowCount]) => ({ column, operator, value, rowCount }))

const boundRow = ({
  big,
  unsigned,
  small,
  text,
  fraction,
}: (typeof boundRows)[number]): FeatureRow => ({
  sent: { big: String(big), unsigned: String(unsigned), small, text, fraction },
  seen: {
    big: int(big),
    unsigned: int(unsigned),
    small: int(small),
    text,
    fraction: float(fraction),
  },
})

/** Row groups of two rows: a wrong bound hides one of them from whoever believes it. */
const bounds: readonly Feature[] = [
  {
    name: 'bounds',
    title: 'comparisons at the bounds of row groups: signed, text cut short, -0.0, NaN',
    proto: 'syntax = "proto3"; message A { int64 big = 1; string text = 2; double fraction = 3; }',
    rows: boundRows.map(boundRow).map(({ sent, seen }) => {
      const { big = null, text = null, fraction = null } = seen
      return { sent, seen: { big, text, fraction } }
    }),
    batchRows: 2,
    file: { rowGroupBytesMax: 1 },
    claims: { rowGroupCount: 3 },
    filters: [
      ...filtersOf('big', [
        ['=', int(-(2n ** 63n)), 1],
        ['=', int(2n ** 63n - 1n), 1],
        ['<', int(0), 2],
        ['>', int(5), 2],
      ]),
      ...filtersOf('text', [
        ['=', '', 1],
        ['=', long, 1],
        ['=', `${long}é`, 1],
        ['>', `${long}a`, 2],
        ['=', '\u{10ffff}'.repeat(30), 1],
        ['<', 'z', 1],
        ['>', '\u{10ffff}', 1],
      ]),
      ...filtersOf('fraction', [
        ['=', float(0), 2],
        ['=', float(1), 1],
        ['<', float(0), 1],
        ['=', float(2), 1],
      ]),
    ],
  },
  {
    name: 'bounds-unsigned',
    title: 'comparisons at the bounds of row groups: unsigned beyond the signed half',
    proto: 'syntax = "proto3"; message A { uint64 unsigned = 1; uint32 small = 2; }',
    rows: boundRows.map(({ unsigned, small }) => ({
      sent: { unsigned: String(unsigned), small },
      seen: { unsigned: int(unsigned), small: int(small) },
    })),
    batchRows: 2,
    file: { rowGroupBytesMax: 1 },
    claims: { rowGroupCount: 3 },
    filters: [
      ...filtersOf('unsigned', [
        ['=', int(2n ** 63n), 1],
        ['=', int(2n ** 64n - 1n), 1],
        ['>', int(2n ** 63n), 1],
        ['<', int(2), 2],
      ]),
      ...filtersOf('small', [
        ['=', int(4_294_967_295), 1],
        ['=', int(2_147_483_648), 1],
        ['>', int(2_147_483_647), 2],
        ['<', int(2), 2],
      ]),
    ],
  },
]

const hardToBound = [
  { text: 'a', last: 'a', fraction: 1 },
  { text: 'b', last: 'b', fraction: 2 },
  { text: 'y'.repeat(70_000), last: '\u{10ffff}'.repeat(30), fraction: Number.NaN },
  { text: 'z', last: 'z', fraction: Number.NaN },
]

/**
 * Two row groups: bounds of the second are hard to give. Some readers take what is said of the
 * first for what is said of both, so that texts have bounds however long they are.
 */
const boundsHard: Feature = {
  name: 'bounds-hard',
  title: 'comparisons with texts over 64 KiB, texts of U+10FFFF, a row group of NaN',
  proto: 'syntax = "proto3"; message A { string text = 1; string last = 2; double fraction = 3; }',
  rows: hardToBound.map(({ text, last, fraction }) => ({
    sent: { text, last, fraction },
    seen: { text, last, fraction: float(fraction) },
  })),
  batchRows: 2,
  file: { rowGroupBytesMax: 1 },
  claims: { rowGroupCount: 2 },
  filters: [
    ...filtersOf('text', [
      ['>', 'x', 2],
      ['=', 'z', 1],
    ]),
    ...filtersOf('last', [
      ['>', 'z', 1],
      ['=', 'z', 1],
    ]),
    ...filtersOf('fraction', [
      ['=', float(1), 1],
      ['<', float(2), 1],
    ]),
  ],
}

export const boundFeatures: readonly Feature[] = [...pageIndexes, bloom, ...bounds, boundsHard]
