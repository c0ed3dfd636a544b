import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../src/base/fault.ts'
import type { EventLoad } from '../../../src/model/event-load.ts'
import type { RecordTable } from '../../../src/model/event-table.ts'
import { nextOffset, offset } from '../../../src/model/offset.ts'
import { type SourcePartition, topicPartitionName } from '../../../src/model/topic-partition.ts'
import type { FetchedBatches } from '../../../src/ports/source.ts'
import { Intake } from '../../../src/source/intake.ts'
import { sourceAt } from '../../support/lane-world.ts'
import { LinearMemory } from '../../support/linear-memory.ts'
import { encodeBatch, encodeMarker, type TestBatch } from '../../support/record-batch.ts'

const one = sourceAt(0)
const two = sourceAt(1)

const noCall = (): never => {
  throw new Error('nothing is inflated here')
}
const noCalls = { inflateLz4: noCall, inflateSnappy: noCall, xxhash32: noCall }

/** What an intake did, in the order it did it. */
class Taken {
  readonly memory = new LinearMemory()
  /** "load events/0:7=a …" for a load, "events/0 → 8 (epoch 3)" for an advance. */
  readonly told: string[] = []
  readonly refused: { readonly name: string; readonly fault: Fault }[] = []
  readonly capacities: number[] = []
  missing: (records: RecordTable, first: number) => ReadonlySet<number> = () => new Set()
  readonly #intake = new Intake({
    // No batch of this file is of a codec that the kernel inflates.
    input: Object.assign(this.memory, { calls: noCalls }),
    onLoad: (load) => this.#load(load),
    onAdvance: (source, next, leaderEpoch) =>
      void this.told.push(`${topicPartitionName(source)} → ${next} (epoch ${leaderEpoch})`),
    missingSchemas: (records, first) => this.missing(records, first),
    onSchemasMissing: (source, ids) =>
      void this.told.push(`${topicPartitionName(source)} waits for ${[...ids].join(' ')}`),
    onUnreadable: (source, fault) =>
      void this.refused.push({ name: topicPartitionName(source), fault }),
  })

  take(...answer: FetchedBatches[]): this {
    this.#intake.take(answer, 1_234)
    return this
  }

  get loads(): readonly string[] {
    return this.told.filter((told) => told.startsWith('load'))
  }

  #load({ records, events, fetchedAtMs }: EventLoad): void {
    expect([events.count, fetchedAtMs]).toEqual([0, 1_234])
    this.capacities.push(records.capacity)
    const texts = Array.from({ length: records.count }, (_, row) => {
      const source = records.sources[records.source[row] ?? -1] as SourcePartition
      const bytes = this.memory.u8.subarray(records.valueStart[row], records.valueEnd[row])
      const text = bytes.length > 10 ? `${bytes.length} bytes` : Buffer.from(bytes).toString()
      return `${topicPartitionName(source)}:${records.offset[row]}=${text}`
    })
    this.told.push(`load ${texts.length > 5 ? texts.length : texts.join(' ')}`)
  }
}

interface AnswerOptions {
  readonly from?: bigint
  readonly skipped?: readonly number[]
}

/** Batches one behind the other as one part of an answer. */
function answerOf(
  source: SourcePartition,
  batches: readonly Buffer[],
  { from, skipped = [] }: AnswerOptions = {},
): FetchedBatches {
  const bytes = Buffer.concat(batches)
  const first = batches[0]?.readBigInt64BE(0) ?? 0n
  const last = batches.at(-1)
  const next =
    last === undefined ? first : last.readBigInt64BE(0) + BigInt(last.readInt32BE(23)) + 1n
  const starts = batches.map((_, at) => Buffer.concat(batches.slice(0, at)).length)
  return {
    source,
    bytes,
    start: 0,
    end: bytes.length,
    fetchOffset: offset(from ?? first),
    nextOffset: nextOffset(next),
    highWatermark: nextOffset(next),
    leaderEpoch: last?.readInt32BE(12) ?? -1,
    skippedBatches: skipped.map((at) => starts[at] ?? -1),
  }
}

const batch = (baseOffset: bigint, values: readonly string[], more: Partial<TestBatch> = {}) =>
  encodeBatch({ baseOffset, records: values.map((value) => ({ value })), ...more })

/** Says that it holds one record more than it does; its checksum is right. */
const broken = (baseOffset: bigint, more: Partial<TestBatch> = {}) =>
  batch(baseOffset, ['x'], { recordCount: 2, leaderEpoch: 9, ...more })

test('one answer is one load, and positions move after it', () => {
  const taken = new Taken().take(
    answerOf(one, [
      batch(5n, ['a', 'b'], { leaderEpoch: 3 }),
      batch(7n, ['c'], { leaderEpoch: 4 }),
    ]),
    answerOf(two, [batch(0n, ['x'], { codec: 'zstd' })]),
  )
  expect(taken.told).toEqual([
    'load events/0:5=a events/0:6=b events/0:7=c events/1:0=x',
    'events/0 → 8 (epoch 4)',
    'events/1 → 1 (epoch 0)',
  ])
  expect(taken.memory.loadedBytes).toBe(0)
})

