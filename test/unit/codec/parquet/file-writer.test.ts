import { readFileSync } from 'node:fs'
import { crc32, zstdDecompressSync } from 'node:zlib'
import { crc32c } from '@node-rs/crc32'
import { parquetMetadata } from 'hyparquet'
import { describe, expect, test } from 'vitest'
import { present } from '../../../../src/base/assert.ts'
import { ColumnChunk } from '../../../../src/codec/parquet/column-chunk.ts'
import { ParquetFileWriter } from '../../../../src/codec/parquet/file-writer.ts'
import { createdBy } from '../../../../src/codec/parquet/format.ts'
import { readParquetMetadata, readParquetRows } from '../../../../src/codec/parquet/read-file.ts'
import { decodeThrift } from '../../../../src/codec/parquet/thrift.ts'
import { expected, fileOf, numberAt, options, row, rows } from '../../../support/hand-made-file.ts'
import { batchOf, HandMadeTable, handMadeSchema } from '../../../support/hand-made-pages.ts'

describe.each(['zstd', 'snappy', 'gzip', 'lz4_raw', 'none'] as const)('with %s', (codec) => {
  test('rows are read back by another reader', async () => {
    const all = rows(1_000)
    const { bytes, sealed } = fileOf(all, 128, { codec })
    expect(sealed.rowCount).toBe(1_000)
    expect(sealed.sizeBytes).toBe(bytes.length)
    expect(await readParquetRows(bytes)).toEqual(expected(all))
  })
})

test('a row group is closed between two batches when its bytes pass the limit', async () => {
  const all = rows(1_000)
  const { bytes } = fileOf(all, 100, { rowGroupBytesMax: 2_000 })
  const footer = parquetMetadata(bytes)
  const groupRows = footer.row_groups.map((group) => Number(group.num_rows))
  expect(groupRows.length).toBeGreaterThan(2)
  expect(groupRows.every((count) => count % 100 === 0 && count > 0)).toBe(true)
  expect(await readParquetRows(bytes)).toEqual(expected(all))
})

test('a column of nothing but nulls has an empty dictionary, and no bounds', async () => {
  const all = rows(10).map((each) => ({ ...each, name: undefined, tags: [] }))
  const { bytes } = fileOf(all, 10)
  expect(await readParquetRows(bytes)).toEqual(expected(all))
  const chunk = parquetMetadata(bytes).row_groups[0]?.columns[1]?.meta_data
  expect(chunk?.dictionary_page_offset).toBeDefined()
  expect(chunk?.statistics).toEqual({ null_count: 10n })
  const outcome = readParquetMetadata(bytes)
  const column = outcome.kind === 'read' ? outcome.metadata.columns[1] : undefined
  expect(column).toMatchObject({ nullCount: 10, min: undefined, max: undefined })
})

test('a file without rows is a file', async () => {
  const { bytes, sealed } = fileOf([], 1)
  expect(sealed.rowCount).toBe(0)
  expect(parquetMetadata(bytes).row_groups).toHaveLength(0)
  expect(await readParquetRows(bytes)).toEqual([])
})

test('refused rows are not in the file and not counted', async () => {
  const all = [row(1), { ...row(2), id: -1n }, row(3)]
  const writer = new ParquetFileWriter(new HandMadeTable(all), options)
  expect(writer.append(batchOf(3))).toEqual([{ row: 1, reason: 'malformed' }])
  expect(writer.rowCount).toBe(2)
  const bytes = Buffer.concat(writer.seal().chunks)
  expect(await readParquetRows(bytes)).toEqual(expected([row(1), row(3)]))
})

test('a batch of which every row is refused leaves no row group', () => {
  const writer = new ParquetFileWriter(new HandMadeTable([{ ...row(1), id: -1n }]), {
    ...options,
    rowGroupBytesMax: 0,
  })
  writer.append(batchOf(1))
  expect(parquetMetadata(Buffer.concat(writer.seal().chunks)).row_groups).toHaveLength(0)
})

test('the checksum is the CRC32C of all bytes', () => {
  const { bytes, sealed } = fileOf(rows(500), 100)
  expect(sealed.crc32c).toBe(crc32c(bytes).toString(16).padStart(8, '0'))
  expect(sealed.crc32c).toMatch(/^[0-9a-f]{8}$/)
})

test('the same rows in the same batches give the same bytes', () => {
  const [one, two] = [fileOf(rows(777), 50), fileOf(rows(777), 50)]
  expect(one.bytes.equals(two.bytes)).toBe(true)
})

