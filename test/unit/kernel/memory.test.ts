import { describe, expect, test } from 'vitest'
import { InvariantError, present } from '../../../src/base/assert.ts'
import { kernelBase64 } from '../../../src/kernel/gen/kernel-module.ts'
import { Kernel } from '../../../src/kernel/kernel.ts'
import type { KernelExports } from '../../../src/kernel/kernel-exports.ts'
import type { FieldSchema } from '../../../src/model/event-schema.ts'
import { appendPayloads, GroupReader, openKernel, planOf } from '../../support/kernel-tables.ts'
import { messageField, messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'

const mebibyte = 1_048_576

type Allocator = Pick<KernelExports, 'memory' | 'setMemoryCap' | 'tryAllocate'>

const isAllocator = (exports: object): exports is Allocator =>
  'memory' in exports && 'setMemoryCap' in exports && 'tryAllocate' in exports

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const wide = messageOf(
  'Wide',
  range(32).map((i) => scalarField([`f${i}`, i + 1], i % 2 === 0 ? 'string' : 'int64')),
)
const wideRow = (row: number): Uint8Array =>
  joined(
    ...range(32).map((i) =>
      i % 2 === 0
        ? bytesField(i + 1, utf8(`value ${(row * (i + 1)) % 1_000}`))
        : varintField(i + 1, BigInt(row * i)),
    ),
  )

describe('files start small, grow by use and give back', () => {
  test('a fresh file of 32 columns holds less than 40 KiB', () => {
    const file = openKernel().compile(planOf(wide)).openFile()
    expect(file.bufferedBytes).toBeLessThan(40 * 1_024)
    expect(file.bufferedBytes).toBeGreaterThan(0)
  })

  test('1,000 open files with a row each stay below 80 MiB', () => {
    const kernel = openKernel()
    const table = kernel.compile(planOf(wide))
    for (const row of range(1_000)) appendPayloads(kernel, table.openFile(), [wideRow(row)])
    expect(kernel.memoryBytes).toBeLessThan(80 * mebibyte)
  })

  test('memory is reused: writing a file a hundred times needs no more than writing it three times', () => {
    const kernel = openKernel()
    const table = kernel.compile(planOf(wide))
    const payloads = range(2_000).map(wideRow)
    const write = (): void => {
      const file = table.openFile()
      const fresh = file.bufferedBytes
      appendPayloads(kernel, file, payloads)
      expect(file.bufferedBytes).toBeGreaterThan(fresh)
      for (const column of range(32)) file.takePage(column)
      for (const column of range(32)) file.closeChunk(column)
      file.nextRowGroup()
      file.release()
    }
    for (const _ of range(3)) write()
    const settled = kernel.memoryBytes
    for (const _ of range(97)) write()
    expect(kernel.memoryBytes).toBe(settled)
  })

  test('a hundred files that grow side by side leave little behind that nobody holds', () => {
    const kernel = openKernel()
    const table = kernel.compile(planOf(wide))
    const files = range(100).map(() => table.openFile())
    const payloads = range(100).map(wideRow)
    for (const _ of range(12)) for (const file of files) appendPayloads(kernel, file, payloads)
    const held = files.reduce((sum, file) => sum + file.bufferedBytes, 0)
    expect(held).toBeGreaterThan(20 * mebibyte)
    expect(kernel.memoryBytes).toBeLessThan(1.2 * held + 4 * mebibyte)
    const settled = kernel.memoryBytes
    for (const file of files) file.release()
    // What small blocks were parts of serves large ones.
    const large = table.openFile()
    for (const _ of range(120)) appendPayloads(kernel, large, payloads)
    expect(kernel.memoryBytes).toBe(settled)
  })

  test('memory that is had in advance is nobody’s, and grows no more while it lasts', () => {
    const kernel = openKernel()
    const file = kernel.compile(planOf(wide)).openFile()
    const payloads = range(2_000).map(wideRow)
    appendPayloads(kernel, file, payloads)
    const [taken, before] = [kernel.takenBytes, kernel.memoryBytes]
    kernel.growBy(5 * mebibyte)
    expect(kernel.takenBytes).toBe(taken)
    const grown = kernel.memoryBytes
    expect(grown).toBe(before + 5 * mebibyte)
    const held = file.bufferedBytes
    while (file.bufferedBytes < held + 2 * mebibyte) appendPayloads(kernel, file, payloads)
    expect(kernel.memoryBytes).toBe(grown)
  })

  test('no more is had in advance than the cap allows, and all of it can be taken', () => {
    const kernel = openKernel(16 * mebibyte)
    kernel.growBy(100 * mebibyte)
    expect(kernel.memoryBytes).toBeGreaterThan(12 * mebibyte)
    expect(kernel.memoryBytes).toBeLessThanOrEqual(16 * mebibyte)
    const [taken, all] = [kernel.takenBytes, kernel.memoryBytes]
    for (const _ of range(8)) kernel.input.load(new Uint8Array(mebibyte - 64))
    expect(kernel.takenBytes).toBe(taken + 8 * mebibyte)
    expect(kernel.memoryBytes).toBe(all)
  })

  test('memory grows in few steps, to no more than twice what is wanted', () => {
    const module = new WebAssembly.Module(Buffer.from(kernelBase64, 'base64'))
    const { exports } = new WebAssembly.Instance(module, {})
    if (!isAllocator(exports)) throw new TypeError('the kernel allocates')
    exports.setMemoryCap(4_096)
    const buffers = new Set([exports.memory.buffer])
    for (let n = 0; n < 100; n++) {
      expect(exports.tryAllocate(mebibyte)).not.toBe(0)
      buffers.add(exports.memory.buffer)
    }
    expect(buffers.size).toBeLessThan(16)
    expect(exports.memory.buffer.byteLength).toBeLessThan(200 * mebibyte)
    // The last step is cut at the cap, and all below it can be had.
    let more = 0
    while (exports.tryAllocate(mebibyte) !== 0) more += 1
    expect(more).toBeGreaterThan(140)
    expect(exports.memory.buffer.byteLength).toBeLessThanOrEqual(256 * mebibyte)
  })

  test('blocks of half a mebibyte leave no room beside them that nobody can use', () => {
    const kernel = openKernel()
    const table = kernel.compile(planOf(messageOf('T', [scalarField(['a', 1], 'bytes')])))
    const files = range(40).map(() => table.openFile())
    const large = bytesField(1, new Uint8Array(300 * 1_024))
    for (const file of files) appendPayloads(kernel, file, [large])
    const held = files.reduce((sum, file) => sum + file.bufferedBytes, 0)
    expect(held).toBeGreaterThan(20 * mebibyte)
    expect(kernel.memoryBytes).toBeLessThan(1.05 * held + 4 * mebibyte)
    expect(kernel.takenBytes).toBeLessThanOrEqual(kernel.memoryBytes)
    for (const file of files) file.release()
    expect(kernel.takenBytes).toBeLessThan(4 * mebibyte)
  })

  test('an open page that was taken gives its memory back when it is wanted', () => {
    const kernel = openKernel()
    const file = kernel.compile(planOf(wide)).openFile()
    appendPayloads(kernel, file, range(2_000).map(wideRow))
    const held = file.bufferedBytes
    const large = file.largePages(16 * 1_024)
    expect(large.length).toBeGreaterThan(0)
    expect(large.length).toBeLessThan(32)
    const wanted = file.pageBytesOf(16 * 1_024)
    for (const column of large) {
      expect(() => file.shrink(column)).toThrow(InvariantError)
      expect(present(file.takePage(column), 'a page').rowCount).toBe(2_000)
      file.shrink(column)
    }
    expect(file.pageBytesOf(16 * 1_024)).toBe(0)
    expect(file.bufferedBytes).toBe(held - wanted)
    appendPayloads(kernel, file, range(10).map(wideRow))
    const rows = range(32).map((column) => file.takePage(column)?.rowCount)
    expect(rows).toEqual(range(32).map((column) => (large.includes(column) ? 10 : 2_010)))
  })

  test('compiling and releasing tables needs no more memory either', () => {
    const kernel = openKernel()
    const plan = planOf(wide)
    const use = (): void => {
      const table = kernel.compile(plan)
      const file = table.openFile()
      appendPayloads(kernel, file, [wideRow(1)])
      file.release()
      table.release()
    }
    for (const _ of range(3)) use()
    const settled = kernel.memoryBytes
    for (const _ of range(300)) use()
    expect(kernel.memoryBytes).toBe(settled)
  })

  test('a table is not released under an open file', () => {
    const table = openKernel().compile(planOf(wide))
    const file = table.openFile()
    expect(() => table.release()).toThrow(InvariantError)
    file.release()
    table.release()
  })

  test('a page that grew to 5 MB is not held on to', () => {
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'bytes')]))
    const file = kernel.compile(plan).openFile()
    const large = new Uint8Array(5 * mebibyte).fill(7)
    expect(appendPayloads(kernel, file, [bytesField(1, large)])).toEqual([])
    expect(file.bufferedBytes).toBeGreaterThan(5 * mebibyte)
    const page = present(file.takePage(0), 'a page')
    const dictionary = file.closeChunk(0).dictionary?.body ?? page.body
    expect(Buffer.from(dictionary.subarray(4, 4 + large.length)).equals(large)).toBe(true)
    file.nextRowGroup()
    appendPayloads(kernel, file, [bytesField(1, utf8('a'))])
    expect(file.bufferedBytes).toBeLessThan(mebibyte)
  })
})

