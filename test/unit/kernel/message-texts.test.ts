import { describe, expect, test, vi } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import { rowsOfA, schemaA, wiresOfA } from '../../support/feature-rows.ts'
import {
  appendPayloads,
  GroupReader,
  loadBatch,
  openKernel,
  planOf,
  roundTrip,
} from '../../support/kernel-tables.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'

const text = `syntax = "proto3";
  import "google/protobuf/struct.proto"; import "google/protobuf/timestamp.proto";
  import "google/protobuf/duration.proto"; import "google/protobuf/wrappers.proto";
  message A {
    int32 id = 1;
    string name = 2;
    A parent = 3;
    repeated A children = 4;
    map<string, A> by = 5;
    google.protobuf.Struct details = 6;
    google.protobuf.Value any = 7;
    google.protobuf.ListValue list = 8;
    oneof either { A left = 9; int64 right = 10; }
    map<string, google.protobuf.Value> values = 11;
    google.protobuf.Timestamp at = 12;
    google.protobuf.Duration took = 13;
    google.protobuf.BytesValue raw = 14;
    Kind kind = 15;
    repeated double doubles = 16;
    optional bool flag = 17;
    map<int64, google.protobuf.ListValue> lists = 18;
  }
  enum Kind { NONE = 0; ONE = 1; }`

const absent = {
  id: 0,
  name: '',
  parent: null,
  children: [],
  by: [],
  details: null,
  any: null,
  list: null,
  left: null,
  right: null,
  values: [],
  at: null,
  took: null,
  raw: null,
  kind: 'NONE',
  doubles: [],
  flag: null,
  lists: [],
}
const repeated = (count: number, bytes: Uint8Array): Uint8Array =>
  new Uint8Array(Buffer.alloc(count * bytes.length, bytes))
const id = (value: number): Uint8Array => varintField(1, BigInt(value))

