import { describe, expect, test } from 'vitest'
import {
  checkAnnouncements,
  checkCounts,
  checkEvents,
  checkRanges,
  oneRowEach,
  type RowRule,
} from '../../../src/audit/commit-checks.ts'
import type { Scope } from '../../../src/audit/scope.ts'
import type { LogWalk } from '../../../src/audit/walk-log.ts'
import { unixMs } from '../../../src/base/time.ts'
import type { CountCell } from '../../../src/model/counts.ts'
import type { DataFile } from '../../../src/model/data-file.ts'
import { commitIdOf, writerId } from '../../../src/model/ids.ts'
import type { AppendEntry, SourceEntry } from '../../../src/model/log-entry.ts'
import { nextOffset } from '../../../src/model/offset.ts'
import { emptyFold, foldEntry } from '../../../src/protocol/fold.ts'
import {
  appendEntry,
  entryBase,
  lane,
  sampleCell,
  sampleFile,
  sampleHour,
  sampleManifest,
  sampleRange,
  sampleSource,
  startRange,
  stream,
} from '../../support/log-samples.ts'

const all: Scope = { stream: undefined, spans: undefined }
const exact: RowRule = { configVersion: 0, moduleStreams: new Set() }
const writer = writerId('9f3ac1d2b0e4a67700112233445566aa')
const id = (counter: number) => commitIdOf(writer, counter)

const letterFile = (counter: number, rowCount: number): DataFile => ({
  ...sampleFile(id(counter), 13, 1),
  stream: '_dead_letters',
  table: 'growth_dead_letters',
  rowCount,
})

/** Ten rows and one dead letter of hour 13, from twelve offsets. */
const commit = (counter: number, first: number, changes: Partial<AppendEntry> = {}): AppendEntry =>
  appendEntry(id(counter), {
    ranges: [sampleRange(0, first, first + 12)],
    places: [
      { stream, partition: sampleHour(13) },
      { stream: '_dead_letters', partition: sampleHour(13) },
    ],
    body: {
      files: [sampleFile(id(counter), 13), letterFile(counter, 1)],
      counts: [sampleCell(13, 10)],
    },
    ...changes,
  })

/** The log of these entries; `appends` says what they are believed to be. */
function walkOf(entries: readonly AppendEntry[], appends = entries): LogWalk {
  let state = emptyFold()
  for (const [index, entry] of entries.entries()) {
    state = foldEntry(state, index, entry, String(index)).state
  }
  expect(state.voidCount).toBe(0)
  const walked = appends.map((entry, index) => ({ index, entry }))
  return {
    base: emptyFold(),
    state,
    appends: walked,
    moves: [],
    swaps: [],
    closings: [],
    closed: new Map(),
    trouble: undefined,
  }
}

const expected = nextOffset(29n)
const at8 = nextOffset(8n)
const start = appendEntry(id(0), { ranges: [startRange(0, 5)] })
const sound = [start, commit(1, 5), commit(2, 17)]

describe('ranges', () => {
  test('that follow each other from the start position are right', () => {
    const { state, detail } = checkRanges(walkOf(sound))
    expect({ state, detail }).toEqual({ state: 'ok', detail: '24 offsets of 1 topic-partition' })
  })

  test.each([
    ['a gap', 18],
    ['an overlap', 16],
  ])('with %s are wrong, with both offsets', (_, first) => {
    const moved = commit(2, 17, { ranges: [sampleRange(0, first, 29)] })
    const { state, findings } = checkRanges(walkOf(sound, [start, commit(1, 5), moved]))
    expect(state).toBe('failed')
    expect(findings).toEqual([
      `"growth.events/0": entry 2 begins at ${first}, committed is up to 17`,
    ])
  })

  test('go on where an operator moved them to', () => {
    const reset: SourceEntry = {
      kind: 'source',
      ...entryBase(id(3)),
      action: 'reset',
      why: 'read again',
      moves: [{ lane, source: sampleSource(0), expected, resetEpoch: 0, next: at8, cause: '' }],
    }
    const again = commit(4, 8, { ranges: [{ ...sampleRange(0, 8, 20), resetEpoch: 1 }] })
    let state = emptyFold()
    for (const [index, entry] of [...sound, reset, again].entries()) {
      state = foldEntry(state, index, entry, String(index)).state
    }
    const appends = [...sound, again].map((entry) => ({ index: entry === again ? 4 : 0, entry }))
    const moves = [{ index: 3, entry: reset }]
    const walk = {
      base: emptyFold(),
      state,
      appends,
      moves,
      swaps: [],
      closings: [],
      closed: new Map(),
      trouble: undefined,
    }
    const detail = '36 offsets of 1 topic-partition, moved 1 time by an operator'
    expect(checkRanges(walk)).toMatchObject({ state: 'ok', detail })
    expect(checkRanges({ ...walk, moves: [] }).findings).toEqual([
      '"growth.events/0": entry 4 begins at 8, committed is up to 29',
    ])
  })

  test('that end elsewhere than the log stands are wrong', () => {
    const { findings } = checkRanges(walkOf(sound, sound.slice(0, 2)))
    expect(findings).toEqual(['"growth.events/0": the log stands at 29, its entries at 17'])
  })
})

