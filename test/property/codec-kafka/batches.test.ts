import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fault } from '../../../src/base/fault.ts'
import { type BatchCodec, walkBatches } from '../../../src/codec/kafka/record-batch.ts'
import { anySource, readPlain } from '../../support/read-batches.ts'
import { encodeBatch, withChecksum } from '../../support/record-batch.ts'

const record = fc.record({
  key: fc.option(fc.uint8Array({ maxLength: 200 })),
  value: fc.option(fc.uint8Array({ maxLength: 3_000 })),
  timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  gap: fc.integer({ min: 1, max: 300 }),
})
const batchOf = fc.record({
  codec: fc.constantFrom<BatchCodec>('none', 'gzip', 'snappy', 'lz4', 'zstd'),
  records: fc.array(record, { minLength: 1, maxLength: 30 }),
  room: fc.integer({ min: 0, max: 50 }),
})
const log = fc.record({
  first: fc.bigInt({ min: 0n, max: 1n << 62n }),
  batches: fc.array(batchOf, { minLength: 1, maxLength: 5 }),
})

/** A log with gaps, and the records a reader must find in it. */
function build({ first, batches }: typeof log extends fc.Arbitrary<infer Value> ? Value : never) {
  let baseOffset = first
  const texts: { offset: bigint; timestampMs: number; key: string | null; value: string | null }[] =
    []
  const encoded = batches.map(({ codec, records, room }) => {
    let offsetDelta = -1
    const placed = records.map(({ gap, ...rest }) => {
      offsetDelta += gap
      return { ...rest, offsetDelta }
    })
    for (const { offsetDelta: delta, timestampMs, key, value } of placed) {
      const offset = baseOffset + BigInt(delta)
      texts.push({ offset, timestampMs, key: latin(key), value: latin(value) })
    }
    const lastOffsetDelta = offsetDelta + room
    const bytes = encodeBatch({ baseOffset, codec, records: placed, lastOffsetDelta })
    baseOffset += BigInt(lastOffsetDelta + 1)
    return bytes
  })
  return { encoded, texts, next: baseOffset }
}

const latin = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString('latin1')

test('what was written is read, from any offset on', () => {
  fc.assert(
    fc.property(log, fc.nat(), (drawn, pick) => {
      const { encoded, texts, next } = build(drawn)
      const from = texts[pick % texts.length]?.offset ?? 0n
      const bytes = Buffer.concat(encoded)
      expect(readPlain(bytes, from)).toEqual(texts.filter(({ offset }) => offset >= from))
      const part = { source: anySource, bytes, start: 0, end: bytes.length }
      expect(walkBatches(part).batches.at(-1)?.nextOffset).toBe(next)
    }),
    { numRuns: 60 },
  )
})

test('an answer cut at any byte gives whole batches only', () => {
  fc.assert(
    fc.property(log, (drawn) => {
      const { encoded } = build({ ...drawn, batches: drawn.batches.slice(0, 2) })
      const bytes = Buffer.concat(encoded)
      const ends = encoded.map((_, index) => Buffer.concat(encoded.slice(0, index + 1)).length)
      for (let end = 0; end <= bytes.length; end += 1 + (end % 7)) {
        const walk = walkBatches({ source: anySource, bytes, start: 0, end })
        expect(walk.fault).toBeUndefined()
        expect(walk.batches.length).toBe(ends.filter((batchEnd) => batchEnd <= end).length)
      }
    }),
    { numRuns: 20 },
  )
})

test('bytes changed under a right checksum give the fault of the batch or records, no crash', () => {
  const changed = fc.record({
    drawn: batchOf,
    at: fc.nat(),
    byte: fc.integer({ min: 0, max: 255 }),
  })
  fc.assert(
    fc.property(changed, ({ drawn, at, byte }) => {
      const [bytes] = build({ first: 0n, batches: [drawn] }).encoded
      if (bytes === undefined) throw new Error('no batch was built')
      bytes.writeUInt8(byte, 21 + (at % (bytes.length - 21)))
      try {
        readPlain(withChecksum(bytes))
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        expect(error.message).toContain('events/3')
      }
    }),
    { numRuns: 400 },
  )
})
