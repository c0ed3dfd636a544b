import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { Stages } from '../../../src/daemon/pipeline.ts'
import { countsAddUp } from '../../../src/model/counts.ts'
import { nowMs, openStages, rowsOf, seal, take } from '../../support/exporter-stages.ts'
import {
  eventsMs,
  fetched,
  numberPayload,
  numberRecord,
  numbersConfig,
  sourceAt,
} from '../../support/lane-world.ts'
import {
  bytesField,
  encodeBatch,
  encodeRawEvent,
  joined,
  utf8,
  varintField,
} from '../../support/raw-events.ts'

const source = sourceAt(0)
const broken = Uint8Array.from([18, 200, 1])

let stages: Stages

beforeEach(async () => {
  stages = openStages(await numbersConfig())
})

const one = (n: number, more = {}) => fetched(source, n, [numberRecord({ n, ...more })])

const withText = (n: number, text: string) => ({
  payload: joined(varintField(1, BigInt(n)), bytesField(2, utf8(text))),
})

async function numbersIn(ordinal: number): Promise<readonly Record<string, unknown>[]> {
  const { files, counts } = seal(stages)
  expect(counts.every((cell) => countsAddUp(cell.counts))).toBe(true)
  return rowsOf(present(files[ordinal], 'a file'))
}

describe('few rows of a file', () => {
  test('wait for more of them, and stand in the file in the order in which they came', async () => {
    for (let n = 0; n < 50; n++) take(stages, one(n))
    expect(stages.exporter.bufferedBytes).toBeGreaterThan(0)
    const many = Array.from({ length: 100 }, (_, index) => numberRecord({ n: 50 + index }))
    take(stages, fetched(source, 50, many))
    for (let n = 150; n < 160; n++) take(stages, one(n))
    const rows = await numbersIn(0)
    const numbers = Array.from({ length: 160 }, (_, n) => n)
    expect(rows.map((row) => row['n'])).toEqual(numbers.map(BigInt))
    expect(rows.map((row) => row['_offset'])).toEqual(numbers.map(BigInt))
  })

  test('stand in the file all of them when more of them wait than there was room for', async () => {
    const files = 24
    const each = 50
    const events = files * each
    for (let n = 0; n < events; n += files) {
      const records = Array.from({ length: files }, (_, file) =>
        numberRecord({ n: n + file, eventMs: eventsMs - file * 3_600_000 }),
      )
      take(stages, fetched(source, n, records))
    }
    const { files: sealed } = seal(stages)
    expect(sealed).toHaveLength(files)
    const found = (await Promise.all(sealed.map(rowsOf))).flat()
    const numbers = found.map((row) => Number(row['n'])).toSorted((one, other) => one - other)
    expect(numbers).toEqual(Array.from({ length: events }, (_, n) => n))
    expect(found.every((row) => row['_offset'] === row['n'])).toBe(true)
  })

  test('know each when they were fetched', async () => {
    for (let n = 0; n < 3; n++) {
      take(stages, one(2 * n))
      stages.intake.take([one(2 * n + 1)], nowMs + 1_000 * n + 7)
    }
    const rows = await numbersIn(0)
    const fetchedAtMs = [nowMs, nowMs + 7, nowMs, nowMs + 1_007, nowMs, nowMs + 2_007]
    expect(rows.map((row) => row['_ingest_ms'])).toEqual(fetchedAtMs.map(BigInt))
  })

  test('become whole dead letters when the kernel refuses them later', async () => {
    const key = Buffer.from('a key')
    const value = encodeRawEvent({ stream: 'numbers', event_time_ms: eventsMs, payload: broken })
    take(stages, fetched(source, 0, [{ value, key, timestampMs: eventsMs }]))
    for (let n = 1; n < 9; n++) take(stages, one(n))
    const { files, counts } = seal(stages)
    expect(counts).toMatchObject([
      { counts: { read: 9, written: 8, deadLettered: { 'decode-truncated': 1 } } },
    ])
    const letters = await rowsOf(present(files[1], 'letters'))
    expect(letters).toMatchObject([{ offset: 0n, index: 0, reason: 'decode-truncated' }])
    expect(Buffer.from(letters[0]?.['key'] as Uint8Array)).toEqual(key)
    expect(Buffer.from(letters[0]?.['value'] as Uint8Array)).toEqual(Buffer.from(value))
  })

  test('of a batched record wait too, inflated', async () => {
    const events = [0, 1, 2].map((n) => ({
      event_time_ms: eventsMs,
      payload: numberPayload({ n }),
    }))
    const payload = gzipSync(encodeBatch(events))
    const value = encodeRawEvent({ stream: 'numbers', batched: true, compression: 1, payload })
    take(stages, fetched(source, 0, [{ value, timestampMs: eventsMs }, numberRecord({ n: 3 })]))
    take(stages, fetched(source, 2, [numberRecord({ n: 4 })]))
    const rows = await numbersIn(0)
    expect(rows.map((row) => [row['n'], row['_offset'], row['_index']])).toEqual([
      [0n, 0n, 0],
      [1n, 0n, 1],
      [2n, 0n, 2],
      [3n, 1n, 0],
      [4n, 2n, 0],
    ])
  })

  test('among many of another file wait as copies, in their order, and as whole letters', async () => {
    const hourMs = 3_600_000
    const key = Buffer.from('a key')
    const bad = encodeRawEvent({
      stream: 'numbers',
      event_time_ms: eventsMs - hourMs,
      payload: broken,
    })
    let offset = 0
    for (let load = 0; load < 6; load++) {
      const many = Array.from({ length: 100 }, (_, index) => numberRecord({ n: offset + index }))
      // Of two loads all events wait, as they are.
      const first = load === 2 || load === 3 ? offset : offset + many.length
      const few = [0, 1].map((index) =>
        numberRecord({ n: first + index, eventMs: eventsMs - hourMs }),
      )
      const records = first === offset ? few : [...many, ...few]
      if (load === 4) records.push({ value: bad, key, timestampMs: eventsMs })
      take(stages, fetched(source, offset, records))
      offset += records.length
    }
    const { files, counts } = seal(stages)
    expect(counts.every((cell) => countsAddUp(cell.counts))).toBe(true)
    const [one, other, letters] = await Promise.all(files.map(rowsOf))
    const numbersOf = (rows: typeof one): readonly number[] =>
      present(rows, 'rows').map((row) => Number(row['n']))
    const sizes = [one, other].map((rows) => rows?.length)
    expect(new Set(sizes)).toEqual(new Set([12, 400]))
    for (const rows of [one, other]) {
      expect(numbersOf(rows)).toEqual(numbersOf(rows).toSorted((a, b) => a - b))
      expect(rows?.every((row) => row['_offset'] === row['n'])).toBe(true)
    }
    expect(letters).toMatchObject([{ reason: 'decode-truncated' }])
    expect(Buffer.from(letters?.[0]?.['value'] as Uint8Array)).toEqual(Buffer.from(bad))
    expect(Buffer.from(letters?.[0]?.['key'] as Uint8Array)).toEqual(key)
  })

  test('are forgotten with what else accumulated', async () => {
    take(stages, one(0))
    stages.exporter.discard()
    expect(stages.exporter.bufferedBytes).toBe(0)
    take(stages, one(1))
    expect((await numbersIn(0)).map((row) => row['n'])).toEqual([1n])
  })
})