test('bytes are counted while the file grows', () => {
  const writer = new ParquetFileWriter(new HandMadeTable(rows(200), 100), options)
  expect(writer.encodedBytes).toBe(4)
  writer.append(batchOf(60))
  expect(writer.encodedBytes).toBe(4)
  expect(writer.bufferedBytes).toBe(4 + 60 * 8 * 3)
  writer.append(batchOf(60))
  const encoded = writer.encodedBytes
  expect(encoded).toBeGreaterThan(4)
  // Its pages stand in a slab, which is held whole.
  expect(writer.bufferedBytes).toBe(32_768)
  expect(writer.rowCount).toBe(120)
  const sealed = writer.seal()
  expect(sealed.sizeBytes).toBeGreaterThan(encoded)
  expect(writer.bufferedBytes).toBe(32_768)
})

test('pages are closed before they are full when their memory is wanted, and give it back', () => {
  const writer = new ParquetFileWriter(new HandMadeTable(rows(200), 1_000), options)
  writer.append(batchOf(60))
  expect(writer.openPageBytes(480)).toBe(3 * 480)
  expect(writer.openPageBytes(481)).toBe(0)
  writer.closePages(481)
  expect(writer.encodedBytes).toBe(4)
  writer.closePages(480)
  expect(writer.encodedBytes).toBeGreaterThan(4)
  expect(writer.openPageBytes(1)).toBe(0)
  writer.append(batchOf(60))
  expect(writer.seal().rowCount).toBe(120)
  expect(writer.openPageBytes(1)).toBe(0)
})

test('the kernel gets its memory back once, by seal or discard', () => {
  const { table } = fileOf(rows(10), 10)
  expect(table.released).toBe(1)
  const other = new HandMadeTable(rows(10))
  const writer = new ParquetFileWriter(other, options)
  writer.append(batchOf(10))
  writer.discard()
  writer.discard()
  expect(other.released).toBe(1)
  expect(() => writer.append(batchOf(1))).toThrow('open file')
  expect(() => writer.seal()).toThrow('sealed once')
})

describe('the footer', () => {
  const { bytes } = fileOf(rows(300), 100)
  const footer = parquetMetadata(bytes)

  test('names the writer in the form that the JVM reads', () => {
    const form = /^(.*?)\s+version\s*(?:([^(]*?)\s*(?:\(\s*build\s*([^)]*?)\s*\))?)?$/
    const [, application, version, build] = form.exec(footer.created_by ?? '') ?? []
    const manifest: unknown = JSON.parse(
      readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
    )
    expect({ name: application, version }).toEqual({
      name: 'lakeward',
      version: (manifest as { version: string }).version,
    })
    expect(build).not.toBe('')
    expect(footer.created_by).toBe(createdBy)
  })

  test('keeps key-values, empty ones too', () => {
    expect(footer.key_value_metadata).toEqual([
      { key: 'lakeward.stream', value: 'app_events' },
      { key: 'empty', value: '' },
    ])
  })

  test('has field ids and both kinds of logical types', () => {
    expect(
      footer.schema.map((e) => [e.name, e.field_id, e.converted_type, e.logical_type?.type]),
    ).toEqual([
      ['schema', undefined, undefined, undefined],
      ['id', 1, undefined, undefined],
      ['name', 2, 'UTF8', 'STRING'],
      ['tags', 3, 'LIST', 'LIST'],
      ['list', undefined, undefined, undefined],
      ['element', undefined, undefined, undefined],
    ])
  })

  test('says that each column is in the order of its type', () => {
    const { fields } = decodeThrift(
      bytes.subarray(bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)),
    )
    const orders = fields.get(7)
    if (orders?.type !== 'list') throw new Error('no column orders')
    expect(orders.values).toHaveLength(3)
    for (const order of orders.values) {
      expect(order.type === 'struct' && [...order.fields.keys()]).toEqual([1])
    }
  })

  test('has encodings with their pages, sizes and counts that add up', () => {
    const [group] = footer.row_groups
    const chunks = group?.columns.map((column) => column.meta_data) ?? []
    expect(chunks.map((chunk) => chunk?.encodings)).toEqual([
      ['PLAIN'],
      ['PLAIN', 'RLE', 'RLE_DICTIONARY'],
      ['PLAIN', 'RLE'],
    ])
    expect(chunks[1]?.encoding_stats).toEqual([
      { page_type: 'DICTIONARY_PAGE', encoding: 'PLAIN', count: 1 },
      { page_type: 'DATA_PAGE', encoding: 'RLE_DICTIONARY', count: 3 },
    ])
    const sum = (of: (chunk: (typeof chunks)[number]) => bigint | undefined): bigint =>
      chunks.reduce((total, chunk) => total + (of(chunk) ?? 0n), 0n)
    expect(group?.total_byte_size).toBe(sum((chunk) => chunk?.total_uncompressed_size))
    expect(group?.total_compressed_size).toBe(sum((chunk) => chunk?.total_compressed_size))
    expect(group?.file_offset).toBe(4n)
    expect(group?.ordinal).toBe(0)
    expect(chunks.map((chunk) => chunk?.num_values)).toEqual([300n, 300n, 525n])
    expect(chunks.map((chunk) => chunk?.statistics?.null_count)).toEqual([0n, 100n, 75n])
  })
})

