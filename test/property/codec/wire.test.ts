import fc from 'fast-check'
import { expect, test } from 'vitest'
import { WireReader, WireWriter } from '../../../src/codec/protobuf/wire.ts'

function holds<Value>(
  values: fc.Arbitrary<Value>,
  write: (out: WireWriter, value: Value) => void,
  read: (input: WireReader) => unknown,
): void {
  fc.assert(
    fc.property(values, (value) => {
      const out = new WireWriter()
      write(out, value)
      const input = new WireReader(out.copy())
      expect(read(input)).toEqual(value)
      expect(input.atEnd).toBe(true)
    }),
  )
}

const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
const int32 = fc.integer()
const text = fc.string({ unit: 'grapheme' })
const bytes = fc.uint8Array({ maxLength: 1_000 })

test('what is written is read', () => {
  holds(
    int64,
    (out, value) => out.varint64(value),
    (input) => input.varint64(),
  )
  holds(
    int64,
    (out, value) => out.fixed64(value),
    (input) => input.fixed64(),
  )
  holds(
    int32,
    (out, value) => out.fixed32(value),
    (input) => input.fixed32(),
  )
  holds(
    int32,
    (out, value) => out.varint64(BigInt(value)),
    (input) => input.varint32(),
  )
  holds(
    fc.float(),
    (out, value) => out.float(value),
    (input) => input.float(),
  )
  holds(
    fc.double(),
    (out, value) => out.double(value),
    (input) => input.double(),
  )
  holds(
    text,
    (out, value) => out.string(value),
    (input) => input.string(),
  )
  holds(
    bytes,
    (out, value) => out.bytes(value),
    (input) => input.bytes(),
  )
})

test('a safe number is written as the bigint is', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => {
      const [small, large] = [new WireWriter(), new WireWriter()]
      small.varint(value)
      large.varint64(BigInt(value))
      expect(small.copy()).toEqual(large.copy())
    }),
  )
})

test('nested lengths are as long as what they hold', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }),
      (parts) => {
        const out = new WireWriter()
        const nest = (depth: number): void => {
          out.bytes(parts[depth] ?? new Uint8Array(0))
          if (depth + 1 < parts.length) out.delimited(() => nest(depth + 1))
        }
        nest(0)
        const input = new WireReader(out.copy())
        const read = (depth: number): void => {
          expect(input.bytes()).toEqual(parts[depth])
          if (depth + 1 < parts.length) input.delimited(() => read(depth + 1))
          expect(input.atEnd).toBe(true)
        }
        read(0)
      },
    ),
  )
})
