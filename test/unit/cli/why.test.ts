import { expect, test } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import { shownBytes } from '../../../src/cli/commands/dlq-show.ts'
import {
  type DaemonView,
  evidenceLines,
  rateText,
  withDaemon,
} from '../../../src/cli/commands/why.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import { emptyFold } from '../../../src/protocol/fold.ts'
import type { ReadinessFacts, ReadyStream } from '../../../src/protocol/readiness-facts.ts'
import { sampleSource, stream, table } from '../../support/log-samples.ts'

const ready: ReadyStream = {
  name: stream,
  table,
  topics: ['growth.events'],
  scheme: { by: 'hour', timezone: 'UTC' },
  readyDelayMs: durationMs(0),
  idleMs: durationMs(60_000),
  lateEveryMs: durationMs(60_000),
  emptyRunMax: 744,
  targets: [],
}
const sources = [sampleSource(0), sampleSource(1)]
const facts: ReadinessFacts = {
  pipeline: 'growth',
  lakeUrl: 'file:./lake',
  lane: 'lake',
  fold: emptyFold(),
  lakeNowMs: unixMs(1_000_000),
  commitIntervalMs: durationMs(1_000),
  streams: [ready],
  metadata: { sources, missingTopics: [], askedAtMs: unixMs(0) },
  ends: new Map(),
  assigned: undefined,
  lakeTrouble: undefined,
  refused: new Map(),
  stuck: new Map(),
  publishedHere: new Set(),
  filesMissing: new Map(),
}

const told = (rule: string, sentence = '', since?: string) =>
  ({
    kind: 'answered',
    rule,
    topicPartition: 'growth.events/1',
    since,
    sentence,
  }) satisfies DaemonView

test('a daemon that reads a topic-partition tells that it has a reader', () => {
  for (const rule of ['lagging', 'idle-without-proof', 'delay']) {
    const { assigned } = withDaemon(facts, ready, told(rule))
    expect(assigned, rule).toEqual(new Set(sources.map(sourceKey)))
  }
})

test('what lags is read at the rate of the last ten minutes, or never', () => {
  const nowMs = unixMs(Date.parse('2026-11-20T14:10:00Z'))
  const sinceMs = unixMs(Date.parse('2026-11-20T14:00:00Z'))
  const told = (committed: bigint, lagRecords: bigint, from = sinceMs): string =>
    rateText({ committed, sinceMs: from, nowMs, lagRecords })
  expect(told(600n, 120n)).toBe('60 records a minute, read up to there by 2026-11-20T14:12:00.000Z')
  expect(told(1n, 6n)).toBe('1 records a minute, read up to there by 2026-11-20T15:10:00.000Z')
  expect(told(0n, 6n)).toMatch(/^never: /)
  // One commit of this very moment tells no infinite rate.
  expect(told(10n, 10n, nowMs)).toMatch(/^600 records a minute, .*T14:10:01.000Z$/)
})

test('of what is announced it tells by what each topic-partition passed, of many the first', () => {
  const source = (partition: number, evidence: 'watermark' | 'caught-up') => ({
    ...sampleSource(partition),
    next: '7',
    eventWatermark: evidence === 'watermark' ? '2026-11-20T14:05:00.000Z' : null,
    evidence,
  })
  const two = [source(0, 'watermark'), source(1, 'caught-up')]
  expect(evidenceLines(two)).toEqual([
    '  growth.events/0  passed by event time of 2026-11-20T14:05:00.000Z  read up to 7',
    '  growth.events/1  passed by proof of idleness                       read up to 7',
  ])
  const many = Array.from({ length: 43 }, (_, at) => source(at, 'caught-up'))
  const lines = evidenceLines(many)
  expect([lines.length, lines.at(-1)]).toEqual([41, '  and 3 more, see lakeward ready show'])
  expect(evidenceLines([])).toEqual([])
})

test('a daemon without an opinion changes nothing', () => {
  for (const rule of ['unassigned', 'due', 'announced', 'earlier-partition']) {
    expect(withDaemon(facts, ready, told(rule))).toEqual(facts)
  }
})

test('what the lake refuses is told in the daemon’s words, since its time', () => {
  const since = '2026-11-20T14:05:01.000Z'
  const sentence = `The lake refuses writes since ${since}: could not put "a": ENOSPC, no space.`
  expect(withDaemon(facts, ready, told('lake-refuses', sentence, since)).lakeTrouble).toEqual({
    sinceMs: Date.parse(since),
    reason: expect.stringMatching(/ENOSPC, no space$/),
  })
})

test('a topic-partition that the daemon refuses to read is named', () => {
  const sentence = 'Topic-partition "growth.events/1" has stopped: it was recreated.'
  const { refused } = withDaemon(facts, ready, told('refused', sentence))
  expect([...refused]).toEqual([['growth.events/1', 'it was recreated']])
})

test('bytes are shown as hex, and as text only where they are some', () => {
  expect(shownBytes(Buffer.from('Grüße\n'))).toEqual({ hex: '4772c3bcc39f650a', text: 'Grüße\n' })
  expect(shownBytes(Uint8Array.of(0, 1))).toEqual({ hex: '0001', text: undefined })
  expect(shownBytes(Uint8Array.of(0xff))).toEqual({ hex: 'ff', text: undefined })
  expect(shownBytes(Uint8Array.of())).toEqual({ hex: '', text: '' })
})

test('a daemon that waits for memory says so of the topic-partition that lags', () => {
  const lag = 'Topic-partition "growth.events/1" has 4 records that are not committed'
  const reason = 'stream "a" holds 9 bytes, limits.buffers is 8B'
  const sentence = `${lag}; it has had no commit yet; its reading is paused: ${reason}.`
  const { heldUp } = withDaemon(facts, ready, told('lagging', sentence))
  expect([...(heldUp ?? [])]).toEqual([['growth.events/1', reason]])
  expect(withDaemon(facts, ready, told('lagging', `${lag}.`)).heldUp).toBeUndefined()
})
