import { hash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { unixMs } from '../../../../src/base/time.ts'
import {
  completeEntry,
  encodeEntry,
  parseEntryHead,
  storedBodyOf,
} from '../../../../src/codec/log/entry.ts'
import { encodeJournal, parseJournal } from '../../../../src/codec/log/journal.ts'
import { commitIdOf, writerId } from '../../../../src/model/ids.ts'
import type { LogEntry } from '../../../../src/model/log-entry.ts'
import { nextOffset } from '../../../../src/model/offset.ts'
import {
  appendEntry,
  configEntry,
  entryBase,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleRange,
  sampleSource,
  startRange,
  stream,
} from '../../../support/log-samples.ts'
import { faultOf } from '../../../support/thrown.ts'

const id = commitIdOf(writerId('9f3ac1d2b0e4a677'.repeat(2)), 41)
const bodyPathOf = (sha256: string): string => `bodies/${sha256}`
const place = { stream, partition: sampleHour(13) }
const append = appendEntry(id, {
  ranges: [sampleRange(0, 5, 9), startRange(1, 2)],
  places: [place],
  discarded: [{ commitId: id, because: 'place-changed' }],
  published: [id],
  body: { files: [sampleFile(id, 13)] },
})
const large = appendEntry(id, {
  ranges: [sampleRange(0, 5, 9)],
  places: [place],
  body: { files: Array.from({ length: 2_000 }, (_, ordinal) => sampleFile(id, 13, ordinal)) },
})

const sampleMove = {
  lane: 'lake',
  source: sampleSource(0),
  expected: nextOffset(9n),
  resetEpoch: 0,
  cause: 'it holds 12 up to 40',
}

const text = (entry: LogEntry): string =>
  Buffer.from(encodeEntry(entry, bodyPathOf).head).toString()

/** The fault of reading an entry whose JSON was changed. */
function refusal(
  change: (json: Record<string, unknown>) => void,
  entry: LogEntry = append,
): unknown {
  const json = JSON.parse(text(entry)) as Record<string, unknown>
  change(json)
  try {
    const head = parseEntryHead(Buffer.from(JSON.stringify(json)), 'log/7.json')
    completeEntry(head, undefined, 'log/7.json')
    return undefined
  } catch (error) {
    return error
  }
}

describe('an entry', () => {
  test('is the same bytes each time, 64-bit numbers as text, absence as null', () => {
    expect(text(append)).toBe(text(append))
    expect(text(append)).toContain('"expected":"5","first":"5","next":"9"')
    expect(text(append)).toContain('"expected":null,"first":"2","next":"2"')
  })

  test('says nothing of reset epochs where there was none, and refuses one that says 0', () => {
    expect(text(append)).not.toContain('resetEpoch')
    const zero = refusal((json) => {
      const [range] = json['ranges'] as Record<string, unknown>[]
      Object.assign(range ?? {}, { resetEpoch: 0 })
    })
    expect(String(zero)).toMatch(/ranges.0.resetEpoch/)
  })

  test('holds offsets beyond what a double can', () => {
    const next = nextOffset(9_223_372_036_854_775_807n)
    const entry = appendEntry(id, { ranges: [{ ...sampleRange(0, 5, 9), next }] })
    const read = completeEntry(parseEntryHead(Buffer.from(text(entry)), 'x'), undefined, 'x')
    expect(read).toEqual(entry)
  })

  test('is not written when nobody could read it back', () => {
    const nan = appendEntry(id, { stagedAtMs: unixMs(Number.NaN) })
    expect(() => encodeEntry(nan, bodyPathOf)).toThrow(/stagedAtMs/)
  })

  test('of each kind is read back as it was written', () => {
    const ready: LogEntry = {
      kind: 'ready',
      ...entryBase(id),
      announcements: [
        { ...place, version: undefined, manifest: sampleManifest(13), targets: ['webhook'] },
      ],
    }
    const delivered: LogEntry = {
      kind: 'delivered',
      ...entryBase(id),
      deliveries: [{ stream, partitionPath: place.partition.path, revision: 1, target: 'x' }],
    }
    const source: LogEntry = {
      kind: 'source',
      ...entryBase(id),
      action: 'accept',
      why: 'retention has passed by',
      moves: [
        { ...sampleMove, resetEpoch: 2, next: nextOffset(40n) },
        { ...sampleMove, source: sampleSource(1), next: undefined },
      ],
    }
    const moved = appendEntry(id, { ranges: [{ ...sampleRange(0, 5, 9), resetEpoch: 3 }] })
    for (const entry of [append, ready, delivered, configEntry(id, 3), source, moved]) {
      const head = parseEntryHead(Buffer.from(text(entry)), 'x')
      expect(completeEntry(head, undefined, 'x')).toEqual(entry)
    }
  })
})

describe('a large body', () => {
  const { head, body } = encodeEntry(large, bodyPathOf)

  test('stands beside a small head that still says all that decides', () => {
    expect(head.byteLength).toBeLessThan(2_000)
    expect(body?.bytes.byteLength).toBeLessThan(100_000)
    const parsed = parseEntryHead(head, 'x')
    expect(parsed).toMatchObject({ ranges: large.ranges, places: large.places, configVersion: 0 })
    expect(storedBodyOf(parsed)?.path).toBe(body?.path)
    expect(completeEntry(parsed, body?.bytes, 'x')).toEqual(large)
  })

  test('that is missing, cut or another one is refused with both checksums', () => {
    const parsed = parseEntryHead(head, 'log/7.json')
    const complete = (bytes: Uint8Array | undefined) => () =>
      completeEntry(parsed, bytes, 'log/7.json')
    expect(complete(undefined)).toThrow(/"log\/7.json" is unreadable: its body .* is missing/)
    expect(complete(body?.bytes.subarray(1))).toThrow(/bytes with sha256 .*, the head names/)
    const flipped = Uint8Array.from(body?.bytes ?? [], (byte, at) => (at === 500 ? byte ^ 1 : byte))
    expect(complete(flipped)).toThrow(/the head names/)
    const torn = flipped.subarray(0, 400)
    const named = { path: 'b', sizeBytes: 400, sha256: hash('sha256', torn, 'hex') }
    expect(() => completeEntry({ ...parsed, body: named }, torn, 'x')).toThrow(/malformed/)
  })
})

describe('what is not an entry of this version', () => {
  test.each(['[]', '7', 'null'])('being %s is refused', (json) => {
    expect(() => parseEntryHead(Buffer.from(json), 'x')).toThrow(/"x" is unreadable: document: /)
  })

  test('of a newer format is refused as such, whatever else it says', () => {
    expect(refusal((json) => Object.assign(json, { format: 2, kind: 'swap' }))).toMatchObject({
      code: 'LOG_FORMAT_TOO_NEW',
      facts: { path: 'log/7.json', format: 2, newestKnown: 1 },
      hint: 'Upgrade this daemon to the version of the others.',
    })
  })

  test.each([
    ['an unknown kind', (json) => Object.assign(json, { kind: 'sideways' }), /kind/],
    ['an unknown key', (json) => Object.assign(json, { resetEpoch: 1 }), /resetEpoch/],
    ['a missing key', (json) => void delete json['places'], /places/],
    ['a number that lost its digits', (json) => setRange(json, 'next', 9), /ranges\.0\.next/],
    ['an unknown reason', (json) => setDiscarded(json), /discarded\.0\.because/],
    ['a damaged body', (json) => Object.assign(json, { body: { inline: {} } }), /body: files/],
    ['a format in quotes', (json) => Object.assign(json, { format: '1' }), /format: /],
    ['no format', (json) => void delete json['format'], /format: /],
    ['an older format', (json) => Object.assign(json, { format: 0 }), /format/],
  ] satisfies [string, (json: Record<string, unknown>) => void, RegExp][])(
    'with %s is refused with the path of the key',
    (_, change, reason) => {
      expect(refusal(change)).toMatchObject({
        code: 'LOG_ENTRY_UNREADABLE',
        message: expect.stringMatching(reason),
      })
    },
  )

  test('is refused when it is no JSON or no UTF-8', () => {
    for (const bytes of [Buffer.from('{"format":1'), Buffer.from([0x22, 0xff, 0x22])]) {
      expect(() => parseEntryHead(bytes, 'log/7.json')).toThrow(/"log\/7.json" is unreadable/)
    }
  })

  test('with other manifests than announcements is refused', () => {
    const ready: LogEntry = { kind: 'ready', ...entryBase(id), announcements: [] }
    const manifests = [sampleManifest(13)]
    const change = (json: Record<string, unknown>): void => {
      json['body'] = { inline: { manifests } }
    }
    expect(refusal(change, ready)).toMatchObject({ message: expect.stringMatching(/manifests/) })
  })
})

function setRange(json: Record<string, unknown>, key: string, value: unknown): void {
  const [range] = json['ranges'] as Record<string, unknown>[]
  if (range !== undefined) range[key] = value
}

function setDiscarded(json: Record<string, unknown>): void {
  json['discarded'] = [{ commitId: id, because: 'tired' }]
}

test('a journal is read back as it was written, and refused with its path when it is not one', () => {
  const common = { pipeline: 'growth', commitId: id, ranges: [sampleRange(0, 5, 9)] }
  const files = [{ stagedPath: 't/_staging/c/0.staged', path: 't/0.parquet' }]
  const journal = { ...common, files }
  expect(parseJournal(encodeJournal(journal), 'x')).toEqual(journal)
  expect(() => parseJournal(Buffer.from('{"format":3}'), 'a/head.json')).toThrow(
    /journal "a\/head.json" of a staged commit is unreadable: format/,
  )
  const first = {
    ...JSON.parse(Buffer.from(encodeJournal(journal)).toString()),
    format: 1,
    files: undefined,
  }
  expect(parseJournal(Buffer.from(JSON.stringify(first)), 'x')).toEqual({ ...common, files: [] })
  expect(faultOf(() => parseJournal(Buffer.from('torn'), 'a/head.json'))).toMatchObject({
    code: 'LOG_JOURNAL_UNREADABLE',
    facts: { path: 'a/head.json' },
  })
})
