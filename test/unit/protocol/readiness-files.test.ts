/** Files that are not where readers look keep their partition from being announced. */
import { describe, expect, test } from 'vitest'
import { commitIdOf } from '../../../src/model/ids.ts'
import { decideReady } from '../../../src/protocol/readiness.ts'
import type { ReadinessFacts } from '../../../src/protocol/readiness-facts.ts'
import {
  at,
  dataFile,
  factsOf,
  hourOf,
  type PlantedLog,
  sourceNamed,
  writerA,
} from '../../support/readiness-world.ts'

const thirteen = hourOf('2026-11-20T13')
const file = dataFile(thirteen, 'growth-aaaaaaaaaaaaaaaa-1-0', 120)
const rowsOf = (iso: string) => ({ app_events: { watermark: at(iso), rowsAt: at(iso) } })
const now = at('2026-11-20T14:16:00Z')

/** Its topic-partition has passed 13h by its watermark. */
const passed: PlantedLog = {
  sources: [{ source: sourceNamed('events', 0), progress: rowsOf('2026-11-20T14:05:00Z') }],
  partitions: { app_events: [{ partition: thirteen, files: [file] }] },
}
const rules = (facts: ReadinessFacts) => decideReady(facts).blocks.map(({ rule }) => rule)

describe('a partition with rows', () => {
  test('waits for its files to come home, published or not', () => {
    const spilled = { ...file, path: `_lakeward/growth/spill/${file.path}` }
    const commitId = commitIdOf(writerA, 1)
    const log: PlantedLog = {
      ...passed,
      partitions: { app_events: [{ partition: thirteen, files: [file, spilled] }] },
    }
    expect(rules(factsOf(log, now))).toEqual(['spilled'])
    const unpublished = [{ commitId, entry: 4, stagedAtMs: now, files: [spilled] }]
    expect(rules(factsOf({ ...log, unpublished }, now))).toEqual(['spilled'])
  })

  test('does not wait for what else of its commit could not be published', () => {
    const commitId = commitIdOf(writerA, 1)
    const refused = { ...file, table: 'orders', path: `o/${file.path}`, stagedPath: 'o/staged' }
    const unpublished = [{ commitId, entry: 4, stagedAtMs: now, files: [refused, file] }]
    const log = { ...passed, unpublished }
    const stuck = new Map([[commitId, 'no space']])
    expect(rules(factsOf(log, now, { stuck }))).toEqual(['lake-refuses'])
    const elsewhere = factsOf(log, now, { stuck, standing: new Set([refused.stagedPath]) })
    expect(rules(elsewhere)).toEqual(['lake-refuses'])
    const facts = factsOf(log, now, { stuck, standing: new Set([file.stagedPath]) })
    expect(decideReady(facts).kind).toBe('announce')
  })

  test('of which this process could not publish a file says what the lake said', () => {
    const commitId = commitIdOf(writerA, 1)
    const unpublished = [{ commitId, entry: 4, stagedAtMs: now, files: [file] }]
    const log = { ...passed, unpublished }
    const [block] = decideReady(
      factsOf(log, now, { stuck: new Map([[commitId, 'no space']]) }),
    ).blocks
    expect(block).toMatchObject({ rule: 'lake-refuses', detail: 'no space' })
  })
})
