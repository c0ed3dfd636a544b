import { parquetMetadata } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { createdBy } from '../../../../src/codec/parquet/format.ts'
import { readParquetMetadata, readParquetRows } from '../../../../src/codec/parquet/read-file.ts'
import { decodeThrift, encodeThrift, i32 } from '../../../../src/codec/parquet/thrift.ts'
import { fileOf, numberAt, row, rows } from '../../../support/hand-made-file.ts'

describe('metadata read back', () => {
  const { bytes } = fileOf(rows(300), 100, { rowGroupBytesMax: 1 })

  test('has rows, columns and bounds over all row groups', () => {
    const outcome = readParquetMetadata(bytes.subarray(-2_000))
    if (outcome.kind !== 'read') throw new Error('not read')
    const { metadata } = outcome
    expect(metadata).toMatchObject({ rowCount: 300, rowGroupCount: 3, createdBy })
    expect(metadata.keyValues.get('lakeward.stream')).toBe('app_events')
    expect(metadata.columns).toEqual([
      {
        path: 'id',
        physical: 'INT64',
        logical: undefined,
        fieldId: 1,
        nullCount: 0,
        min: 0n,
        max: 2_990_000_000_000n,
      },
      {
        path: 'name',
        physical: 'BYTE_ARRAY',
        logical: 'UTF8',
        fieldId: 2,
        nullCount: 100,
        min: 'name 0',
        max: 'name 6',
      },
      {
        path: 'tags.list.element',
        physical: 'INT32',
        logical: undefined,
        fieldId: undefined,
        nullCount: 75,
        min: 1,
        max: 299,
      },
    ])
  })

  test('asks for more bytes when the footer is longer than the tail', () => {
    const footerBytes = bytes.readUInt32LE(bytes.length - 8)
    expect(readParquetMetadata(bytes.subarray(-8))).toEqual({
      kind: 'needs-more',
      tailBytes: footerBytes + 8,
    })
    expect(readParquetMetadata(bytes.subarray(-(footerBytes + 8))).kind).toBe('read')
  })

  test('bytes that are no end of a Parquet file are refused', () => {
    expect(() => readParquetMetadata(Buffer.from('PAR1'))).toThrow('do not end as a Parquet file')
    expect(() => readParquetMetadata(Buffer.alloc(100))).toThrow('do not end as a Parquet file')
  })

  test('a damaged footer is refused', () => {
    const damaged = Buffer.from(bytes)
    damaged.fill(0xff, damaged.length - 300, damaged.length - 8)
    expect(() => readParquetMetadata(damaged)).toThrow(
      expect.objectContaining({ name: 'ParquetError' }),
    )
  })
})

describe('rows read back', () => {
  const all = rows(300)
  const { bytes } = fileOf(all, 100, { rowGroupBytesMax: 1 })

  test('only the columns and rows asked for', async () => {
    const part = await readParquetRows(bytes, { columns: ['id'], first: 150, next: 152 })
    expect(part).toEqual([{ id: 1_500_000_000_000n }, { id: 1_510_000_000_000n }])
  })

  test('a string that begins with U+FEFF keeps it', async () => {
    const marked = { ...row(1), name: '\ufeffmark' }
    const read = await readParquetRows(fileOf([marked, row(3)], 2).bytes)
    expect(read.map(({ name }) => name)).toEqual(['\ufeffmark', null])
  })

  test.each(['zstd', 'snappy', 'gzip', 'lz4_raw'] as const)(
    'a damaged page of %s is refused',
    async (codec) => {
      const whole = fileOf(all, 100, { codec }).bytes
      const chunk = parquetMetadata(whole).row_groups[0]?.columns[0]?.meta_data
      const first = Number(chunk?.data_page_offset)
      const { sizeBytes } = decodeThrift(whole.subarray(first))
      whole.fill(0xff, first + sizeBytes, first + sizeBytes + 20)
      await expect(readParquetRows(whole)).rejects.toMatchObject({ name: 'ParquetError' })
    },
  )

  test.each(['zstd', 'snappy'] as const)(
    'a page of %s that is shorter than its header says is refused',
    async (codec) => {
      const whole = fileOf(all, 100, { codec }).bytes
      const first = Number(
        parquetMetadata(whole).row_groups[0]?.columns[0]?.meta_data?.data_page_offset,
      )
      const header = decodeThrift(whole.subarray(first))
      const wrong = new Map([...header.fields, [2, i32(numberAt(header.fields, 2) + 1)]])
      const encoded = encodeThrift({ type: 'struct', fields: wrong })
      expect(encoded.length).toBe(header.sizeBytes)
      whole.set(encoded, first)
      await expect(readParquetRows(whole)).rejects.toMatchObject({ name: 'ParquetError' })
    },
  )

  test('bytes that are no Parquet file are refused', async () => {
    await expect(readParquetRows(Buffer.from('hello, world'))).rejects.toThrow('do not end as')
  })
})
