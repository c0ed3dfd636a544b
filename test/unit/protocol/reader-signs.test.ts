/** What a reader shows of itself in the log, and what `why` makes of it from the log alone. */
import { describe, expect, test } from 'vitest'
import { type UnixMs, unixMs } from '../../../src/base/time.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { sourceKey } from '../../../src/model/topic-partition.ts'
import { decideEvidence } from '../../../src/protocol/evidence.ts'
import { explainPartition } from '../../../src/protocol/explain.ts'
import type { ReadinessFacts } from '../../../src/protocol/readiness-facts.ts'
import {
  appEvents,
  at,
  dataFile,
  factsOf,
  hourOf,
  minute,
  type PlantedSource,
  sourceNamed,
} from '../../support/readiness-world.ts'

const passed = sourceNamed('events', 0)
const asked = sourceNamed('events', 1)
const thirteen = hourOf('2026-11-20T13')
const file = dataFile(thirteen, 'growth-aaaaaaaaaaaaaaaa-1-0', 120)
const progress = {
  app_events: { watermark: at('2026-11-20T14:10:00Z'), rowsAt: at('2026-11-20T14:10:00Z') },
}
const startedMs = at('2026-11-20T14:10:00Z')
const next = 100n

type Evidence = PlantedSource['evidence']

/** What stands in the log: `events/1` was never moved, and its leader's end is `end`. */
function factsAt(nowMs: UnixMs, end: bigint, evidence: Evidence): ReadinessFacts {
  const idle = { source: asked, next, unmovedSince: startedMs }
  const second = evidence === undefined ? idle : { ...idle, evidence }
  const ended = { source: asked, highWatermark: nextOffset(end), askedAtMs: nowMs }
  return factsOf(
    {
      sources: [{ source: passed, progress }, second],
      partitions: { app_events: [{ partition: thirteen, files: [file] }] },
    },
    nowMs,
    { ends: new Map([[sourceKey(asked), ended]]) },
  )
}

/** Slowest that brokers and lake may be within the grace of `unassigned`. */
const slowMs = 4_500
/** How late each of the reader's minutes begins; one that begins early comes after a late one. */
const latenessMs = [0, 400, 0, 0, 300, 100]

interface Reader {
  readonly isThere: boolean
  /** The leader's high watermark. */
  readonly end: bigint
}

/** Rules told in 40 minutes, and the second after the start in which each came up. */
function rulesTold({ isThere, end }: Reader): ReadonlyMap<string, number> {
  const rules = new Map<string, number>()
  let evidence: Evidence
  for (let second = 0; second < 40 * 60; second++) {
    const nowMs = unixMs(startedMs + second * 1_000)
    const turn = Math.floor((second * 1_000) / minute)
    const tickMs = unixMs(startedMs + turn * minute + (latenessMs[turn % latenessMs.length] ?? 0))
    const visible = turn > 0 && nowMs >= tickMs + slowMs && nowMs < tickMs + slowMs + 1_000
    if (isThere && visible) {
      const wanted = decideEvidence(factsAt(tickMs, end, evidence), [asked])
      if (wanted.length > 0) evidence = { end, asked: tickMs }
    }
    const { rule } = explainPartition(factsAt(nowMs, end, evidence), appEvents, thirteen)
    if (!rules.has(rule)) rules.set(rule, second)
  }
  return rules
}

describe('a topic-partition of which only the start position is known', () => {
  test('is never told as read by nobody where its reader finds no record', () => {
    const told = rulesTold({ isThere: true, end: next })
    expect([...told.keys()]).toEqual(['idle-without-proof', 'due'])
  })

  test('is never told as read by nobody where its reader is stuck before records', () => {
    const told = rulesTold({ isThere: true, end: next + 40n })
    expect([...told.keys()]).toEqual(['lagging'])
  })

  test.each([
    ['idle-without-proof', next],
    ['lagging', next + 40n],
  ])('is told as such soon where there is no reader: first %s', (first, end) => {
    const told = rulesTold({ isThere: false, end })
    expect([...told]).toEqual([
      [first, 0],
      ['unassigned', 126],
    ])
  })
})