describe('a message within itself is JSON', () => {
  test('with the names of its fields, in every place', () => {
    const leaf = {
      id: 3,
      name: 'é"\n',
      at: { seconds: 1, nanos: 5 },
      took: { seconds: -1, nanos: -5e8 },
    }
    const { refusals, rows } = rowsOfA(text, [
      { id: 1, parent: { id: 2, children: [leaf, {}], right: '-9223372036854775808' } },
      {
        children: [{ kind: 1 }, { kind: 9, flag: false }],
        by: { k: { raw: { value: Buffer.from('x') } } },
      },
      { left: { doubles: [0.1, Number.NaN, -0, Number.NEGATIVE_INFINITY] } },
      {},
    ])
    expect(refusals).toEqual([])
    const nested = '{"id":3,"name":"é\\"\\n","at":"1970-01-01T00:00:01.000000005Z","took":"-1.5s"}'
    expect(rows).toEqual([
      {
        ...absent,
        id: 1,
        parent: `{"id":2,"children":[${nested},{}],"right":"-9223372036854775808"}`,
      },
      {
        ...absent,
        children: ['{"kind":"ONE"}', '{"kind":9,"flag":false}'],
        by: [['k', '{"raw":"eA=="}']],
      },
      { ...absent, left: '{"doubles":[0.1,"NaN",-0,"-Infinity"]}' },
      absent,
    ])
  })

  test('given twice it is merged, and cleared by another member of its oneof', () => {
    const bytes = joined(
      bytesField(3, joined(id(1), bytesField(2, utf8('a')))),
      bytesField(9, id(7)),
      bytesField(3, bytesField(4, id(5))),
      bytesField(3, joined(id(2), bytesField(4, id(6)))),
      varintField(10, 4n),
      bytesField(9, bytesField(2, utf8('b'))),
    )
    expect(roundTrip(schemaA(text), [bytes]).rows).toEqual([
      {
        ...absent,
        parent: '{"id":2,"name":"a","children":[{"id":5},{"id":6}]}',
        left: '{"name":"b"}',
      },
    ])
  })

  test('given twice, a first piece that is cut refuses the row, also where both joined parse', () => {
    const cut = Uint8Array.of(0x12, 2, 0x61)
    const other = Uint8Array.of(0x7a, 8, 0x81, 1, 8, 2, 8, 3, 8, 4)
    const pieces = (first: Uint8Array) => joined(bytesField(3, first), bytesField(3, other))
    const read = roundTrip(schemaA(text), [pieces(cut), pieces(id(1))])
    expect(read.refusals).toEqual([{ row: 0, reason: 'truncated' }])
    expect(read.rows).toEqual([{ ...absent, parent: '{"id":1}' }])
  })

  test('cleared for good it leaves nothing in later rows', () => {
    const cleared = joined(bytesField(9, id(7)), varintField(10, 4n))
    expect(roundTrip(schemaA(text), [cleared, cleared, new Uint8Array()]).rows).toEqual([
      { ...absent, right: 4n },
      { ...absent, right: 4n },
      absent,
    ])
  })

  test('an entry of a map without a value has the JSON of nothing', () => {
    const entry = (field: number, key: Uint8Array): Uint8Array => bytesField(field, key)
    const bytes = joined(
      entry(5, bytesField(1, utf8('a'))),
      entry(11, bytesField(1, utf8('b'))),
      entry(18, varintField(1, 1n)),
    )
    expect(roundTrip(schemaA(text), [bytes]).rows).toEqual([
      { ...absent, by: [['a', '{}']], values: [['b', 'null']], lists: [[1n, '[]']] },
    ])
  })

  const deep = (depth: number): Uint8Array =>
    depth === 1 ? new Uint8Array() : bytesField(3, deep(depth - 1))
  test.each([
    ['truncated', bytesField(3, Uint8Array.of(0x12, 0x05))],
    ['malformed', bytesField(4, Uint8Array.of(0x00))],
    ['invalid-utf8', bytesField(5, bytesField(2, bytesField(2, Uint8Array.of(0xff))))],
    ['too-deep', deep(102)],
  ])('what is %s within refuses the row alone', (reason, bad) => {
    const good = wiresOfA(text, [{ id: 1, parent: {} }, { id: 2 }, { id: 3, children: [{}] }])
    const [first, second, third] = good.map((bytes) => present(bytes, 'three rows'))
    const payloads = [first, bad, second, bad, bad, third].map((each) => present(each, 'a row'))
    const read = roundTrip(schemaA(text), payloads)
    expect(read.refusals).toEqual([1, 3, 4].map((row) => ({ row, reason })))
    expect(read.rows).toEqual([
      { ...absent, id: 1, parent: '{}' },
      { ...absent, id: 2 },
      { ...absent, id: 3, children: ['{}'] },
    ])
  })

  test('100 deep is read', () => {
    const { refusals } = roundTrip(schemaA(text), [deep(100)])
    expect(refusals).toEqual([])
  })

  test('the messages around it count for the limit of nesting', () => {
    const schema = schemaA('syntax = "proto3"; message A { B b = 1; } message B { B b = 1; }')
    const within = (depth: number): Uint8Array =>
      depth === 0 ? new Uint8Array() : bytesField(1, within(depth - 1))
    const { refusals, rows } = roundTrip(schema, [within(100), within(101)])
    expect(refusals).toEqual([{ row: 1, reason: 'too-deep' }])
    expect(rows).toHaveLength(1)
  })

  test('beside rows that are refused for another reason', () => {
    const bad = Uint8Array.of(0x0f)
    const one = bytesField(3, id(1))
    const broken = bytesField(3, bad)
    const read = roundTrip(schemaA(text), [bad, one, broken, bad, one])
    expect(read.refusals.map(({ row }) => row)).toEqual([0, 2, 3])
    expect(read.rows.map((row) => Reflect.get(Object(row), 'parent'))).toEqual([
      '{"id":1}',
      '{"id":1}',
    ])
  })
})