describe('counts', () => {
  test('whose events have one fate each are right', () => {
    expect(checkCounts(walkOf(sound), all)).toMatchObject({
      state: 'ok',
      detail: '24 events read in 1 cell',
    })
  })

  const withCounts = (cell: CountCell): AppendEntry =>
    commit(2, 17, { body: { ...commit(2, 17).body, counts: [cell] } })

  test('that do not add up are wrong, and so is a sum that is not the log’s', () => {
    const { counts, ...cell } = sampleCell(13, 10)
    const broken = withCounts({ ...cell, counts: { ...counts, written: 9 } })
    const told = checkCounts(walkOf(sound, [start, commit(1, 5), broken]), all)
    expect(told.state).toBe('failed')
    expect(told.findings).toHaveLength(2)
    expect(told.findings[0]).toMatch(
      /entry 2: 12 read = 9 written \+ 1 filtered \+ 0 late \+ 1 dead/,
    )
    expect(told.findings[1]).toMatch(
      /the log holds 24 read = 20 written.*entries 24 read = 19 writ/,
    )
  })

  test('outside of the scope are not looked at', () => {
    const { counts, ...cell } = sampleCell(13, 10)
    const broken = withCounts({ ...cell, counts: { ...counts, written: 9 } })
    const walk = walkOf(sound, [start, commit(1, 5), broken])
    const hour14 = { startMs: sampleHour(14).startMs, nextMs: sampleHour(15).startMs }
    expect(checkCounts(walk, { stream: 'other', spans: undefined }).state).toBe('ok')
    expect(checkCounts(walk, { ...all, spans: new Map([[stream, hour14]]) }).state).toBe('ok')
  })
})

describe('events', () => {
  test('are as many as rows in files, and dead letters as many as were counted', () => {
    expect(checkEvents(walkOf(sound), all, exact)).toMatchObject({ state: 'ok', findings: [] })
  })

  const withRows = (rowCount: number, letters = 1): AppendEntry => {
    const files = [{ ...sampleFile(id(2), 13), rowCount }, letterFile(2, letters)]
    return commit(2, 17, { body: { ...commit(2, 17).body, files } })
  }

  test.each([9, 11])(
    'written without a row, or a row without event: %d rows of 10 events',
    (rows) => {
      const told = checkEvents(walkOf([start, commit(1, 5), withRows(rows)]), all, exact)
      expect(told.findings).toEqual([
        `entry 2: ${stream} ${sampleHour(13).path}: ${rows} rows in files, 10 events written`,
      ])
    },
  )

  test('made by a module may have more rows, never fewer', () => {
    const module: RowRule = { configVersion: 0, moduleStreams: new Set([stream]) }
    const older: RowRule = { configVersion: 3, moduleStreams: new Set() }
    for (const rule of [module, older]) {
      expect(oneRowEach(rule, start, stream)).toBe(false)
      const verdict = (rows: number): string =>
        checkEvents(walkOf([start, commit(1, 5), withRows(rows)]), all, rule).state
      expect([9, 10, 11].map(verdict)).toEqual(['failed', 'ok', 'ok'])
    }
  })

  test('refused without a dead letter are found', () => {
    const told = checkEvents(walkOf([start, commit(1, 5), withRows(10, 2)]), all, exact)
    expect(told.findings).toEqual(['entry 2: 2 dead letters in files, 1 event counted'])
  })
})

describe('announcements', () => {
  const announced = (rows: number): LogWalk['state'] => {
    const { state } = walkOf(sound)
    const files = state.streams.get(stream)?.partitions.get(sampleHour(13).path)?.files ?? []
    const listed = files.map(({ path, sizeBytes, rowCount, crc32c }) => {
      return { path, bytes: sizeBytes, rows: rowCount, crc32c }
    })
    const counts = {
      ...sampleCell(13, 20).counts,
      read: 24,
      filtered: { x: 2 },
      deadLettered: { y: 2 },
    }
    const manifest = { ...sampleManifest(13), rows, files: listed, counts }
    const entry = {
      ...entryBase(id(3), { stagedAtMs: unixMs(0) }),
      kind: 'ready' as const,
      announcements: [{ stream, partition: sampleHour(13), version: id(2), manifest, targets: [] }],
    }
    const step = foldEntry(state, 3, entry, '3')
    expect(step.verdict.kind).toBe('decided')
    return step.state
  }

  test('that list the files and counts of the log are right', () => {
    expect(checkAnnouncements(announced(20), all)).toMatchObject({
      state: 'ok',
      detail: '1 announced partition',
    })
  })

  test('whose rows are not those of their files are wrong', () => {
    expect(checkAnnouncements(announced(21), all).findings).toEqual([
      `growth/${stream}/${sampleHour(13).path}/1: says 21 rows, lists 20`,
    ])
  })
})