describe('the room for what waits', () => {
  test('is emptied when it is full, and no row is lost by it', async () => {
    // The room has a mebibyte; two hundred of these do not fit.
    const text = 'x'.repeat(8_000)
    for (let n = 0; n < 200; n++) take(stages, one(n, withText(n, text)))
    const rows = await numbersIn(0)
    expect(rows.map((row) => row['n'])).toEqual(Array.from({ length: 200 }, (_, n) => BigInt(n)))
    expect(rows.every((row) => row['text'] === text)).toBe(true)
  })

  test('takes no record that is large: it is written behind what waits', async () => {
    const text = 'x'.repeat(20_000)
    take(stages, one(0))
    take(stages, one(1, withText(1, text)))
    take(stages, one(2))
    const rows = await numbersIn(0)
    expect(rows.map((row) => row['n'])).toEqual([0n, 1n, 2n])
    expect(rows[1]?.['text']).toBe(text)
  })
})

describe('where the input lies beyond 2 GiB of the kernel’s memory', () => {
  async function openBeyond(...more: readonly string[]): Promise<void> {
    const config = await numbersConfig([{ name: 'numbers', more }])
    stages = openStages(config, new Map(), 2_048 * 1_048_576)
    const { input } = stages.kernel
    // What is not touched uses no memory; nobody else gets these as long as there is more of it.
    for (let count = 0; count < 2; count++) input.load(input.reserve(2 ** 30 - 64))
    input.clear()
  }

  test('no row is lost, be it written at once, inflated, filtered or made to wait', async () => {
    await openBeyond(`etl: [ { filter: { where: "text <> 'no'", reason: unwanted } } ]`)
    take(stages, one(0))
    take(stages, one(1, { text: 'no' }))
    const numbers = Array.from({ length: 100 }, (_, index) => 2 + index)
    const records = numbers.map((n) => numberRecord({ n }))
    take(stages, fetched(source, 2, records))
    const payload = gzipSync(numberPayload({ n: 102 }))
    const event = { stream: 'numbers', event_time_ms: eventsMs, compression: 1, payload }
    take(stages, fetched(source, 102, [{ value: encodeRawEvent(event), timestampMs: eventsMs }]))
    expect(stages.kernel.memoryBytes).toBeGreaterThan(2 ** 31)
    const rows = await numbersIn(0)
    expect(rows.map((row) => row['n'])).toEqual([0n, ...numbers.map(BigInt), 102n])
  })

  test('a dead letter has its bytes', async () => {
    await openBeyond()
    const key = Buffer.from('a key')
    const value = encodeRawEvent({ stream: 'numbers', event_time_ms: eventsMs, payload: broken })
    take(stages, fetched(source, 0, [{ value, key, timestampMs: eventsMs }]))
    const letters = await numbersIn(0)
    expect(letters).toMatchObject([{ offset: 0n, reason: 'decode-truncated' }])
    expect(Buffer.from(letters[0]?.['value'] as Uint8Array)).toEqual(Buffer.from(value))
    expect(Buffer.from(letters[0]?.['key'] as Uint8Array)).toEqual(key)
  })
})
