/**
 * Where our verdict on bytes may differ from protobufjs', the first reference: kinds, each with its
 * reason and with what must hold so that a difference is of it. At most 20.
 */
import type { Plain } from './plain-form.ts'
import type { Verdict } from './references.ts'

/** One event on which we differ. */
export interface Difference {
  readonly ours: Verdict
  readonly protobufjs: Verdict
  /** protobufjs with every required field made an optional one. */
  readonly nothingRequired: Verdict
  /** Ours of the same schema. */
  readonly oursNothingRequired: Verdict
  readonly isProto2: boolean
  readonly bytes: Uint8Array
  /** What both make of them when texts are bytes, keys of maps excepted; of proto2. */
  readonly asBytes: Difference | undefined
}

export interface DifferenceKind {
  readonly name: string
  readonly because: string
  is(difference: Difference): boolean
}

const isSameRow = (one: Verdict, other: Verdict): boolean =>
  one.kind === 'row' && other.kind === 'row' && one.row === other.row
const isRefusedFor = (verdict: Verdict, reason: RegExp): boolean =>
  verdict.kind === 'refused' && reason.test(verdict.reason)

export const differenceKinds: readonly DifferenceKind[] = [
  {
    name: 'proto2-text',
    because:
      'proto2 does not judge text. A STRING column that is not UTF-8 makes a file unreadable to most ' +
      'engines, so lakeward refuses the event (ADR 0006).',
    is: ({ ours, protobufjs, asBytes }) =>
      asBytes !== undefined &&
      isRefusedFor(ours, /^invalid-utf8$/) &&
      protobufjs.kind === 'row' &&
      isAlikeOrListed(asBytes),
  },
  {
    name: 'required-judged-at-each-occurrence',
    because:
      'protobufjs judges required fields when one occurrence of a message ends. The specification ' +
      'judges the merged message: a later occurrence completes it, another member of its oneof or a ' +
      'later entry with its key replaces it.',
    is: ({ ours, protobufjs, nothingRequired }) =>
      isRefusedFor(protobufjs, /^missing required/) && isSameRow(ours, nothingRequired),
  },
  {
    name: 'required-in-a-map-value',
    because:
      'protobufjs does not judge the value of a map entry that has none: it is an empty message, which ' +
      'lacks its required fields, as the reference implementation in C++ says.',
    is: ({ ours, protobufjs, oursNothingRequired }) =>
      isRefusedFor(ours, /^malformed$/) && isSameButForZeroKeys(oursNothingRequired, protobufjs),
  },
  {
    name: 'unknown-groups-one-deeper',
    because:
      'protobufjs counts unknown groups from 0, whatever messages are around them; the limit of 100 ' +
      'holds for both together.',
    is: ({ ours, protobufjs }) => isRefusedFor(ours, /^too-deep$/) && protobufjs.kind === 'row',
  },
  {
    name: 'unknown-varint-above-ten-bytes',
    because:
      'protobufjs skips the varint of an unknown field without counting its bytes. A varint has ten at ' +
      'most, as the reference implementation in C++ says.',
    is: ({ ours, protobufjs, bytes }) =>
      isRefusedFor(ours, /^malformed$/) && protobufjs.kind === 'row' && hasLongVarint(bytes),
  },
  {
    name: 'key-zero-twice',
    because:
      'protobufjs keeps two entries of a map with 64-bit keys whose key 0 comes once on the wire and ' +
      'once by its absence. They are one key, the last one wins.',
    is: ({ ours, protobufjs }) =>
      protobufjs.kind === 'row' &&
      hasKeyTwice(JSON.parse(protobufjs.row) as Plain) &&
      isSameButForZeroKeys(ours, protobufjs),
  },
]

/** But for the text there is no difference, or one that is listed; the text of a key remains. */
const isAlikeOrListed = (difference: Difference): boolean =>
  isRefusedFor(difference.ours, /^invalid-utf8$/) ||
  isSameRow(difference.ours, difference.protobufjs) ||
  differenceKinds.some((kind) => kind.is(difference))

/** Ten bytes in a row say that another follows. */
function hasLongVarint(bytes: Uint8Array): boolean {
  let following = 0
  for (const byte of bytes) {
    following = byte < 0x80 ? 0 : following + 1
    if (following === 10) return true
  }
  return false
}

const isPair = (value: Plain): value is readonly [Plain, Plain] =>
  Array.isArray(value) && value.length === 2 && typeof value[0] !== 'object'

const hasKeyTwice = (form: Plain): boolean => {
  if (Array.isArray(form)) {
    const zeros = form.filter((each) => isPair(each) && each[0] === '0n')
    return zeros.length > 1 || form.some(hasKeyTwice)
  }
  return typeof form === 'object' && form !== null && Object.values(form).some(hasKeyTwice)
}

/** The row without entries of the key 0, as text. */
const withoutZeroKeys = (row: string): string =>
  JSON.stringify(JSON.parse(row), (_, value: Plain) =>
    Array.isArray(value) ? value.filter((each: Plain) => !isPair(each) || each[0] !== '0n') : value,
  )

const isSameButForZeroKeys = (one: Verdict, other: Verdict): boolean =>
  one.kind === 'row' &&
  other.kind === 'row' &&
  withoutZeroKeys(one.row) === withoutZeroKeys(other.row)
