import { beforeEach, describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import { unixMs } from '../../../src/base/time.ts'
import { readParquetMetadata } from '../../../src/codec/parquet/read-file.ts'
import { type Stages } from '../../../src/daemon/pipeline.ts'
import { countsAddUp } from '../../../src/model/counts.ts'
import type { SealedFile } from '../../../src/model/sealed-commit.ts'
import {
  announced,
  cellsOf,
  facts,
  nowMs,
  openStages,
  pathOf,
  rowsOf,
  seal,
  skipping,
  take,
} from '../../support/exporter-stages.ts'
import {
  eventsMs,
  fetched,
  hourMs,
  numberPayload,
  numberRecord,
  numbersConfig,
  sourceAt,
} from '../../support/lane-world.ts'
import { encodeBatch, encodeRawEvent } from '../../support/raw-events.ts'

const source = sourceAt(0)

function keyValuesOf({ chunks }: SealedFile): ReadonlyMap<string, string> {
  const outcome = readParquetMetadata(Buffer.concat([...chunks]))
  if (outcome.kind !== 'read') throw new Error('a whole file has its footer')
  return outcome.metadata.keyValues
}

let stages: Stages

beforeEach(async () => {
  stages = openStages(await numbersConfig([{ name: 'numbers', more: [skipping] }]))
})

describe('a commit', () => {
  test('says which fields its rows had that the schema does not know', () => {
    const strange = (n: number) => {
      const payload = Buffer.concat([numberPayload({ n }), Uint8Array.of(0xa0, 0x1f, 1)])
      return numberRecord({ n, payload })
    }
    take(stages, fetched(source, 0, [strange(0), numberRecord({ n: 1 }), strange(2)]))
    expect(seal(stages).unknownFields).toEqual([
      {
        stream: 'numbers',
        fields: [{ message: 'test.Number', number: 500, count: 2 }],
        otherCount: 0,
      },
    ])
    take(stages, fetched(source, 3, [strange(3)]))
    stages.exporter.discard()
    take(stages, fetched(source, 4, [numberRecord({ n: 4 })]))
    expect(seal(stages).unknownFields).toEqual([])
  })

  test('has each event where it belongs, and its counts add up', async () => {
    take(
      stages,
      fetched(source, 0, [
        numberRecord({ n: 0 }),
        numberRecord({ n: 1, eventMs: eventsMs + hourMs }),
        numberRecord({ n: 2, text: 'skip' }),
        numberRecord({ n: 3, payload: Uint8Array.from([18, 200, 1]) }),
        numberRecord({ n: 4, payload: Uint8Array.from([8, 4, 18, 1, 0xff]) }),
        numberRecord({ n: 5, stream: 'nobody' }),
        { value: Uint8Array.from([7]), timestampMs: eventsMs },
      ]),
    )
    const commit = seal(stages)
    expect(cellsOf(commit)).toEqual({
      [`numbers ${pathOf(eventsMs)}`]: {
        read: 4,
        written: 1,
        filtered: { skipped: 1 },
        late: 0,
        deadLettered: { 'decode-invalid-utf8': 1, 'decode-malformed': 1 },
      },
      [`numbers ${pathOf(eventsMs + hourMs)}`]: {
        read: 1,
        written: 1,
        filtered: {},
        late: 0,
        deadLettered: {},
      },
      [`_unknown ${pathOf(eventsMs)}`]: {
        read: 2,
        written: 0,
        filtered: {},
        late: 0,
        deadLettered: { 'envelope-malformed': 1, 'unknown-stream': 1 },
      },
    })
    expect(commit.counts.every(({ counts }) => countsAddUp(counts))).toBe(true)
    expect(commit.files.map(({ table, rowCount }) => [table, rowCount])).toEqual([
      ['numbers', 1],
      ['numbers', 1],
      ['sim_dead_letters', 4],
    ])
    expect(commit.ranges).toMatchObject([{ source, expected: 0n, first: 0n, next: 7n }])
    expect(commit.configVersion).toBe(4)
  })

  test('names a place for each file, and no place without one', () => {
    const records = [numberRecord({ n: 0 }), numberRecord({ n: 1, text: 'skip', eventMs: nowMs })]
    take(stages, fetched(source, 0, records))
    const { files, places } = seal(stages)
    const named = places.map(({ stream, partition }) => `${stream} ${partition.path}`)
    expect(named).toEqual(files.map(({ stream, partitionPath }) => `${stream} ${partitionPath}`))
    expect(named).toEqual([`numbers ${pathOf(eventsMs)}`])
  })

  test('has the dead letters of its own events, under its own id, of the day it is made', async () => {
    const bad = numberRecord({ n: 0, payload: Uint8Array.from([18, 200, 1]) })
    take(stages, fetched(source, 0, [bad]))
    const first = seal(stages)
    take(stages, fetched(source, 1, [bad]))
    const second = seal(stages)
    for (const [n, commit] of [first, second].entries()) {
      const [file] = commit.files
      const rows = await rowsOf(present(file, 'letters'))
      expect(rows).toMatchObject([{ offset: BigInt(n), commit_id: commit.commitId }])
      expect(file?.partitionPath).toBe('dt=2026-11-19')
    }
    expect(first.commitId).not.toBe(second.commitId)
  })

  test('is named by its files, with the offsets that their rows come from', () => {
    const bad = numberRecord({ n: 2, payload: Uint8Array.from([18, 200, 1]) })
    take(stages, fetched(source, 0, [numberRecord({ n: 0 }), numberRecord({ n: 1 }), bad]))
    const commits = [seal(stages)]
    take(stages, fetched(source, 3, [numberRecord({ n: 3 })]))
    commits.push(seal(stages))
    const values = commits.map(({ files }) => files.map((file) => keyValuesOf(file)))
    expect(commits[0]?.files).toHaveLength(2)
    for (const [at, commit] of commits.entries()) {
      for (const each of values[at] ?? []) expect(each.get('lakeward.commit')).toBe(commit.commitId)
    }
    const offsets = values.map(([numbers]) => JSON.parse(numbers?.get('lakeward.offsets') ?? ''))
    const { topic, partition } = source
    expect(offsets).toEqual([
      [{ topic, partition, first: '0', next: '2' }],
      [{ topic, partition, first: '3', next: '4' }],
    ])
    expect(values[0]?.[1]?.has('lakeward.offsets')).toBe(false)
  })

  test('of many files is closed in as many steps, which change nothing of it', () => {
    const hours = [0, 1, 2, 3, 4, 5]
    const records = hours.map((hour) =>
      numberRecord({ n: hour, eventMs: eventsMs - hour * hourMs }),
    )
    take(stages, fetched(source, 0, records))
    const steps = stages.exporter.sealing(facts)
    let count = 0
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) count += 1
    expect(count).toBeGreaterThanOrEqual(hours.length)
    const sealed = present(step.value, 'something accumulated')
    expect(sealed.files.flatMap(rowsOf)).toHaveLength(hours.length)
    expect(sealed.ranges).toMatchObject([{ first: 0n, next: 6n }])
    expect(Object.values(cellsOf(sealed)).map(({ read, written }) => [read, written])).toEqual(
      hours.map(() => [1, 1]),
    )
  })

  test('of nothing is none, unless it tells of idleness', () => {
    expect(stages.exporter.seal(facts)).toBeUndefined()
    const proof = { source, highWatermark: 0n, askedAtMs: unixMs(nowMs) } as never
    expect(stages.exporter.seal({ ...facts, evidence: [proof] })).toMatchObject({
      ranges: [],
      files: [],
      evidence: [proof],
    })
  })

  test('tells what each stream holds, dead letters under the stream they are counted in', () => {
    const bad = numberRecord({ n: 9, payload: Uint8Array.from([18, 200, 1]) })
    const stray = numberRecord({ n: 8, stream: 'stray', text: 'x'.repeat(100) })
    const held = () => stages.exporter.bufferedByStream()
    take(stages, fetched(source, 0, [bad]))
    const ofBad = held().get('numbers') ?? 0
    expect(ofBad).toBeGreaterThan(0)
    take(stages, fetched(source, 1, [stray]))
    expect(held().get('_unknown')).toBeGreaterThan(0)
    const sum = [...held().values()].reduce((all, bytes) => all + bytes, 0)
    expect(sum).toBeCloseTo(stages.exporter.bufferedBytes)
    stages.exporter.seal(facts)
    expect([...held().values()].every((bytes) => bytes === 0)).toBe(true)
  })

  test('tells what each stream holds after each load, as its files grow', () => {
    const rows = (first: number) =>
      Array.from({ length: 2_000 }, (_, n) =>
        numberRecord({ n: first + n, text: `text ${first + n}` }),
      )
    const held = () => stages.exporter.bufferedByStream().get('numbers') ?? 0
    const builders = () => stages.exporter.kernelBytes.builders
    let before = { held: held(), builders: builders() }
    expect(before).toEqual({ held: 0, builders: 0 })
    for (let load = 0; load < 3; load++) {
      take(stages, fetched(source, load * 2_000, rows(load * 2_000)))
      const now = { held: held(), builders: builders() }
      expect(now.held).toBeGreaterThan(before.held)
      expect(now.builders).toBeGreaterThan(before.builders)
      before = now
    }
    seal(stages)
    expect([held(), builders()]).toEqual([0, 0])
    take(stages, fetched(source, 6_000, rows(6_000)))
    expect(held()).toBeGreaterThan(0)
    stages.exporter.discard()
    expect([held(), builders()]).toEqual([0, 0])
  })

  test('after one that was thrown away holds nothing of it', async () => {
    const bad = numberRecord({ n: 9, payload: Uint8Array.from([18, 200, 1]) })
    take(stages, fetched(source, 0, [numberRecord({ n: 0 }), bad]))
    expect(stages.exporter.bufferedBytes).toBeGreaterThan(0)
    stages.exporter.discard()
    stages.positions.reset()
    expect([stages.exporter.bufferedBytes, stages.exporter.cellCount]).toEqual([0, 0])
    take(stages, fetched(source, 0, [numberRecord({ n: 1 })]))
    const { files, counts } = seal(stages)
    expect(files).toHaveLength(1)
    expect(await rowsOf(present(files[0], 'a file'))).toMatchObject([{ n: 1n, _offset: 0n }])
    expect(counts.map((cell) => cell.counts.read)).toEqual([1])
  })

  test('tells the highest event time of each stream, of late and filtered events too', () => {
    stages.exporter.onFold(announced('numbers', eventsMs + hourMs))
    const records = [
      numberRecord({ n: 0, eventMs: eventsMs }),
      numberRecord({ n: 1, eventMs: eventsMs + 5 * hourMs, text: 'skip' }),
    ]
    take(stages, fetched(source, 0, records))
    expect(seal(stages).progress).toEqual([
      { stream: 'numbers', source, eventWatermarkMs: eventsMs + 5 * hourMs },
    ])
  })
})