test('a batch whose schema is missing waits with all behind it; what is before it is taken', () => {
  const taken = new Taken()
  taken.missing = (records, first) => {
    const at = records.valueStart[first] ?? 0
    return new Set(taken.memory.u8[at] === 63 ? [42] : [])
  }
  const [a, b, c] = [batch(0n, ['a']), batch(1n, ['?', 'b']), batch(3n, ['c'])]
  taken.take(answerOf(one, [a, b, c]), answerOf(two, [batch(0n, ['x'])]))
  expect(taken.told).toEqual([
    'events/0 waits for 42',
    'load events/0:0=a events/1:0=x',
    'events/0 → 1 (epoch 0)',
    'events/1 → 1 (epoch 0)',
  ])
})

describe('what is not delivered', () => {
  test('is the part of a batch below the offset asked for', () => {
    const part = answerOf(one, [batch(5n, ['a', 'b', 'c'])], { from: 7n })
    expect(new Taken().take(part).told).toEqual(['load events/0:7=c', 'events/0 → 8 (epoch 0)'])
  })

  test('is a batch that lies below it as a whole', () => {
    const part = answerOf(one, [batch(3n, ['a']), batch(4n, ['b'])], { from: 4n })
    expect(new Taken().take(part).told).toEqual(['load events/0:4=b', 'events/0 → 5 (epoch 0)'])
  })

  test('is what was taken back, and its marker: positions pass both', () => {
    const marker = encodeMarker('abort', { baseOffset: 2n, producerId: 1n })
    const batches = [batch(0n, ['a']), batch(1n, ['gone']), marker]
    const part = answerOf(one, batches, { skipped: [1, 2] })
    expect(new Taken().take(part).told).toEqual(['load events/0:0=a', 'events/0 → 3 (epoch 0)'])
  })

  test('makes no load when there is nothing else', () => {
    const marker = encodeMarker('abort', { baseOffset: 0n, producerId: 1n })
    const part = answerOf(one, [marker], { skipped: [0] })
    expect(new Taken().take(part).told).toEqual(['events/0 → 1 (epoch 0)'])
  })
})

describe('a batch that cannot be read', () => {
  test('stops its own topic-partition behind the last good record', () => {
    const taken = new Taken().take(
      answerOf(one, [batch(0n, ['a', 'b'], { leaderEpoch: 3 }), broken(2n), batch(3n, ['d'])]),
      answerOf(two, [batch(0n, ['x'])]),
    )
    expect(taken.refused).toMatchObject([
      { name: 'events/0', fault: { code: 'KAFKA_RECORDS_CORRUPT', facts: { offset: 2n } } },
    ])
    expect(taken.told).toEqual([
      'load events/0:0=a events/0:1=b events/1:0=x',
      'events/0 → 2 (epoch 3)',
      'events/1 → 1 (epoch 0)',
    ])
  })

  test('at the very beginning moves nothing, nor the epoch', () => {
    const taken = new Taken().take(answerOf(one, [broken(0n)]), answerOf(two, [batch(0n, ['x'])]))
    expect(taken.told).toEqual(['load events/1:0=x', 'events/1 → 1 (epoch 0)'])
    expect(taken.refused).toHaveLength(1)
  })

  test('of an unknown compression is named', () => {
    const bytes = batch(0n, ['a'])
    bytes.writeInt16BE(7, 21)
    const taken = new Taken().take(answerOf(one, [bytes]))
    expect(taken.refused.map(({ fault }) => fault.code)).toEqual(['KAFKA_CODEC_NOT_SUPPORTED'])
    expect(taken.told).toEqual([])
  })

  test('where a load has just been handed down leaves what was before it', () => {
    const large = 'a'.repeat(7 * 1_048_576)
    const taken = new Taken().take(
      answerOf(one, [batch(0n, [large, large]), broken(2n, { records: [{ value: large }] })]),
    )
    expect(taken.told).toEqual([
      'load events/0:0=7340032 bytes events/0:1=7340032 bytes',
      'events/0 → 2 (epoch 0)',
    ])
    expect(taken.refused).toHaveLength(1)
  })
})

describe('a load', () => {
  test('ends with the batch that passes its bytes; a position moves with each part of the answer', () => {
    const large = 'a'.repeat(5 * 1_048_576)
    const batches = [0n, 1n, 2n, 3n].map((at) => batch(at, [large], { leaderEpoch: Number(at) }))
    const taken = new Taken().take(answerOf(two, [batch(0n, ['x'])]), answerOf(one, batches))
    expect(taken.told).toEqual([
      'load events/1:0=x events/0:0=5242880 bytes events/0:1=5242880 bytes',
      'events/1 → 1 (epoch 0)',
      'events/0 → 2 (epoch 1)',
      'load events/0:2=5242880 bytes events/0:3=5242880 bytes',
      'events/0 → 4 (epoch 3)',
    ])
  })

  test('holds no more records than its table, and a batch that has more gets its own', () => {
    const many = (count: number): string[] => Array.from({ length: count }, () => 'r')
    const answer = answerOf(one, [
      batch(0n, many(10_000)),
      batch(10_000n, many(10_000)),
      batch(20_000n, many(40_000)),
      batch(60_000n, many(1)),
    ])
    const taken = new Taken().take(answer)
    expect(taken.loads).toEqual(['load 10000', 'load 10000', 'load 40000', 'load events/0:60000=r'])
    expect(taken.told.at(-1)).toBe('events/0 → 60001 (epoch 0)')
    expect(taken.capacities.at(2)).toBe(40_000)
    // The large table is not kept.
    expect(taken.capacities.at(3)).toBeLessThan(40_000)
  })
})
