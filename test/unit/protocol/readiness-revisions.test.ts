import { describe, expect, test } from 'vitest'
import type { FoldedPartition } from '../../../src/model/fold-state.ts'
import { commitIdOf } from '../../../src/model/ids.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import { explainPartition } from '../../../src/protocol/explain.ts'
import { isAnnouncedAsItIs } from '../../../src/protocol/partition-place.ts'
import { decideReady } from '../../../src/protocol/readiness.ts'
import type { ReadinessFacts } from '../../../src/protocol/readiness-facts.ts'
import { dueRevisions, revisionsNotPassed } from '../../../src/protocol/readiness-revisions.ts'
import { namedFiles, sampleManifest } from '../../support/log-samples.ts'
import {
  appEvents,
  at,
  dataFile,
  factsOf,
  hourOf,
  sourceNamed,
  writerA,
} from '../../support/readiness-world.ts'

const now = at('2026-11-20T16:00:00Z')
const [thirteen, fourteen] = [hourOf('2026-11-20T13'), hourOf('2026-11-20T14')]
const source = sourceNamed('events', 0)
const told = {
  clusterId: source.clusterId,
  topic: source.topic,
  topicId: source.topicId,
  partition: 0,
  next: '77',
  eventWatermark: '2026-11-20T14:05:01.000Z',
  evidence: 'watermark',
} as const

/** Announced with its first file; a second one came since, unless something else is said. */
function announced(hour = thirteen, changes: Partial<FoldedPartition> = {}): FoldedPartition {
  const [first, second] = [dataFile(hour, 'first', 10), dataFile(hour, 'second', 3)]
  const decidedAt = '2026-11-20T14:06:00.000Z'
  const manifest = { ...sampleManifest(13), ...namedFiles([first]), decidedAt, logEntry: 3 }
  return {
    table: appEvents.table,
    partition: hour,
    place: 'announced',
    version: commitIdOf(writerA, 4),
    files: [first, second],
    counts: manifest.counts,
    revision: 1,
    manifest: { ...manifest, sources: [told] },
    ...changes,
  }
}

function factsWith(
  partitions: readonly FoldedPartition[],
  read: readonly (typeof source)[] = [],
): ReadinessFacts {
  const facts = factsOf({ sources: read.map((one) => ({ source: one })) }, now)
  const byPath = new Map(partitions.map((one) => [one.partition.path, one]))
  const stream = { progress: new Map(), partitions: byPath, announcedNextMs: fourteen.nextMs }
  return { ...facts, fold: { ...facts.fold, streams: new Map([[appEvents.name, stream]]) } }
}
const revisions = (facts: ReadinessFacts, countMax = 9) =>
  dueRevisions(facts, appEvents, countMax).map(({ partition }) => partition.path.slice(-2))

describe('revisions that are due', () => {
  test('come by hour, as many as there is room for', () => {
    const facts = factsWith([announced(fourteen), announced(thirteen)])
    expect(revisions(facts)).toEqual(['13', '14'])
    expect(revisions(facts, 1)).toEqual(['13'])
    expect(decideReady(facts).kind).toBe('announce')
    const why = explainPartition(facts, appEvents, thirteen).sentence
    expect(why).toMatch(/1 late file came since; revision 2 is announced by the next round/)
  })

  test('are none where the announcement names what is there, or none was made', () => {
    const whole = announced(thirteen, { files: announced().files.slice(0, 1) })
    expect(revisions(factsWith([whole]))).toEqual([])
    const open = announced(thirteen, { place: 'open', manifest: undefined })
    expect(revisions(factsWith([open]))).toEqual([])
    expect(isAnnouncedAsItIs(open)).toBe(false)
  })

  test('wait for a topic-partition that was added and has not passed, and for no other', () => {
    const added = sourceNamed('events', 1)
    const facts = factsWith([announced()], [source, added])
    expect(revisions(facts)).toEqual([])
    const waiting = revisionsNotPassed(facts, appEvents)
    expect(waiting).toEqual([{ kind: 'not-passed', source: added, endMs: thirteen.nextMs }])
    expect(revisionsNotPassed(factsWith([announced()], [source]), appEvents)).toEqual([])
  })

  test('name an added topic-partition that has passed, after those that were named', () => {
    const added = sourceNamed('events', 1)
    const facts = factsWith([announced()], [source, added])
    const rowsAtMs = at('2026-11-20T15:00:00Z')
    const seen = { source: added, eventWatermarkMs: rowsAtMs, rowsAtMs }
    const stream = facts.fold.streams.get(appEvents.name)
    const progress = new Map([[sourceKey(added), seen]])
    if (stream === undefined) throw new Error('the stream is there')
    const streams = new Map([[appEvents.name, { ...stream, progress }]])
    const passed = { ...facts, fold: { ...facts.fold, streams } }
    const [due] = dueRevisions(passed, appEvents, 9)
    expect(due?.manifest.sources).toMatchObject([
      { partition: 0, evidence: 'watermark' },
      { partition: 1, evidence: 'watermark', next: '100' },
    ])
  })

  test('tell of what is not read any more what was told before', () => {
    const [due] = dueRevisions(factsWith([announced()]), appEvents, 9)
    expect(due?.manifest).toMatchObject({ reason: 'late', revision: 2, sources: [told] })
  })

  test('are of a merge where something that was named is gone', () => {
    const merged = announced(thirteen, { files: [dataFile(thirteen, 'merged', 13)] })
    const [due] = dueRevisions(factsWith([merged]), appEvents, 9)
    expect(due?.manifest).toMatchObject({ reason: 'merge', rows: 13 })
    expect(due?.manifest.removed).toHaveLength(1)
  })
})
