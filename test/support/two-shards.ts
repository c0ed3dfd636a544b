/** 13h of a stream on two topic-partitions, as decisions about readiness see it. */
import { decideReady } from '../../src/protocol/readiness.ts'
import type { ReadinessFacts } from '../../src/protocol/readiness-facts.ts'
import {
  at,
  dataFile,
  hourOf,
  type PlantedLog,
  type PlantedSource,
  sourceNamed,
} from './readiness-world.ts'

export const shard = (index: number) => sourceNamed('events', index)
export const thirteen = hourOf('2026-11-20T13')
export const file = dataFile(thirteen, 'growth-aaaaaaaaaaaaaaaa-1-0', 120)
export const rowsOf = (iso: string) => ({ app_events: { watermark: at(iso), rowsAt: at(iso) } })
export const now = at('2026-11-20T14:16:00Z')

/** Two topic-partitions; the first has passed 13h by its watermark. */
export const twoShards = (second: Partial<PlantedSource>): PlantedLog => ({
  sources: [
    { source: shard(0), progress: rowsOf('2026-11-20T14:05:00Z') },
    { source: shard(1), ...second },
  ],
  partitions: { app_events: [{ partition: thirteen, files: [file] }] },
})

/** "app_events 11-20/hour=13 complete", in order. */
export const announced = (facts: ReadinessFacts): string[] => {
  const decision = decideReady(facts)
  if (decision.kind === 'wait') return []
  return decision.announcements.map(({ stream, partition, manifest }) =>
    [stream, partition.path.slice(8), manifest.reason].join(' '),
  )
}
export const rules = (facts: ReadinessFacts) => decideReady(facts).blocks.map(({ rule }) => rule)