test('groups within themselves are JSON, too', () => {
  const schema = schemaA(`edition = "2023"; option features.message_encoding = DELIMITED;
    message A { int32 x = 1; A one = 2; repeated A many = 3; }`)
  const bytes = [0x13, 0x08, 5, 0x1b, 0x08, 6, 0x1c, 0x14, 0x1b, 0x1c, 0x13, 0x08, 7, 0x14]
  expect(roundTrip(schema, [Uint8Array.from(bytes)]).rows).toEqual([
    { x: null, one: '{"x":7,"many":[{"x":6}]}', many: ['{}'] },
  ])
  expect(roundTrip(schema, [Uint8Array.from(bytes.slice(0, -1))]).refusals).toEqual([
    { row: 0, reason: 'truncated' },
  ])
})

test('a required field missing within refuses the row', () => {
  const schema = schemaA('syntax = "proto2"; message A { required int32 x = 1; optional A a = 2; }')
  const whole = joined(id(1), bytesField(2, id(2)))
  const { refusals, rows } = roundTrip(schema, [whole, joined(id(1), bytesField(2, utf8('')))])
  expect(refusals).toEqual([{ row: 1, reason: 'malformed' }])
  expect(rows).toEqual([{ x: 1, a: '{"x":2}' }])
})

test('a row whose text would not fit is too large, and the next ones are taken', () => {
  const schema = schemaA('syntax = "proto3"; message A { repeated A a_quite_long_name = 1; }')
  const kernel = openKernel(16 * 1_048_576)
  const plan = planOf(schema)
  const file = kernel.compile(plan).openFile()
  const reader = new GroupReader(plan, file)
  const many = repeated(250_000, bytesField(1, bytesField(1, new Uint8Array())))
  const refusals = appendPayloads(kernel, file, [
    bytesField(1, many),
    bytesField(1, new Uint8Array()),
  ])
  expect(refusals).toEqual([{ row: 0, reason: 'too-large' }])
  expect(reader.rows()).toEqual([{ a_quite_long_name: ['{}'] }])
})

test('more pieces than are kept make a row too large', () => {
  const schema = schemaA('syntax = "proto3"; message A { A a = 1; int32 x = 2; }')
  const many = repeated(262_145, bytesField(1, new Uint8Array()))
  const fits = many.subarray(2)
  const { refusals, rows } = roundTrip(schema, [varintField(2, 1n), many, fits, varintField(2, 2n)])
  expect(refusals).toEqual([{ row: 1, reason: 'too-large' }])
  expect(rows).toEqual([
    { a: null, x: 1 },
    { a: '{}', x: 0 },
    { a: null, x: 2 },
  ])
})

test('a refused row, whose reason was asked for, leaves no text behind to be judged', () => {
  const own = schemaA(text)
  const details = bytesField(6, bytesField(1, bytesField(1, utf8('k'))))
  const cut = Uint8Array.of(
    ...bytesField(3, Uint8Array.of(8, 1)),
    ...bytesField(3, Uint8Array.of(8)),
    0,
  )
  const rows = Array.from({ length: 40 }, (_, index) => (index % 3 === 2 ? cut : details))
  const { refusals, rows: seen } = roundTrip(own, rows)
  expect(refusals.map(({ row }) => row)).toEqual(
    rows.flatMap((row, at) => (row === cut ? [at] : [])),
  )
  expect(seen).toHaveLength(rows.filter((row) => row === details).length)
})

interface Watch {
  /** Payloads that it was told to parse so far. */
  parsed: number
  /** It has no room for more than this at once. */
  blockBytesMax: number
}

