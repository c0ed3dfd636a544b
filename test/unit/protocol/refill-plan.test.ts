import { describe, expect, test } from 'vitest'
import { zeroCounts } from '../../../src/model/counts.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import {
  differsFrom,
  type LostPart,
  missingInKafka,
  planRefill,
} from '../../../src/protocol/refill-plan.ts'
import type { BrokerPart } from '../../../src/protocol/source-judgement.ts'
import {
  appendEntry,
  configEntry,
  foldAll,
  sampleFile,
  sampleHour,
  sampleRange,
  sampleSource,
  sealedCommit,
  stream,
} from '../../support/log-samples.ts'

const id = (counter: number) => commitIdOf(writerId('a'.repeat(32)), counter)
const below = foldAll([configEntry(id(0), 0)])

describe('an entry is read again', () => {
  const entry = appendEntry(id(1))

  test('under the configuration that was in force below it', () => {
    const plan = planRefill(4, { index: 4, entry, below }, 'checksum-1')
    expect(plan).toEqual({ kind: 'read', entry, below })
  })

  test.each([
    [
      'of another configuration',
      { index: 4, entry, below },
      'other',
      /checksum-1, this one has other/,
    ],
    [
      'before any configuration',
      { index: 4, entry, below: emptyFold() },
      'other',
      /configuration 0/,
    ],
    [
      'that brought no records',
      { index: 4, entry: configEntry(id(1), 1), below },
      'checksum-1',
      /entry 4 is a config/,
    ],
    ['that was deleted', undefined, 'checksum-1', /entry 4 is deleted/],
  ])('but not one %s', (_name, found, checksum, because) => {
    expect(planRefill(4, found, checksum)).toEqual({
      kind: 'refuse',
      because: expect.stringMatching(because),
    })
  })
})

describe('Kafka has the records of a range', () => {
  const part = (changes: Partial<BrokerPart> = {}): BrokerPart => ({
    source: sampleSource(0),
    earliest: offset(0n),
    end: nextOffset(100n),
    epochEnd: { leaderEpoch: 4, next: nextOffset(90n) },
    ...changes,
  })
  const range = sampleRange(0, 10, 90)
  const missing = (changes: Partial<BrokerPart>) => missingInKafka([range], [part(changes)])

  test('that begins where Kafka begins and ends where it ends', () => {
    expect(missing({})).toBeUndefined()
    expect(missing({ earliest: offset(10n), end: nextOffset(90n) })).toBeUndefined()
    expect(missing({ epochEnd: { leaderEpoch: 5, next: nextOffset(95n) } })).toBeUndefined()
    expect(missing({ epochEnd: undefined })).toBeUndefined()
    const unknown = { ...range, leaderEpoch: -1 }
    const parted = part({ epochEnd: { leaderEpoch: 1, next: nextOffset(1n) } })
    expect(missingInKafka([unknown], [parted])).toBeUndefined()
  })

  test.each([
    ['begins later', { earliest: offset(11n) }, 'Kafka begins at 11, 1 offsets are gone'],
    ['begins behind it', { earliest: offset(99n) }, 'Kafka begins at 99, 80 offsets are gone'],
    ['ends before', { end: nextOffset(89n) }, 'Kafka ends at 89'],
    ['does not answer', { end: undefined }, 'no leader answers'],
    ['does not say where it begins', { earliest: undefined }, 'no leader answers'],
    [
      'has another log of the epoch',
      { epochEnd: { leaderEpoch: 4, next: nextOffset(89n) } },
      "epoch 4, of the leader's log epoch 4 ends at 89",
    ],
    [
      'has never had the epoch',
      { epochEnd: { leaderEpoch: 3, next: nextOffset(95n) } },
      "epoch 4, of the leader's log epoch 3 ends at 95",
    ],
  ])('but not where it %s', (_name, changes, told) => {
    expect(missing(changes)).toContain(told)
  })

  test('of each topic-partition: all that is missing is told', () => {
    const told = missingInKafka(
      [range, sampleRange(1, 0, 5), sampleRange(2, 0, 5)],
      [part({ end: nextOffset(0n) }), undefined, part({ epochEnd: undefined })],
    )
    expect(told?.split('; ')).toHaveLength(2)
    expect(told).toContain('"growth.events/1" [0, 5): the brokers have no topic id')
  })
})

describe('what was made again is what the entry brought', () => {
  const hour = sampleHour(13)
  const lost: LostPart = { stream, partitionPath: hour.path }
  const made = sealedCommit(id(2), 0, 5)
  const [file] = made.files
  const [cell] = made.counts
  const entry = appendEntry(id(1), {
    body: {
      files: [{ ...sampleFile(id(1), 13), rowCount: file?.rowCount ?? 0 }],
      counts: made.counts,
    },
  })
  const withCounts = (counts: object) => {
    return {
      files: made.files,
      counts: cell === undefined ? [] : [{ ...cell, counts: { ...cell.counts, ...counts } }],
    }
  }

  test('in rows and in every fate, whatever the order of reasons', () => {
    expect(differsFrom(entry, made, lost)).toBeUndefined()
    const [some, turned] = [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ]
    const body = { ...entry.body, ...withCounts({ filtered: some }) }
    const both = { ...entry, body: { ...body, files: entry.body.files } }
    expect(differsFrom(both, withCounts({ filtered: turned }), lost)).toBeUndefined()
  })

  test('and is told with both values where it is not', () => {
    expect(differsFrom(entry, { ...made, files: [] }, lost)).toBe(
      `reading again gave 0 rows, the entry has ${file?.rowCount}`,
    )
    expect(differsFrom(entry, withCounts({ late: 3 }), lost)).toMatch(
      /3 late.*, the entry .*0 late/,
    )
    expect(differsFrom(entry, withCounts({ filtered: zeroCounts.filtered }), lost)).toMatch(
      /filtered 0, .*filtered 1 no-country/,
    )
    expect(differsFrom(entry, { ...made, counts: [] }, lost)).toMatch(/counted no event/)
  })

  test('other partitions do not count', () => {
    const elsewhere: LostPart = { stream: 'other', partitionPath: hour.path }
    expect(differsFrom(entry, { files: [], counts: [] }, elsewhere)).toBeUndefined()
    const later: LostPart = { stream, partitionPath: sampleHour(14).path }
    expect(differsFrom(entry, { files: [], counts: [] }, later)).toBeUndefined()
  })
})
