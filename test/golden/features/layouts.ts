/** Golden files of how rows lie in files: codecs, pages, row groups, many columns. */
import type { Feature, FeatureRow } from './feature.ts'
import { hex } from './scattered.ts'
import { float, int, map } from './seen.ts'

const mixedProto = `syntax = "proto3"; message A {
  int64 id = 1; string few = 2; string uuid = 3; optional double fraction = 4;
  repeated string labels = 5; map<string, int32> counts = 6; optional bool flag = 7; }`

function mixedRow(index: number): FeatureRow {
  const isThere = index % 3 !== 0
  const labels = Array.from({ length: index % 4 }, (_, at) => `label ${(index + at) % 50}`)
  const common = { few: `one of few ${index % 9}`, uuid: hex(index), labels }
  return {
    sent: {
      ...common,
      id: index,
      counts: index % 5 === 0 ? {} : { k: index },
      ...(isThere ? { fraction: index / 7, flag: index % 2 === 0 } : {}),
    },
    seen: {
      ...common,
      id: int(index),
      counts: index % 5 === 0 ? map() : map(['k', int(index)]),
      fraction: isThere ? float(index / 7) : null,
      flag: isThere ? index % 2 === 0 : null,
    },
  }
}

const mixed = (count: number): readonly FeatureRow[] =>
  Array.from({ length: count }, (_, index) => mixedRow(index))

const codecs = ['zstd', 'snappy', 'gzip', 'lz4_raw', 'none'] as const
const codecFeatures = codecs.map(
  (codec): Feature => ({
    name: `codec-${codec.replace('_', '-')}`,
    title: `\`file.codec: ${codec}\``,
    proto: mixedProto,
    rows: mixed(1_500),
    file: { codec, level: codec === 'gzip' ? 6 : 1 },
    claims: { codec: codec === 'none' ? 'UNCOMPRESSED' : codec.toUpperCase() },
  }),
)

const pages: Feature = {
  name: 'pages',
  title: 'many data pages a column, lists across them',
  proto: `syntax = "proto3"; message A { int32 id = 1; string text = 2; repeated string parts = 3; }`,
  rows: Array.from({ length: 6_000 }, (_, index): FeatureRow => {
    const text = `${hex(index)}${'x'.repeat(index % 900)}`
    const parts = Array.from(
      { length: index % 5 },
      (_, at) => `${hex(index + at)}${'y'.repeat(400)}`,
    )
    return { sent: { id: index, text, parts }, seen: { id: int(index), text, parts } }
  }),
  batchRows: 500,
  claims: { pageCountMin: { text: 3, 'parts.list.element': 3 }, rowGroupCount: 1 },
}

const rowGroups: Feature = {
  name: 'row-groups',
  title: 'a hundred row groups of 1 to 40 rows',
  proto: mixedProto,
  rows: mixed(2_000),
  batchRows: 20,
  file: { rowGroupBytesMax: 1 },
  claims: { rowGroupCount: 100 },
  filters: [
    { column: 'id', operator: '=', value: int(1_234), rowCount: 1 },
    { column: 'id', operator: '<', value: int(45), rowCount: 45 },
    { column: 'few', operator: '=', value: 'one of few 8', rowCount: 222 },
    { column: 'few', operator: '>', value: 'one of few 8', rowCount: 0 },
  ],
}

const oneRow: Feature = {
  name: 'row-groups-of-one',
  title: 'row groups of one row',
  proto: mixedProto,
  rows: mixed(30),
  batchRows: 1,
  file: { rowGroupBytesMax: 1 },
  claims: { rowGroupCount: 30 },
}

const wideCount = 1_000
const wide: Feature = {
  name: 'wide',
  title: `${wideCount.toLocaleString('en')} columns, mostly absent`,
  proto: `syntax = "proto3"; message A { ${Array.from(
    { length: wideCount },
    (_, at) => `optional ${at % 2 === 0 ? 'int64' : 'string'} c${at} = ${at + 1};`,
  ).join(' ')} }`,
  rows: Array.from({ length: 20 }, (_, row): FeatureRow => {
    const there = [row, row * 31 + 40, 999 - row]
    const nothing = Array.from({ length: wideCount }, (_, at) => [`c${at}`, null] as const)
    return {
      sent: Object.fromEntries(there.map((at) => [`c${at}`, at % 2 === 0 ? at : `v${at}`])),
      seen: {
        ...Object.fromEntries(nothing),
        ...Object.fromEntries(there.map((at) => [`c${at}`, at % 2 === 0 ? int(at) : `v${at}`])),
      },
    }
  }),
}

export const layoutFeatures: readonly Feature[] = [...codecFeatures, pages, rowGroups, oneRow, wide]
