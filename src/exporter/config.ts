import { size, textForm } from '../base/config-units.ts'
import { choice, configValue, listOf, section } from '../base/config-value.ts'
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

/** The key `file` of a stream. */
export const fileConfig = section({
  mode: choice(['new'], ['continue'])
    .prefault('new')
    .describe('`new`: each commit writes new files.'),
  codec: choice(['zstd', 'snappy', 'none']).prefault('zstd').describe('Compression of pages.'),
  encodings: choice(['auto', 'plain'])
    .prefault('auto')
    .describe(
      'Of values outside of dictionaries. `auto`: strings in DELTA_LENGTH_BYTE_ARRAY, integers ' +
        'in DELTA_BINARY_PACKED where it saves. `plain`: for readers that lack these.',
    ),
  rollBytes: size({ min: '64KiB', max: '16GiB' })
    .prefault('512MiB')
    .describe('A file of this size is closed and the next one opened.'),
})

/** The key `columns` of a stream. */
export const columnsConfig = listOf(choice(identityColumns)).refine(
  (columns) => new Set(columns).size === columns.length,
  `a column stands twice; accepted: each of ${identityColumns.join(', ')} once`,
)

/** The key `names` of a stream. */
export const namesConfig = choice(['as-declared', 'snake', 'lower'])