describe('a late event', () => {
  test('is a dead letter, counted as late in its own hour, which is no place', async () => {
    stages.exporter.onFold(announced('numbers', eventsMs + hourMs))
    const records = [numberRecord({ n: 0 }), numberRecord({ n: 1, eventMs: eventsMs + hourMs })]
    take(stages, fetched(source, 0, records))
    const commit = seal(stages)
    expect(cellsOf(commit)).toMatchObject({
      [`numbers ${pathOf(eventsMs)}`]: { read: 1, written: 0, late: 1, deadLettered: {} },
      [`numbers ${pathOf(eventsMs + hourMs)}`]: { read: 1, written: 1, late: 0 },
    })
    expect(commit.places.map(({ stream }) => stream)).toEqual(['numbers', '_dead_letters'])
    expect(await rowsOf(present(commit.files[1], 'letters'))).toMatchObject([{ step: 'late' }])
  })

  test('is late as soon as the log says so, for a partition that is open here too', () => {
    const record = numberRecord({ n: 0 })
    take(stages, fetched(source, 0, [record]))
    stages.exporter.onFold(announced('numbers', eventsMs + hourMs))
    take(stages, fetched(source, 1, [record]))
    expect(Object.values(cellsOf(seal(stages)))).toMatchObject([{ read: 2, written: 1, late: 1 }])
    take(stages, fetched(source, 2, [record]))
    expect(Object.values(cellsOf(seal(stages)))).toMatchObject([{ read: 1, written: 0, late: 1 }])
  })

  test('of two hours that come mixed is late where its own hour is announced', () => {
    const mixed = [0, 1, 0, 1].map((hour) =>
      numberRecord({ n: hour, eventMs: eventsMs + hour * hourMs }),
    )
    take(stages, fetched(source, 0, mixed))
    stages.exporter.onFold(announced('numbers', eventsMs + hourMs))
    take(stages, fetched(source, 4, mixed))
    expect(cellsOf(seal(stages))).toMatchObject({
      [`numbers ${pathOf(eventsMs)}`]: { read: 4, written: 2, late: 2 },
      [`numbers ${pathOf(eventsMs + hourMs)}`]: { read: 4, written: 4, late: 0 },
    })
    take(stages, fetched(source, 8, mixed))
    const { counts, files } = seal(stages)
    expect(counts.map((cell) => cell.counts.read)).toEqual([2, 2])
    expect(files.map(({ rowCount }) => rowCount)).toEqual([2, 2])
  })

  test('of one stream says nothing of another', async () => {
    const two = openStages(await numbersConfig([{ name: 'numbers' }, { name: 'others' }]))
    two.exporter.onFold(announced('numbers', eventsMs + hourMs))
    const records = [numberRecord({ n: 0 }), numberRecord({ n: 1, stream: 'others' })]
    take(two, fetched(source, 0, records))
    expect(cellsOf(seal(two))).toMatchObject({
      [`numbers ${pathOf(eventsMs)}`]: { written: 0, late: 1 },
      [`others ${pathOf(eventsMs)}`]: { written: 1, late: 0 },
    })
  })

  test('that is malformed as well has one fate', () => {
    stages.exporter.onFold(announced('numbers', eventsMs + hourMs))
    take(stages, fetched(source, 0, [numberRecord({ n: 0, payload: Uint8Array.from([18, 9]) })]))
    expect(Object.values(cellsOf(seal(stages)))).toMatchObject([{ read: 1, late: 1 }])
  })
})

