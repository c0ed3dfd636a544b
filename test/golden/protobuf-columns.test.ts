import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ParquetFileOptions, ParquetFileWriter } from '../../src/codec/parquet/file-writer.ts'
import type { ColumnMapping } from '../../src/kernel/column-mapping.ts'
import { schemaA, wiresOfA } from '../support/feature-rows.ts'
import { loadBatch, openKernel, planOf } from '../support/kernel-tables.ts'
import { hasPyarrow, python } from '../support/require-service.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const options: ParquetFileOptions = {
  codec: 'zstd',
  encodings: 'auto',
  level: 1,
  rowGroupBytesMax: 1 << 27,
  pageIndex: true,
  bloom: undefined,
  keyValues: new Map(),
}

interface Version {
  readonly text: string
  readonly rows: readonly object[]
  readonly mapping?: Partial<ColumnMapping>
}

function fileOf({ text, rows, mapping }: Version): Uint8Array {
  const kernel = openKernel()
  const writer = new ParquetFileWriter(kernel.compile(planOf(schemaA(text), mapping)), options)
  expect(writer.append(loadBatch(kernel, wiresOfA(text, rows)))).toEqual([])
  return Buffer.concat(writer.seal().chunks)
}

interface Seen {
  readonly pyarrow: readonly Record<string, unknown>[]
  readonly duckdb: readonly Record<string, unknown>[]
  readonly types: Readonly<Record<string, string>>
  readonly duckdbTypes: Readonly<Record<string, string>>
}