describe('views', () => {
  test('input loaded before memory grows is found after it', () => {
    const kernel = openKernel()
    const first = kernel.input.load(utf8('first'))
    const before = kernel.input.u8
    kernel.input.load(new Uint8Array(40 * mebibyte))
    expect(kernel.input.u8).not.toBe(before)
    expect(Buffer.from(kernel.input.u8.subarray(first, first + 5)).toString()).toBe('first')
    expect(kernel.input.loadedBytes).toBe(5 + 40 * mebibyte)
    kernel.input.clear()
    expect(kernel.input.loadedBytes).toBe(0)
  })
})

const counted2: FieldSchema = scalarField(['n', 2], 'int32', { repeated: true })
const counted: FieldSchema = scalarField(['n', 1], 'int32', { repeated: true })
const packed = (count: number): Uint8Array => bytesField(1, new Uint8Array(count).fill(1))

describe('rows of any size', () => {
  test('a list of 300,000 elements between short ones', () => {
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [counted]))
    const file = kernel.compile(plan).openFile()
    const counts = [1, 0, 5_000, 300_000, 2, 4_096, 3]
    expect(appendPayloads(kernel, file, counts.map(packed))).toEqual([])
    const rows = new GroupReader(plan, file).rows()
    const lengths = rows.map((row) =>
      Object.values(row ?? {}).map((list) => Array.from(list).length),
    )
    expect(lengths).toEqual(counts.map((count) => [count]))
  })

  test('a row whose elements need too large a share of the memory is too large, others are not', () => {
    const kernel = openKernel(32 * mebibyte)
    const plan = planOf(messageOf('T', [counted]))
    const file = kernel.compile(plan).openFile()
    const refusals = appendPayloads(kernel, file, [packed(3), packed(2_000_000), packed(4)])
    expect(refusals).toEqual([{ row: 1, reason: 'too-large' }])
    expect(new GroupReader(plan, file).rows()).toEqual([{ n: [1, 1, 1] }, { n: [1, 1, 1, 1] }])
  })

  test('a payload above an eighth of the memory is too large, others are not', () => {
    const kernel = openKernel(64 * mebibyte)
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'bytes')]))
    const file = kernel.compile(plan).openFile()
    const large = bytesField(1, new Uint8Array(9 * mebibyte))
    const refusals = appendPayloads(kernel, file, [bytesField(1, utf8('a')), large, large])
    expect(refusals.map(({ row, reason }) => [row, reason])).toEqual([
      [1, 'too-large'],
      [2, 'too-large'],
    ])
    expect(file.rowsBuffered).toBe(1)
  })

  test('a map of 100,000 entries keeps the last value of each key, wherever it stood', () => {
    const inner = messageOf('V', [scalarField(['x', 1], 'int32', { repeated: true })])
    const field = {
      ...scalarField(['m', 1], 'int32'),
      repeated: true,
      type: { kind: 'map', key: 'string', value: { kind: 'message', message: inner } },
    } as const
    const kernel = openKernel()
    const plan = planOf(messageOf('T', [field]))
    const file = kernel.compile(plan).openFile()
    const listOf = (i: number): number[] => range(i % 3).map((j) => i + j)
    const entry = (i: number): Uint8Array => {
      const list = joined(...listOf(i).map((number) => varintField(1, BigInt(number))))
      return bytesField(1, joined(bytesField(1, utf8(`key ${i % 40_000}`)), bytesField(2, list)))
    }
    const entries = range(100_000).map(entry)
    const few = [bytesField(1, bytesField(1, utf8('k'))), entry(7), entry(40_007)]
    expect(appendPayloads(kernel, file, [joined(...few), joined(...entries), joined()])).toEqual([])
    const rows = new GroupReader(plan, file).rows()
    const printed = rows.map((row) => JSON.stringify(Object.values(row ?? {})[0]).split('],["'))
    const shown = (i: number): string => `${i % 40_000}",{"x":${JSON.stringify(listOf(i))}}`
    expect(printed[0]).toEqual(['[["k",{"x":[]}', `key ${shown(40_007)}]]`])
    expect(printed[1]).toHaveLength(40_000)
    const last = new Set(
      range(40_000).map((i) => `key ${shown(i < 20_000 ? i + 80_000 : i + 40_000)}`),
    )
    const lacking = printed[1]?.filter((entry) => !last.has(entry.replaceAll(/^\[\["|\]\]$/g, '')))
    expect(lacking).toEqual([])
    expect(printed[2]).toEqual(['[]'])
  }, 30_000)

  test('5,000 columns', () => {
    const kernel = openKernel()
    const message = messageOf(
      'T',
      range(5_000).map((i) => scalarField([`f${i}`, i + 1], 'uint32')),
    )
    const plan = planOf(message)
    const file = kernel.compile(plan).openFile()
    const payloads = range(100).map((row) => varintField(row * 50 + 1, BigInt(row + 1)))
    appendPayloads(kernel, file, payloads)
    const rows = new GroupReader(plan, file).rows()
    const set = rows.map((row) => Object.entries(row ?? {}).filter(([, value]) => value !== 0))
    expect(set).toEqual(range(100).map((row) => [[`f${row * 50}`, row + 1]]))
  })
})

describe('the cap', () => {
  test('what is buffered beyond it is a bug of whoever does not flush, named with the cap', () => {
    const kernel = Kernel.open({ hashSeed: 1n, memoryMaxBytes: 16 * mebibyte })
    const plan = planOf(messageOf('T', [scalarField(['a', 1], 'bytes')]))
    const file = kernel.compile(plan).openFile()
    const rowOf = (i: number): Uint8Array => bytesField(1, new Uint8Array(mebibyte).fill(i))
    const fill = (): void => {
      for (const i of range(40)) appendPayloads(kernel, file, [rowOf(i)])
    }
    expect(fill).toThrow(InvariantError)
    expect(fill).toThrow('kernel memory of 16777216 bytes is used up')
    expect(kernel.memoryBytes).toBeLessThanOrEqual(16 * mebibyte)
  })

  test('input beyond it is refused before anything is written', () => {
    const kernel = Kernel.open({ hashSeed: 1n, memoryMaxBytes: 16 * mebibyte })
    expect(() => kernel.input.load(new Uint8Array(20 * mebibyte))).toThrow('is used up')
    kernel.input.clear()
    expect(kernel.input.load(utf8('a'))).toBeGreaterThan(0)
  })
})

test('several tables share scratch: rows of one never show in another', () => {
  const kernel = openKernel()
  const inner = messageOf('I', [scalarField(['x', 1], 'int32', { repeated: true })])
  const a = planOf(messageOf('A', [messageField(['i', 1], inner, { repeated: true }), counted2]))
  const b = planOf(wide)
  const files = [a, b].map((plan) => ({ plan, file: kernel.compile(plan).openFile() }))
  const [first, second] = files
  const fullA = joined(bytesField(1, varintField(1, 7n)), bytesField(1, varintField(1, 8n)))
  for (const round of range(20)) {
    appendPayloads(kernel, present(first, 'a').file, round % 2 === 0 ? [fullA] : [joined()])
    appendPayloads(kernel, present(second, 'b').file, round % 2 === 0 ? [joined()] : [wideRow(1)])
  }
  const [rowsA, rowsB] = files.map(({ plan, file }) => new GroupReader(plan, file).rows())
  const some = { i: [{ x: [7] }, { x: [8] }], n: [] }
  expect(rowsA).toEqual(range(20).map((round) => (round % 2 === 0 ? some : { i: [], n: [] })))
  expect(rowsB?.[0]).toEqual(
    Object.fromEntries(range(32).map((i) => [`f${i}`, i % 2 === 0 ? '' : 0n])),
  )
  expect(rowsB?.[1]).toMatchObject({ f0: 'value 1', f1: 1n })
})