test('rows of a stream from several topics know their own topic', async () => {
  const topics = '[events, more]'
  const many = openStages(await numbersConfig([{ name: 'numbers', topics }]))
  const other = sourceAt(1, 'more')
  take(
    many,
    fetched(source, 0, [numberRecord({ n: 0 }), numberRecord({ n: 1 })]),
    fetched(other, 7, [numberRecord({ n: 2 })]),
  )
  const { files } = seal(many)
  const rows = await rowsOf(present(files[0], 'one file'))
  expect(rows.map((row) => [row['n'], row['_topic'], row['_partition'], row['_offset']])).toEqual([
    [0n, 'events', 0, 0n],
    [1n, 'events', 0, 1n],
    [2n, 'more', 1, 7n],
  ])
})

describe('a batched record', () => {
  const batchOf = (count: number, payload: (n: number) => Uint8Array) => {
    const events = Array.from({ length: count }, (_, n) => ({
      event_time_ms: eventsMs,
      payload: payload(n),
    }))
    const value = encodeRawEvent({ stream: 'numbers', batched: true, payload: encodeBatch(events) })
    return { value, timestampMs: eventsMs }
  }

  test('whose events are refused is kept once, beside a letter for each of them', async () => {
    const record = batchOf(3, (n) => (n === 1 ? numberPayload({ n }) : Uint8Array.from([18, 200])))
    take(
      stages,
      fetched(source, 0, [record, numberRecord({ n: 9, payload: Uint8Array.of(18, 9) })]),
    )
    const { files } = seal(stages)
    const letters = await rowsOf(present(files[1], 'letters'))
    const place = ({ offset, index, value }: Record<string, unknown>): string =>
      `${String(offset)}/${String(index)} ${value !== null}`
    const kept = letters.map((row) => place(row))
    expect(kept).toEqual(['0/0 true', '0/2 false', '1/0 true'])
    expect(letters[0]?.['value']).toEqual(record.value)
  })

  test('of a mebibyte of refused events takes no gibibytes', () => {
    const record = batchOf(9_000, () => Uint8Array.from([18, 200, 1, ...Buffer.alloc(100)]))
    expect(record.value.length).toBeGreaterThan(1_000_000)
    take(stages, fetched(source, 0, [record]))
    expect(stages.exporter.bufferedBytes).toBeLessThan(32 * 1_024 * 1_024)
    expect(Object.values(cellsOf(seal(stages)))).toMatchObject([{ read: 9_000, written: 0 }])
  })
})

