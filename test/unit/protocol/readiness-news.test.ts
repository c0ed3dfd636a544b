import { expect, test } from 'vitest'
import { emptyFold } from '../../../src/protocol/fold.ts'
import { wantsBrokers, wantsNewSet } from '../../../src/protocol/readiness-news.ts'
import { at, factsOf, lane, sourceNamed } from '../../support/readiness-world.ts'

const askedAtMs = at('2026-11-20T14:00:00Z')
const facts = factsOf({}, at('2026-11-20T14:00:30Z'), {
  metadata: { sources: [], missingTopics: [], askedAtMs },
})

test('brokers are asked for the set where it is wanted, and again where a topic is missing', () => {
  const rules = (...rules: readonly ('metadata' | 'topic-missing' | 'delay')[]) =>
    rules.map((rule) => ({ rule, at: undefined }))
  expect(wantsBrokers(facts, rules('delay', 'metadata'))).toBe(true)
  expect(wantsBrokers(facts, rules('delay'))).toBe(false)
  expect(wantsBrokers(facts, rules('topic-missing'))).toBe(true)
  const soon = { ...facts, lakeNowMs: at('2026-11-20T14:00:09Z') }
  expect(wantsBrokers(soon, rules('topic-missing'))).toBe(false)
  expect(wantsBrokers({ ...soon, metadata: undefined }, rules('topic-missing'))).toBe(true)
})

test('what is announced is decided on a set that was asked for within a second', () => {
  const announce = { kind: 'announce', blocks: [] } as const
  expect(wantsNewSet({ ...facts, metadata: undefined }, announce)).toBe(true)
  const atMs = (time: string) => ({ ...facts, lakeNowMs: at(`2026-11-20T14:00:${time}Z`) })
  expect(wantsNewSet(atMs('01'), announce)).toBe(true)
  expect(wantsNewSet(atMs('00.999'), announce)).toBe(false)
  expect(wantsNewSet(atMs('30'), { kind: 'wait', blocks: [] })).toBe(false)
  const blocks = [{ rule: 'metadata', at: undefined }] as const
  expect(wantsNewSet(atMs('00'), { kind: 'wait', blocks })).toBe(true)
})

test('where nothing was read yet, no topic was made anew', () => {
  const source = sourceNamed('events', 0)
  const blocking = {
    source,
    writer: undefined,
    lastOffset: undefined,
    endOffset: undefined,
    lagRecords: undefined,
    eventWatermarkMs: undefined,
    movedAtMs: undefined,
    everRead: false,
  }
  const fold = emptyFold()
  expect(fold.positions.has(lane)).toBe(false)
  expect(wantsBrokers({ ...facts, fold }, [{ rule: 'unassigned', at: blocking }])).toBe(false)
})