/** A kernel whose calls pass through here. */
function watchedKernel(): { readonly kernel: Kernel; readonly watch: Watch } {
  const watch: Watch = { parsed: 0, blockBytesMax: Number.POSITIVE_INFINITY }
  const { Instance } = WebAssembly
  type Call = (...words: readonly number[]) => number
  const spy = vi.spyOn(WebAssembly, 'Instance').mockImplementation(function opened(module, given) {
    const { exports } = new Instance(module, given)
    const [parse, tryAllocate] = ['parse', 'tryAllocate'].map(
      (name) => Reflect.get(exports, name) as Call,
    )
    const watching: Record<string, Call> = {
      parse: (program, starts, ends, rows) => {
        watch.parsed += present(rows, 'the number of payloads')
        return present(parse, 'a call')(...[program, starts, ends, rows].map(Number))
      },
      tryAllocate: (bytes) =>
        Number(bytes) > watch.blockBytesMax ? 0 : present(tryAllocate, 'a call')(Number(bytes)),
    }
    return { exports: { ...exports, ...watching } }
  })
  const kernel = openKernel()
  spy.mockRestore()
  return { kernel, watch }
}

test.each([
  ['every row', 1],
  ['every second', 2],
  ['one of a hundred', 100],
])('where messages refuse %s, no payload is parsed more than twice', (_, step) => {
  const { kernel, watch } = watchedKernel()
  const plan = planOf(schemaA(text))
  const file = kernel.compile(plan).openFile()
  const bad = bytesField(3, Uint8Array.of(0x12, 5))
  const payloads = Array.from({ length: 2_000 }, (_unused, row) =>
    row % step === 0 ? bad : joined(id(row), bytesField(3, id(1))),
  )
  const refusals = appendPayloads(kernel, file, payloads)
  expect(refusals).toEqual(
    payloads.flatMap((each, row) => (each === bad ? [{ row, reason: 'truncated' }] : [])),
  )
  const good = payloads.flatMap((each, row) => (each === bad ? [] : [row]))
  const read = new GroupReader(plan, file).rows()
  expect(read.map((row) => Reflect.get(Object(row), 'id'))).toEqual(good)
  expect(watch.parsed).toBeGreaterThanOrEqual(payloads.length)
  expect(watch.parsed).toBeLessThanOrEqual(payloads.length * 2)
})

test.each([
  ['share of the memory', 16 * 1_048_576],
  ['room', 250_000],
])('texts beyond their %s are taken in parts, and rows refused among them once', (_, bytesMax) => {
  const { kernel: roomy, watch } = watchedKernel()
  const kernel = bytesMax > 1_000_000 ? openKernel(bytesMax) : roomy
  const plan = planOf(schemaA(text))
  const file = kernel.compile(plan).openFile()
  const parent = bytesField(3, bytesField(2, utf8('x'.repeat(50_000))))
  const bad = joined(parent, bytesField(3, Uint8Array.of(0x12, 5)))
  const payloads = Array.from({ length: 90 }, (_unused, row) =>
    row % 3 === 1 ? bad : joined(id(row), parent),
  )
  const batch = loadBatch(kernel, payloads)
  watch.blockBytesMax = bytesMax
  const refusals = file.append(batch)
  watch.blockBytesMax = Number.POSITIVE_INFINITY
  expect(refusals).toEqual(
    payloads.flatMap((each, row) => (each === bad ? [{ row, reason: 'truncated' }] : [])),
  )
  const read = new GroupReader(plan, file).rows()
  expect(read).toEqual(
    payloads.flatMap((each, row) =>
      each === bad ? [] : [{ ...absent, id: row, parent: `{"name":"${'x'.repeat(50_000)}"}` }],
    ),
  )
})

test('a row of several messages is not refused for the room that the next one takes', () => {
  const { kernel, watch } = watchedKernel()
  const plan = planOf(schemaA(text))
  const file = kernel.compile(plan).openFile()
  const parent = bytesField(3, bytesField(2, utf8('x'.repeat(150_000))))
  const payloads = [joined(id(1), parent, parent), joined(id(2), parent)]
  const batch = loadBatch(kernel, payloads)
  watch.blockBytesMax = 250_000
  const refusals = file.append(batch)
  watch.blockBytesMax = Number.POSITIVE_INFINITY
  expect(refusals).toEqual([])
  const read = new GroupReader(plan, file).rows()
  expect(read.map((row) => Reflect.get(Object(row), 'id'))).toEqual([1, 2])
})