test('a file without key-values has no list of them', () => {
  const { bytes } = fileOf(rows(3), 3, { keyValues: new Map() })
  expect(parquetMetadata(bytes).key_value_metadata).toBeUndefined()
  const outcome = readParquetMetadata(bytes)
  expect(outcome.kind === 'read' && outcome.metadata.keyValues.size).toBe(0)
})

test('dictionary pages without a dictionary are our own mistake', () => {
  const chunk = new ColumnChunk(present(handMadeSchema.leaves[1], 'the name'), {
    codec: 'none',
    compress: (body) => body,
    place: (sizeBytes) => new Uint8Array(sizeBytes),
    bloom: undefined,
  })
  const counts = { valueCount: 2, rowCount: 2, nullCount: 1 }
  const nothing = { min: undefined, max: undefined, hashes: undefined }
  chunk.add({ body: Buffer.from([0]), ...counts, ...nothing, encoding: 'rle-dictionary' })
  const closed = { dictionary: undefined, hashes: undefined, nullCount: 1 }
  expect(() => chunk.close(closed, 4)).toThrow('have a dictionary')
})

test('every page has its sizes and the CRC32 of its compressed body', () => {
  const { bytes } = fileOf(rows(300), 100)
  let pages = 0
  for (const group of parquetMetadata(bytes).row_groups) {
    for (const { meta_data: chunk } of group.columns) {
      if (chunk === undefined) throw new Error('a chunk has no metadata')
      const first = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset)
      const next = first + Number(chunk.total_compressed_size)
      for (let at = first; at < next; pages++) {
        const header = decodeThrift(bytes.subarray(at))
        const body = bytes.subarray(
          at + header.sizeBytes,
          at + header.sizeBytes + numberAt(header.fields, 3),
        )
        expect(numberAt(header.fields, 4)).toBe(crc32(body) | 0)
        const plain = chunk.codec === 'ZSTD' ? zstdDecompressSync(body) : body
        expect(plain.length).toBe(numberAt(header.fields, 2))
        at += header.sizeBytes + body.length
        if (at > next) throw new Error('a page passes the end of its chunk')
      }
    }
  }
  expect(pages).toBe(10)
})

test('offsets of a chunk lead to its dictionary and its first data page', () => {
  const { bytes } = fileOf(rows(300), 100)
  const chunks = parquetMetadata(bytes).row_groups.flatMap((group) => group.columns)
  const typeAt = (offset: bigint | undefined): number | undefined =>
    offset === undefined
      ? undefined
      : numberAt(decodeThrift(bytes.subarray(Number(offset))).fields, 1)
  expect(chunks.map(({ meta_data: chunk }) => typeAt(chunk?.dictionary_page_offset))).toEqual([
    undefined,
    2,
    undefined,
  ])
  expect(chunks.map(({ meta_data: chunk }) => typeAt(chunk?.data_page_offset))).toEqual([0, 0, 0])
})

test('a column that does not shrink is stored as it is', () => {
  const noise = rows(200).map((each, index) => ({
    ...each,
    id: BigInt.asUintN(62, BigInt(index + 1) * 0x9e37_79b9_7f4a_7c15n),
  }))
  const codecs = parquetMetadata(fileOf(noise, 100).bytes).row_groups[0]?.columns.map(
    (column) => column.meta_data?.codec,
  )
  expect(codecs).toEqual(['UNCOMPRESSED', 'ZSTD', 'ZSTD'])
})
