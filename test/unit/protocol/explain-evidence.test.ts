import { expect, test } from 'vitest'
import { explainPartition } from '../../../src/protocol/explain.ts'
import { appEvents, factsOf, hourOf } from '../../support/readiness-world.ts'
import { file, now, rowsOf, thirteen, twoShards } from '../../support/two-shards.ts'

test('an announced partition says what its manifest says of each topic-partition', () => {
  const done = {
    partition: thirteen,
    files: [file],
    place: 'announced',
    decidedAt: '2026-11-20T14:06:00.000Z',
  } as const
  const log = { ...twoShards({ progress: rowsOf('2026-11-20T14:05:00Z') }) }
  const partitions = { app_events: [done] }
  const announcedNext = { app_events: thirteen.nextMs }
  const facts = factsOf({ ...log, partitions, announcedNext }, now)
  const known = facts.fold.streams.get('app_events')?.partitions.get(thirteen.path)
  expect(known?.manifest?.sources).toBeDefined()
  expect(explainPartition(facts, appEvents, thirteen).evidence).toBe(known?.manifest?.sources)
  const next = hourOf('2026-11-20T14')
  expect(explainPartition(facts, appEvents, next).evidence).toBeUndefined()
})
