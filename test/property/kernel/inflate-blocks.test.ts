/** The kernel's inflating against the plain way, with what lies around the blocks watched. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { instantiateKernel } from '../../../src/kernel/kernel-module.ts'
import {
  type PlainOutcome,
  plainLz4Block,
  plainSnappyElements,
} from '../../support/plain-blocks.ts'
import { xxhash32 } from '../../support/xxhash32.ts'

const timeoutMs = 60_000
const memory = instantiateKernel(64 * 1_048_576)
const start = memory.allocate(2 ** 19, 'a test')
/** Bytes that are nobody's, around the output. */
const margin = 64
const behind = 1_024

interface Work {
  readonly packed: Uint8Array
  readonly roomBytes: number
  readonly before?: Uint8Array
}

type Call = (at: { from: number; fromEnd: number; outFirst: number; out: number }) => number

/** Runs with everything around filled by one byte. @throws when any of it changed. */
function runIn(
  fill: number,
  { packed, roomBytes, before = noBytes }: Work,
  call: Call,
): PlainOutcome {
  const usedBytes = before.length + roomBytes + margin + behind
  const u8 = memory.u8.subarray(start, start + usedBytes).fill(fill)
  // Whoever reads on behind the input finds no memory.
  const from = memory.u8.length - packed.length
  const outFirstAt = margin
  const outAt = outFirstAt + before.length
  memory.u8.set(packed, from)
  u8.set(before, outFirstAt)
  const watched = (): Uint8Array =>
    Buffer.concat([
      u8.subarray(0, outAt),
      u8.subarray(outAt + roomBytes, outAt + roomBytes + behind),
    ])
  const untouched = watched()
  const [outFirst, out] = [start + outFirstAt, start + outAt]
  const end = call({ from, fromEnd: from + packed.length, outFirst, out }) >>> 0
  expect(Buffer.compare(watched(), untouched)).toBe(0)
  if (end === 0) return 'malformed'
  return end === 1 ? 'no-room' : u8.slice(outAt, end - start)
}

const noBytes = new Uint8Array(0)

const summary = (outcome: PlainOutcome): string =>
  typeof outcome === 'string' ? outcome : Buffer.from(outcome).toString('hex').slice(0, 200)

/** What lies around is not looked at either: it makes no difference. */
function expectOf(wanted: PlainOutcome, work: Work, call: Call): void {
  for (const fill of [0x00, 0xa5]) {
    const outcome = runIn(fill, work, call)
    const isWanted =
      typeof outcome === 'string' || typeof wanted === 'string'
        ? outcome === wanted
        : Buffer.compare(outcome, wanted) === 0
    expect(isWanted, `filled with ${fill}: ${summary(outcome)}, not ${summary(wanted)}`).toBe(true)
  }
}

const lz4 =
  (roomBytes: number): Call =>
  ({ from, fromEnd, outFirst, out }) =>
    memory.calls.inflateLz4(from, fromEnd, outFirst, out, out + roomBytes)
const snappy =
  (roomBytes: number): Call =>
  ({ from, fromEnd, out }) =>
    memory.calls.inflateSnappy(from, fromEnd, out, out + roomBytes)

const oneOf = (...values: readonly number[]) => fc.constantFrom(...values)
/** Around the bounds of what is copied at once, of what a nibble holds, and of long ones. */
const literalSizes = fc.oneof(
  fc.nat(14),
  fc.nat(40),
  oneOf(14, 15, 16, 17, 30, 31, 32, 47, 48, 191, 192, 193, 269, 270, 271, 525, 1_000),
)
const copySizes = fc.oneof(
  fc.integer({ min: 4, max: 18 }),
  fc.integer({ min: 4, max: 40 }),
  oneOf(17, 18, 19, 20, 33, 34, 273, 274, 275, 700),
)
const distances = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  oneOf(1, 7, 8, 9, 15, 16, 17, 255, 256, 2_047, 2_048, 32_768, 65_534, 65_535),
)
/** 64 KiB and a little of the block before: a copy can reach to its very first byte. */
const histories = fc
  .tuple(
    oneOf(0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 8, 15, 16, 17, 64, 65_534, 65_535, 65_536),
    fc.nat(250),
  )
  .map(([size, first]) => Uint8Array.from({ length: size }, (_, at) => (first + at * 7) % 251))
