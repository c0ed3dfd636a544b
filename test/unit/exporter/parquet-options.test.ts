import { expect, test } from 'vitest'
import { fileConfig } from '../../../src/exporter/config.ts'
import { parquetOptions } from '../../../src/exporter/parquet-options.ts'

const optionsOf = (file: object) =>
  parquetOptions(fileConfig.parse(file), new Map([['lakeward.stream', 's']]))

test('without a word a file is zstd 1 with a page index and without Bloom filters', () => {
  expect(optionsOf({})).toEqual({
    codec: 'zstd',
    encodings: 'auto',
    level: 1,
    rowGroupBytesMax: 134_217_728,
    pageIndex: true,
    bloom: undefined,
    keyValues: new Map([['lakeward.stream', 's']]),
  })
})

test('what is configured is what is written', () => {
  expect(
    optionsOf({
      codec: 'gzip',
      encodings: 'plain',
      level: 9,
      rowGroupBytes: '16MiB',
      pageIndex: false,
      bloom: ['user_id'],
      bloomErrorRate: '5%',
    }),
  ).toMatchObject({
    codec: 'gzip',
    encodings: 'plain',
    level: 9,
    rowGroupBytesMax: 16_777_216,
    pageIndex: false,
    bloom: { columns: ['user_id'], errorRate: 0.05, sizeBytesMax: 1_048_576 },
  })
})

test('gzip has its own level, and filters a share of errors, when none is given', () => {
  expect(optionsOf({ codec: 'gzip' }).level).toBe(6)
  expect(optionsOf({ bloom: ['a'] }).bloom?.errorRate).toBe(0.01)
})
