/**
 * Where our verdict may differ from that of Google's runtime for Python (upb): kinds, each with its
 * reason and with what must hold so that a difference is of it. They count among the 20.
 */
import type { Plain } from './plain-form.ts'
import type { Verdict } from './references.ts'

/** One event on which we differ; rows have their names sorted. */
interface GoogleDifference {
  readonly ours: Verdict
  readonly google: Verdict
  readonly protobufjs: Verdict
  /** What both make of them when texts are bytes, keys of maps excepted; of proto2. */
  readonly asBytes: { readonly ours: Verdict; readonly google: Verdict } | undefined
}

interface GoogleDifferenceKind {
  readonly name: string
  readonly because: string
  is(difference: GoogleDifference): boolean
}

export const googleDifferenceKinds: readonly GoogleDifferenceKind[] = [
  {
    name: 'google-proto2-text',
    because:
      'proto2 does not judge text, and the runtime hands out bytes where it is not UTF-8. lakeward ' +
      'refuses the event (ADR 0006).',
    is: ({ ours, google, asBytes }) =>
      asBytes !== undefined &&
      isForText(ours) &&
      google.kind === 'row' &&
      (isForText(asBytes.ours) ||
        (asBytes.ours.kind === 'row' &&
          asBytes.google.kind === 'row' &&
          asBytes.ours.row === asBytes.google.row)),
  },
  {
    name: 'google-map-entry-with-unknown-fields',
    because:
      'upb makes an unknown field of a map entry that has unknown fields itself, so that the entry is ' +
      'lost. The specification says nothing of it; protobufjs and @bufbuild/protobuf keep the entry.',
    is: ({ ours, google }) =>
      ours.kind === 'row' &&
      google.kind === 'row' &&
      withoutEntries(ours.row) === withoutEntries(google.row) &&
      entryCount(ours.row) >= entryCount(google.row),
  },
  {
    name: 'google-field-zero-in-an-unknown-group',
    because:
      'upb passes over fields of the number 0 within unknown groups. No field has that number, so ' +
      'protobufjs and lakeward refuse it there as anywhere else.',
    is: ({ ours, google, protobufjs }) =>
      ours.kind === 'refused' &&
      ours.reason === 'malformed' &&
      protobufjs.kind === 'refused' &&
      protobufjs.reason.startsWith('illegal tag') &&
      google.kind === 'row',
  },
]

const isForText = (verdict: Verdict): boolean =>
  verdict.kind === 'refused' && verdict.reason === 'invalid-utf8'

/** Lists of lists are maps: only their entries are. */
const isMap = (value: Plain): value is readonly Plain[] =>
  Array.isArray(value) && value.length > 0 && value.every((each) => Array.isArray(each))

const withoutEntries = (row: string): string =>
  JSON.stringify(JSON.parse(row), (_, value: Plain) => (isMap(value) ? [] : value))

function entryCount(row: string): number {
  let count = 0
  JSON.parse(row, (_, value: Plain) => {
    if (isMap(value)) count += value.length
    return value
  })
  return count
}