const sequences = fc.array(fc.tuple(literalSizes, distances, copySizes), { maxLength: 12 })

const more = (length: number): readonly number[] =>
  length < 15
    ? []
    : [...Array<number>(Math.floor((length - 15) / 255)).fill(255), (length - 15) % 255]

/** Copies reach back as far as there is something, so that most blocks are whole. */
function lz4Of(
  drawn: readonly (readonly [number, number, number])[],
  history: number,
  last: number,
) {
  const bytes: number[] = []
  let done = history
  let value = 0
  const literal = (length: number): void => {
    for (let left = length; left > 0; left--) bytes.push((value = (value * 5 + 3) % 256))
    done += length
  }
  for (const [literals, distance, copied] of drawn) {
    const size = done + literals === 0 ? 1 : literals
    bytes.push((Math.min(size, 15) << 4) | Math.min(copied - 4, 15), ...more(size))
    literal(size)
    const back = Math.min(distance, done)
    bytes.push(back & 255, back >> 8, ...more(copied - 4))
    done += copied
  }
  bytes.push(Math.min(last, 15) << 4, ...more(last))
  literal(last)
  return { packed: Uint8Array.from(bytes), plainBytes: done - history }
}

const lz4Blocks = fc
  .tuple(sequences, histories, literalSizes)
  .map(([drawn, before, last]) => ({ before, ...lz4Of(drawn, before.length, last) }))

test(
  'a block of LZ4 becomes what it says in just enough room, in more, and not in less',
  () => {
    const slacks = oneOf(0, 1, 2, 15, 16, 17, 31, 32, 33, 100)
    // The end of the room lies anywhere in the last sequences.
    const lacks = fc.oneof(oneOf(1), fc.integer({ min: 1, max: 120 }))
    fc.assert(
      fc.property(lz4Blocks, slacks, lacks, ({ packed, before, plainBytes }, slack, lack) => {
        const wanted = plainLz4Block(packed, { sizeBytesMax: plainBytes, before })
        expect(wanted).toHaveLength(plainBytes)
        const roomy = { packed, before, roomBytes: plainBytes + slack }
        expectOf(wanted, roomy, lz4(roomy.roomBytes))
        if (plainBytes < lack) return
        const tight = { packed, before, roomBytes: plainBytes - lack }
        expectOf('no-room', tight, lz4(tight.roomBytes))
      }),
      { numRuns: 200 },
    )
  },
  timeoutMs,
)

/** Any bytes changed, cut or put in. */
const changes = fc.array(fc.tuple(fc.nat(3), fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 })
function changed(bytes: Uint8Array, by: readonly (readonly [number, number, number])[]) {
  const all = [...bytes]
  for (const [kind, at, byte] of by) {
    const place = at % (all.length + 1)
    if (kind === 0) all.length = place
    else if (kind === 1) all.splice(place, 0, byte)
    else all[place] = byte
  }
  return Uint8Array.from(all)
}

test(
  'a hostile block of LZ4 ends as the plain way does and touches nothing that is not its own',
  () => {
    const seen = new Set<string>()
    const rooms = fc.nat(3_000)
    const drawn = fc.oneof(
      fc.tuple(lz4Blocks, changes).map(([{ packed, before }, by]) => ({
        packed: changed(packed, by),
        before,
      })),
      fc.uint8Array({ maxLength: 60 }).map((packed) => ({ packed, before: noBytes })),
    )
    fc.assert(
      fc.property(drawn, rooms, ({ packed, before }, roomBytes) => {
        const wanted = plainLz4Block(packed, { sizeBytesMax: roomBytes, before })
        seen.add(typeof wanted === 'string' ? wanted : 'inflated')
        expectOf(wanted, { packed, before, roomBytes }, lz4(roomBytes))
      }),
      { numRuns: 800 },
    )
    expect([...seen].toSorted()).toEqual(['inflated', 'malformed', 'no-room'])
  },
  timeoutMs,
)