/** Files of all versions, read as one table. */
async function seenOf(...versions: readonly Version[]): Promise<Seen> {
  await using folder = await temporaryFolder()
  const paths = versions.map((version, index) => {
    const path = join(folder.path, `${index}.parquet`)
    writeFileSync(path, fileOf(version))
    return path
  })
  const script = join(import.meta.dirname, 'readers', 'read_table.py')
  const ran = spawnSync(python, [script, ...paths], { encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(ran.stderr)
  return JSON.parse(ran.stdout) as Seen
}

describe.skipIf(!hasPyarrow())('pyarrow and DuckDB read', () => {
  const text = `syntax = "proto3";
    import "google/protobuf/timestamp.proto"; import "google/protobuf/duration.proto";
    import "google/protobuf/wrappers.proto"; import "google/protobuf/struct.proto";
    import "google/protobuf/any.proto"; import "google/protobuf/field_mask.proto";
    import "google/protobuf/empty.proto";
    message A {
      google.protobuf.Timestamp at = 1;
      google.protobuf.Duration took = 2;
      google.protobuf.UInt64Value count = 3;
      google.protobuf.Struct details = 4;
      google.protobuf.Any any = 5;
      google.protobuf.FieldMask mask = 6;
      google.protobuf.Empty nothing = 7;
      repeated google.protobuf.Timestamp all = 8;
      A parent = 9;
      Kind kind = 10;
      map<string, google.protobuf.Int32Value> by = 11;
      repeated A children = 12;
    }
    enum Kind { NONE = 0; ONE = 1; }`
  const whole = {
    at: { seconds: 1_700_000_000, nanos: 123_456_000 },
    took: { seconds: 1, nanos: 500_000_000 },
    count: { value: 5 },
    details: { fields: { a: { numberValue: 1 } } },
    any: { type_url: 'x/y', value: Buffer.from([255]) },
    mask: { paths: ['a.b', 'c'] },
    nothing: {},
    all: [{ seconds: -1 }, {}],
    parent: { kind: 1 },
    kind: 7,
    by: { k: { value: 3 } },
    children: [{}, { count: { value: 9 } }],
  }
  const shown = {
    at: '2023-11-14T22:13:20.123456',
    took: 1_500_000,
    count: 5,
    details: '{"a":1}',
    any: { type_url: 'x/y', value: 'ff' },
    mask: { paths: ['a.b', 'c'] },
    nothing: { _present: true },
    all: ['1969-12-31T23:59:59.000000', '1970-01-01T00:00:00.000000'],
    parent: '{"kind":"ONE"}',
    kind: '7',
    children: ['{}', '{"count":"9"}'],
  }
  const absent = {
    ...Object.fromEntries(Object.keys(shown).map((name) => [name, null])),
    all: [],
    children: [],
    kind: 'NONE',
  }

  test('times, wrappers, JSON, Any, FieldMask, messages without fields', async () => {
    const seen = await seenOf({ text, rows: [whole, {}] })
    for (const rows of [seen.pyarrow, seen.duckdb]) {
      expect(rows).toEqual([
        { ...shown, by: [['k', 3]] },
        { ...absent, by: [] },
      ])
    }
    expect(seen.types).toMatchObject({
      at: 'timestamp[us, tz=UTC]',
      took: 'int64',
      count: 'uint64',
    })
    expect(seen.duckdbTypes).toMatchObject({ at: 'TIMESTAMP WITH TIME ZONE', count: 'UBIGINT' })
  })

  test('times as INT96 and as structs, enums as numbers', async () => {
    const legacy = await seenOf({
      text,
      rows: [whole, {}],
      mapping: { timestamps: 'int96', enums: 'int' },
    })
    for (const rows of [legacy.pyarrow, legacy.duckdb]) {
      expect(rows).toMatchObject([
        { at: shown.at, all: shown.all, kind: 7 },
        { at: null, all: [], kind: 0 },
      ])
    }
    const structs = await seenOf({
      text,
      rows: [whole, {}],
      mapping: { timestamps: 'struct', durations: 'struct' },
    })
    for (const rows of [structs.pyarrow, structs.duckdb]) {
      expect(rows).toMatchObject([
        { at: whole.at, took: whole.took },
        { at: null, took: null },
      ])
    }
  })

  test('flattened messages', async () => {
    const seen = await seenOf({ text, rows: [whole, {}], mapping: { nested: 'flatten' } })
    for (const rows of [seen.pyarrow, seen.duckdb]) {
      expect(rows).toMatchObject([
        { any_type_url: 'x/y', any_value: 'ff', mask_paths: ['a.b', 'c'], nothing__present: true },
        { any_type_url: null, any_value: null, mask_paths: [], nothing__present: null },
      ])
    }
  })

  test('files of two versions of a message as one table', async () => {
    const before = {
      text: `syntax = "proto3";
        message A {
          int32 wide = 1; uint32 unsigned = 2; string gone = 3; string old_name = 4;
          B inner = 5; repeated B many = 6; int32 maybe = 7;
        }
        message B { int32 n = 1; string dropped = 2; }`,
      rows: [
        {
          wide: -5,
          unsigned: 4_294_967_295,
          gone: 'g',
          old_name: 'o',
          inner: { n: 1, dropped: 'd' },
          many: [{ n: 2 }],
          maybe: 3,
        },
      ],
    }
    const after = {
      text: `syntax = "proto3";
        message A {
          int64 wide = 1; uint64 unsigned = 2; string new_name = 4;
          B inner = 5; repeated B many = 6; optional int32 maybe = 7; bool added = 8;
        }
        message B { int64 n = 1; string more = 3; }`,
      rows: [
        {
          wide: '-9223372036854775808',
          unsigned: 6,
          new_name: 'n',
          inner: { n: 4, more: 'm' },
          many: [],
          added: true,
        },
      ],
    }
    const { pyarrow, duckdb } = await seenOf(before, after)
    expect(duckdb).toEqual(pyarrow)
    expect(pyarrow).toEqual([
      {
        wide: -5,
        unsigned: 4_294_967_295,
        gone: 'g',
        old_name: 'o',
        inner: { n: 1, dropped: 'd', more: null },
        many: [{ n: 2, dropped: '', more: null }],
        maybe: 3,
        new_name: null,
        added: null,
      },
      {
        wide: Number(-(2n ** 63n)),
        unsigned: 6,
        gone: null,
        old_name: null,
        inner: { n: 4, dropped: null, more: 'm' },
        many: [],
        maybe: null,
        new_name: 'n',
        added: true,
      },
    ])
  })
})
