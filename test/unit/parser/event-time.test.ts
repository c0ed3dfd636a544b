import { describe, expect, it } from 'vitest'
import { durationMs, unixMs } from '../../../src/base/time.ts'
import type { DeadLetter } from '../../../src/model/dead-letter.ts'
import { settled } from '../../../src/model/event-load.ts'
import { eventTable } from '../../../src/model/event-table.ts'
import { EventTimeGuard, judgeEventTime } from '../../../src/parser/event-time.ts'
import { LinearMemory } from '../../support/linear-memory.ts'
import { tableOf } from '../../support/record-table.ts'

const nowMs = unixMs(Date.UTC(2026, 10, 20, 13))
const limits = { futureMaxMs: durationMs(3_600_000), pastMaxMs: durationMs(86_400_000) }

describe('judgeEventTime', () => {
  it.each([
    [nowMs, 'fine'],
    [nowMs + 3_600_000, 'fine'],
    [nowMs + 3_600_001, 'event-time-future'],
    [nowMs - 86_400_000, 'fine'],
    [nowMs - 86_400_001, 'event-time-past'],
    [2 ** 63, 'event-time-future'],
    [-(2 ** 63), 'event-time-past'],
    [Number.NaN, 'event-time-past'],
  ])('says of %d that it is %s', (eventTimeMs, verdict) => {
    expect(judgeEventTime(eventTimeMs, nowMs, limits)).toBe(verdict)
  })
})

describe('EventTimeGuard', () => {
  function guarded(times: readonly number[], first = 0) {
    const memory = new LinearMemory()
    const letters: DeadLetter[] = []
    const timestampMs = Date.UTC(2026, 10, 20, 12, 59)
    const values = times.map((_, at) => ({ timestampMs, value: Uint8Array.from([at]) }))
    const records = tableOf(values, memory)
    const events = eventTable(times.length)
    events.count = times.length
    events.record.set(times.map((_, at) => at))
    events.eventTimeMs.set(times)
    const scheme = { by: 'hour', timezone: 'UTC' } as const
    const guard = new EventTimeGuard([{ name: 'views', scheme, limits }], memory, {
      refuse: (letter) => letters.push(letter),
    })
    guard.apply({ records, events, fetchedAtMs: nowMs }, first, nowMs)
    return { events, letters }
  }

  it('refuses the absurd into the hour of the Kafka timestamp and leaves the rest alone', () => {
    const year3021 = Date.UTC(3021, 0, 1)
    const { events, letters } = guarded([nowMs, year3021, nowMs - 1, 0])
    expect([...events.stream]).toEqual([0, settled, 0, settled])
    const common = {
      stream: 'views',
      step: 'event-time',
      partition: { path: 'dt=2026-11-20/hour=12' },
    }
    expect(letters).toMatchObject([
      { ...common, reason: 'event-time-future', eventTimeMs: year3021, offset: 101n },
      { ...common, reason: 'event-time-past', eventTimeMs: 0, value: Uint8Array.from([3]) },
    ])
    expect(letters[0]?.error).toContain('1h after')
    expect(letters[1]?.error).toContain('1d before')
  })

  it('looks at no event before the first it is given', () => {
    expect(guarded([0, 0], 1).letters.map(({ offset }) => offset)).toEqual([101n])
  })
})
