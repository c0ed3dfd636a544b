import type { z } from 'zod'
import { share, size, text, textForm, truth, wholeNumber } from '../base/config-units.ts'
import { choice, configValue, listOf, section } from '../base/config-value.ts'
import type { DeepReadonly } from '../base/deep-readonly.ts'
import { identityColumns } from '../model/row-batch.ts'

const zoneForm = textForm({
  accepted: 'an IANA name such as UTC, Europe/Berlin, America/New_York',
  shape: /^[A-Za-z]/,
})

const timezone = configValue<string>({
  ...zoneForm,
  read: (given) => {
    const read = zoneForm.read(given)
    if (read.kind === 'value' && !isTimezone(read.value)) {
      return { kind: 'refused', because: 'is not a time zone' }
    }
    return read
  },
})

function isTimezone(name: string): boolean {
  // The default, without loading the tables of all zones at each start.
  if (name === 'UTC') return true
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** The key `partition` of a stream. */
export const partitionConfig = section({
  by: choice(['hour', 'day'])
    .prefault('hour')
    .describe('Length of a partition: `dt=2026-11-20/hour=13`, or `dt=2026-11-20`.'),
  timezone: timezone.prefault('UTC').describe('Zone whose hours and days are meant.'),
})

const fileSection = section({
  mode: choice(['new', 'continue'])
    .prefault('new')
    .describe(
      '`new`: each commit writes new files. `continue`: one file a writer and partition, which ' +
        'grows with each commit; on lakes whose files can grow.',
    ),
  codec: choice(['zstd', 'snappy', 'gzip', 'lz4_raw', 'none'])
    .prefault('zstd')
    .describe('Compression of pages.'),
  level: wholeNumber({ min: 1, max: 9 })
    .optional()
    .describe('Level of compression; of zstd and gzip only. Without it: zstd 1, gzip 6.'),
  encodings: choice(['auto', 'plain'])
    .prefault('auto')
    .describe(
      'Of values outside of dictionaries. `auto`: integers in DELTA_BINARY_PACKED where it ' +
        'saves, strings in DELTA_BYTE_ARRAY: smaller and cheaper. `plain`: for readers that ' +
        'lack them, such as Spark before 3.3.',
    ),
  rollBytes: size({ min: '64KiB', max: '16GiB' })
    .prefault('512MiB')
    .describe('A file of this size is closed and the next one opened.'),
  rowGroupBytes: size({ min: '1MiB', max: '1GiB' })
    .prefault('128MiB')
    .describe('A row group of this size, as it lies in memory, is closed and the next one begun.'),
  pageIndex: truth()
    .prefault(true)
    .describe('Bounds and places of pages, by which readers skip pages.'),
  bloom: listOf(text({ accepted: 'path of a column: user_id, items.list.element.sku', shape: /./ }))
    .refine(
      (columns) => new Set(columns).size === columns.length,
      'a column stands twice; accepted: each column once',
    )
    .prefault([])
    .describe('Columns with Bloom filters, by which readers skip row groups: not floating point.'),
  bloomErrorRate: share({ min: '0.01%', max: '25%' })
    .optional()
    .describe('Share of absent values that a Bloom filter lets through. Without it: 1%.'),
})

const leveledCodecs = ['zstd', 'gzip']

/** The key `file` of a stream. */
export const fileConfig = fileSection.check((context) => {
  const { codec, level, bloom, bloomErrorRate } = context.value
  const problem = (key: string, message: string): void => {
    context.issues.push({ code: 'custom', input: context.value, message, path: [key] })
  }
  if (level !== undefined && !leveledCodecs.includes(codec)) {
    problem('level', `${level} beside the codec ${codec}, which has none; accepted: zstd, gzip`)
  }
  if (bloomErrorRate !== undefined && bloom.length === 0) {
    problem('bloomErrorRate', 'given without bloom; accepted: beside columns in bloom')
  }
})

/** Files of a stream as they are configured. */
export type FileConfig = DeepReadonly<z.output<typeof fileSection>>

/** The key `columns` of a stream. */
export const columnsConfig = listOf(choice(identityColumns)).refine(
  (columns) => new Set(columns).size === columns.length,
  `a column stands twice; accepted: each of ${identityColumns.join(', ')} once`,
)

/** The key `names` of a stream. */
export const namesConfig = choice(['as-declared', 'snake', 'lower'])

/** The key `mapping` of a stream. */
export const mappingConfig = section({
  enums: choice(['string', 'int'])
    .prefault('string')
    .describe('`string`: names, and the decimal of a number without one; `int`: INT32.'),
  timestamps: choice(['int64-micros', 'int96', 'struct'])
    .prefault('int64-micros')
    .describe(
      'google.protobuf.Timestamp. `int96` for Hive 2.3, with `_ingest_ms` as a plain INT64; ' +
        '`struct` keeps nanoseconds.',
    ),
  durations: choice(['int64-micros', 'struct'])
    .prefault('int64-micros')
    .describe('google.protobuf.Duration: microseconds, or seconds and nanos.'),
  nested: choice(['struct', 'flatten'])
    .prefault('struct')
    .describe('Messages within: a group, or columns of their own named `outer_inner`.'),
})