const snappyParts = fc.array(
  fc.oneof(
    fc.record({ literal: literalSizes, wide: fc.nat(3) }),
    fc.record({
      distance: distances,
      copied: fc.integer({ min: 1, max: 64 }),
      kind: oneOf(1, 2, 3),
    }),
  ),
  { maxLength: 20 },
)

function snappyOf(parts: typeof snappyParts extends fc.Arbitrary<infer T> ? T : never) {
  const bytes: number[] = []
  let done = 0
  for (const part of parts) {
    if ('literal' in part || done === 0) {
      const size = 'literal' in part ? Math.max(1, part.literal) : 1
      const least = size <= 60 ? 0 : size <= 256 ? 1 : 2
      const extra = Math.max(least, 'literal' in part ? part.wide : 0)
      bytes.push((extra === 0 ? size - 1 : 59 + extra) << 2)
      for (let at = 0; at < extra; at++) bytes.push(((size - 1) >>> (8 * at)) & 255)
      for (let at = 0; at < size; at++) bytes.push((done + at * 11) % 253)
      done += size
      continue
    }
    const { copied } = part
    const distance = Math.min(part.distance, done)
    const isShort = part.kind === 1 && copied >= 4 && copied <= 11 && distance < 2_048
    if (isShort) bytes.push(1 | ((copied - 4) << 2) | ((distance >> 8) << 5), distance & 255)
    else if (part.kind < 3) bytes.push(2 | ((copied - 1) << 2), distance & 255, distance >> 8)
    else bytes.push(3 | ((copied - 1) << 2), distance & 255, distance >> 8, 0, 0)
    done += copied
  }
  return { packed: Uint8Array.from(bytes), plainBytes: done }
}

test(
  'elements of snappy become what they say in their room, and nothing in any other',
  () => {
    fc.assert(
      fc.property(snappyParts.map(snappyOf), ({ packed, plainBytes }) => {
        const wanted = plainSnappyElements(packed, plainBytes)
        expect(wanted).toHaveLength(plainBytes)
        for (const roomBytes of [plainBytes, plainBytes + 1, Math.max(0, plainBytes - 1)]) {
          const fitting = roomBytes === plainBytes ? wanted : 'malformed'
          expectOf(fitting, { packed, roomBytes }, snappy(roomBytes))
        }
      }),
      { numRuns: 200 },
    )
  },
  timeoutMs,
)

test(
  'hostile elements of snappy end as the plain way does and touch nothing that is not their own',
  () => {
    const seen = new Set<string>()
    const drawn = fc.oneof(
      fc.tuple(snappyParts.map(snappyOf), changes).map(([{ packed, plainBytes }, by]) => ({
        packed: changed(packed, by),
        roomBytes: plainBytes,
      })),
      fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(200)).map(([packed, roomBytes]) => ({
        packed,
        roomBytes,
      })),
    )
    fc.assert(
      fc.property(drawn, ({ packed, roomBytes }) => {
        const wanted = plainSnappyElements(packed, roomBytes)
        seen.add(typeof wanted === 'string' ? wanted : 'inflated')
        expectOf(wanted, { packed, roomBytes }, snappy(roomBytes))
      }),
      { numRuns: 800 },
    )
    expect([...seen].toSorted()).toEqual(['inflated', 'malformed'])
  },
  timeoutMs,
)

test(
  'checksums are those of the plain way',
  () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const from = memory.u8.length - bytes.length
        memory.u8.set(bytes, from)
        expect(memory.calls.xxhash32(from, bytes.length) >>> 0).toBe(xxhash32(bytes))
      }),
      { numRuns: 500 },
    )
  },
  timeoutMs,
)
