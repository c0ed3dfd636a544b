/** Golden files of pages: each encoding, with nulls between and without. */
import type { Feature, FeatureRow } from './feature.ts'
import { hex, scattered } from './scattered.ts'
import { bytes, int, type Seen } from './seen.ts'

/** A file of one column beside its row's number. */
function columnFeature(
  feature: Pick<Feature, 'name' | 'title' | 'claims' | 'file' | 'batchRows'>,
  type: string,
  count: number,
  valueOf: (index: number) => { readonly sent: unknown; readonly seen: Seen },
): Feature {
  return {
    ...feature,
    proto: `syntax = "proto3"; message A { int32 id = 1; ${type} value = 2; }`,
    rows: Array.from({ length: count }, (_, index): FeatureRow => {
      const { sent, seen } = valueOf(index)
      return { sent: { id: index, value: sent }, seen: { id: int(index), value: seen } }
    }),
  }
}

const same = (value: string): { readonly sent: string; readonly seen: Seen } => ({
  sent: value,
  seen: value,
})
const whole = (value: bigint): { readonly sent: string; readonly seen: Seen } => ({
  sent: String(value),
  seen: int(value),
})

/** Repeats for more than a page, then never again, until the dictionary is too long. */
const fallingBack = (index: number): string =>
  index < 25_000 ? `one of many ${index % 400}` : hex(index)

export const encodingFeatures: readonly Feature[] = [
  columnFeature(
    {
      name: 'encoding-dictionary',
      title: 'dictionary pages, text',
      claims: { encodings: { value: 'PLAIN RLE_DICTIONARY' } },
    },
    'string',
    3_000,
    (index) => same(`one of few ${index % 300}`),
  ),
  columnFeature(
    {
      name: 'encoding-dictionary-null',
      title: 'dictionary pages between nulls',
      claims: { encodings: { value: 'PLAIN RLE RLE_DICTIONARY' } },
    },
    'optional int64',
    3_000,
    (index) =>
      index % 7 < 3 ? { sent: undefined, seen: null } : whole(-(2n ** 62n) + BigInt(index % 30)),
  ),
  columnFeature(
    {
      name: 'encoding-fall-back',
      batchRows: 1_000,
      title: 'dictionary, given up in a later page',
      claims: {
        encodings: { value: 'DELTA_BYTE_ARRAY PLAIN RLE_DICTIONARY' },
        pageCountMin: { value: 2 },
      },
    },
    'string',
    60_000,
    (index) => same(fallingBack(index)),
  ),
  columnFeature(
    {
      name: 'encoding-fall-back-plain',
      batchRows: 1_000,
      title: 'the same with `file.encodings: plain`',
      file: { encodings: 'plain' },
      claims: { encodings: { value: 'PLAIN RLE_DICTIONARY' }, pageCountMin: { value: 2 } },
    },
    'string',
    60_000,
    (index) => same(fallingBack(index)),
  ),
  columnFeature(
    {
      name: 'encoding-plain',
      title: 'plain pages: texts',
      file: { encodings: 'plain' },
      claims: { encodings: { value: 'PLAIN' } },
    },
    'string',
    3_000,
    (index) => same(hex(index)),
  ),
  columnFeature(
    {
      name: 'encoding-delta-texts',
      title: 'DELTA_BYTE_ARRAY: texts',
      claims: { encodings: { value: 'DELTA_BYTE_ARRAY' } },
    },
    'string',
    3_000,
    (index) => same(`${hex(index)}${'é'.repeat(index % 23)}`),
  ),
  columnFeature(
    {
      name: 'encoding-delta-bytes',
      title: 'DELTA_BYTE_ARRAY: bytes between nulls',
      claims: { encodings: { value: 'DELTA_BYTE_ARRAY RLE' } },
    },
    'optional bytes',
    3_000,
    (index) => {
      const blob = [...Buffer.from(hex(index), 'hex'), ...Buffer.alloc(index % 11, index & 255)]
      return index % 4 === 0 ? { sent: undefined, seen: null } : { sent: blob, seen: bytes(blob) }
    },
  ),
  columnFeature(
    {
      name: 'encoding-delta-packed',
      title: 'DELTA_BINARY_PACKED: int64 that climbs, and jumps from end to end',
      claims: { encodings: { value: 'DELTA_BINARY_PACKED' } },
    },
    'int64',
    3_001,
    (index) =>
      whole(
        index % 1_000 === 999
          ? BigInt.asIntN(64, scattered(index))
          : 1_700_000_000_000_000n + BigInt(index * 3 + (index % 17)),
      ),
  ),
  columnFeature(
    {
      name: 'encoding-delta-packed-32',
      title: 'DELTA_BINARY_PACKED: uint32 beyond 2³¹',
      claims: { encodings: { value: 'DELTA_BINARY_PACKED' } },
    },
    'uint32',
    3_001,
    (index) => whole(4_294_967_295n - BigInt(index * 7)),
  ),
  columnFeature(
    {
      name: 'encoding-delta-packed-null',
      title: 'DELTA_BINARY_PACKED: int32 between nulls',
      claims: { encodings: { value: 'DELTA_BINARY_PACKED RLE' } },
    },
    'optional int32',
    3_000,
    (index) =>
      index % 3 === 1 ? { sent: undefined, seen: null } : whole(BigInt(index * 31 - 9_000)),
  ),
]