describe('a file that is full', () => {
  /** Texts that do not compress. */
  const noise = (n: number): string =>
    Array.from({ length: 100 }, (_, at) =>
      String.fromCharCode(33 + ((Math.imul(n * 131 + at * 7 + 1, 0x9e3779b1) >>> 13) % 90)),
    ).join('')

  test('is closed and another opened; each tells the event times of its own rows', async () => {
    const file = 'file: { rollBytes: 64KiB, codec: none }'
    const rolling = openStages(await numbersConfig([{ name: 'numbers', more: [file] }]))
    const perLoad = 8_000
    for (let load = 0; load < 4; load++) {
      const records = Array.from({ length: perLoad }, (_, at) =>
        numberRecord({
          n: at,
          text: noise(load * perLoad + at),
          eventMs: eventsMs + load * 60_000 + at,
        }),
      )
      take(rolling, fetched(source, load * perLoad, records))
    }
    const { files, places } = seal(rolling)
    expect(files.length).toBeGreaterThan(1)
    expect(places).toHaveLength(1)
    let rowCount = 0
    for (const sealed of files) {
      const offsets = (await rowsOf(sealed)).map((row) => Number(row['_offset']))
      const times = offsets.map(
        (at) => eventsMs + Math.floor(at / perLoad) * 60_000 + (at % perLoad),
      )
      expect(sealed.eventTimeMs).toEqual({ min: Math.min(...times), max: Math.max(...times) })
      rowCount += offsets.length
    }
    expect(rowCount).toBe(4 * perLoad)
  })
})
