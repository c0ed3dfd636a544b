import { describe, expect, test } from 'vitest'
import { present } from '../../../src/base/assert.ts'
import type { Kernel } from '../../../src/kernel/kernel.ts'
import type { MessageSchema } from '../../../src/model/event-schema.ts'
import type { RowBatch } from '../../../src/model/row-batch.ts'
import { appendPayloads, GroupReader, openKernel, planOf } from '../../support/kernel-tables.ts'
import { messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'

/** Sizes that no buffer may grow with for good; each with the memory it may take. */

const mebibyte = 1_048_576
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

function open(message: MessageSchema): {
  readonly kernel: Kernel
  readonly reader: GroupReader
  readonly append: (rows: readonly Uint8Array[]) => void
  readonly bufferedBytes: () => number
} {
  const kernel = openKernel()
  const plan = planOf(message)
  const file = kernel.compile(plan).openFile()
  const append = (rows: readonly Uint8Array[]): void => {
    expect(appendPayloads(kernel, file, rows)).toEqual([])
  }
  const reader = new GroupReader(plan, file)
  return { kernel, reader, append, bufferedBytes: () => file.bufferedBytes }
}

describe('a string of 20 MB', () => {
  const large = 'abcdefghij'.repeat(2_000_000)
  const message = messageOf('T', [scalarField(['a', 1], 'string')])

  test('comes back from a dictionary and from outside of one, and its memory is given back', () => {
    const { kernel, reader, append, bufferedBytes } = open(message)
    append([bytesField(1, utf8('first')), bytesField(1, utf8(large))])
    expect(reader.chunks()[0]?.entries.map(({ value }) => value)).toEqual(['first', large])
    append(range(600).map((i) => bytesField(1, utf8(`distinct ${i}`))))
    reader.chunks()
    append([bytesField(1, utf8('last')), bytesField(1, utf8(large))])
    const [chunk] = reader.chunks()
    expect(chunk?.encodings).toEqual(['delta-byte-array'])
    expect(chunk?.entries.map(({ value }) => value)).toEqual(['last', large])
    append([bytesField(1, utf8('small'))])
    reader.takePages()
    expect(bufferedBytes()).toBeLessThan(mebibyte)
    expect(kernel.memoryBytes).toBeLessThan(230 * mebibyte)
  })

  test('more of them one after another need no more than one', () => {
    const { kernel, reader, append } = open(message)
    const row = [bytesField(1, utf8(large))]
    const write = (): void => {
      append(row)
      reader.chunks()
    }
    for (const _ of range(3)) write()
    const settled = kernel.memoryBytes
    for (const _ of range(4)) write()
    expect(kernel.memoryBytes).toBe(settled)
  })
})

test('ten million distinct numbers and strings are written in a few MiB', () => {
  const kernel = openKernel()
  const message = messageOf('T', [scalarField(['a', 1], 'fixed64'), scalarField(['b', 2], 'bytes')])
  const file = kernel.compile(planOf(message)).openFile()
  const rowsPerBatch = 50_000
  const rowBytes = 19
  const bytes = new Uint8Array(rowsPerBatch * rowBytes)
  const view = new DataView(bytes.buffer)
  for (let row = 0; row < rowsPerBatch; row++) bytes.set([9], row * rowBytes)
  for (let row = 0; row < rowsPerBatch; row++) bytes.set([18, 8], row * rowBytes + 9)
  let values = 0
  let settled = 0
  for (let batch = 0; batch < 200; batch++) {
    for (let row = 0; row < rowsPerBatch; row++) {
      const number = batch * rowsPerBatch + row
      view.setUint32(row * rowBytes + 1, Math.imul(number, 0x9e3779b1), true)
      view.setUint32(row * rowBytes + 11, Math.imul(number, 0x85ebca6b), true)
    }
    expect(file.append(fixedBatch(kernel, bytes, rowBytes))).toEqual([])
    kernel.input.clear()
    for (const column of file.fullPages()) values += file.takePage(column)?.valueCount ?? 0
    if (batch === 4) settled = kernel.memoryBytes
  }
  expect(values).toBe(20_000_000)
  expect(kernel.memoryBytes).toBe(settled)
  expect(settled).toBeLessThan(20 * mebibyte)
})

/** Rows of one size, one behind the other. */
function fixedBatch(kernel: Kernel, bytes: Uint8Array, rowBytes: number): RowBatch {
  const start = kernel.input.load(bytes)
  const count = bytes.length / rowBytes
  const starts = Int32Array.from({ length: count }, (_, row) => start + row * rowBytes)
  return {
    count,
    starts,
    ends: starts.map((at) => at + rowBytes),
    topic: 'events',
    partitions: new Int32Array(count),
    offsets: new BigInt64Array(count),
    indexes: new Int32Array(count),
    ingestMs: 0,
  }
}

test('5,000 columns of few distinct values take less than 8 KiB each', () => {
  const columns = range(5_000)
  const fields = columns.map((i) =>
    scalarField([`f${i}`, i + 1], i % 2 === 0 ? 'string' : 'fixed64'),
  )
  const { kernel, reader, append, bufferedBytes } = open(messageOf('T', fields))
  const empty = bufferedBytes()
  expect(empty).toBeLessThan(2 * mebibyte)
  const rows = range(40).map((row) =>
    joined(...columns.map((i) => (i % 2 === 0 ? textOf(i, row) : fixed64Of(i, row)))),
  )
  append(rows)
  expect(bufferedBytes() - empty).toBeLessThan(5_000 * 8 * 1_024)
  const chunks = reader.chunks()
  expect(chunks[4_998]?.entries.map(({ value }) => value)).toEqual(
    range(40).map((row) => `text ${4_998 + row * 7}`),
  )
  expect(chunks[4_999]?.entries.map(({ value }) => value)).toEqual(
    range(40).map((row) => BigInt(4_999 * 1_000 + row)),
  )
  expect(kernel.memoryBytes).toBeLessThan(128 * mebibyte)
})

const textOf = (column: number, row: number): Uint8Array =>
  bytesField(column + 1, utf8(`text ${column + row * 7}`))

function fixed64Of(column: number, row: number): Uint8Array {
  const tag = varintField(column + 1, 0n).slice(0, -1)
  tag[0] = (tag[0] ?? 0) | 1
  return joined(tag, new Uint8Array(new BigUint64Array([BigInt(column * 1_000 + row)]).buffer))
}

test('maps of 100,000 entries, one after another, need no more memory', () => {
  const map = {
    ...scalarField(['m', 1], 'int32'),
    repeated: true,
    type: { kind: 'map', key: 'string', value: { kind: 'scalar', scalar: 'string' } },
  } as const
  const { kernel, reader, append } = open(messageOf('T', [map]))
  const entry = (i: number): Uint8Array =>
    bytesField(1, joined(bytesField(1, utf8(`key ${i}`)), bytesField(2, utf8(`value ${i}`))))
  const row = [joined(...range(100_000).map(entry))]
  const write = (): void => {
    append(row)
    const [keys, values] = reader.chunks()
    expect(present(keys, 'keys').entries).toHaveLength(100_000)
    expect(present(values, 'values').entries[99_999]?.value).toBe('value 99999')
  }
  // The second one begins without dictionaries: the first had no use for them.
  write()
  write()
  const settled = kernel.memoryBytes
  write()
  write()
  expect(kernel.memoryBytes).toBe(settled)
  expect(settled).toBeLessThan(64 * mebibyte)
})
