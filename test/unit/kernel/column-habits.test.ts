import { describe, expect, test } from 'vitest'
import type { CompiledTable } from '../../../src/kernel/kernel.ts'
import { appendPayloads, openKernel, planOf } from '../../support/kernel-tables.ts'
import { messageOf, scalarField } from '../../support/message-schemas.ts'
import { bytesField, joined, utf8, varintField } from '../../support/raw-events.ts'

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const message = messageOf('T', [
  scalarField(['unique', 1], 'string'),
  scalarField(['seldom', 2], 'int64'),
  scalarField(['few', 3], 'string'),
])
const rowCount = 2_000
/** Of `seldom` each value comes twice. */
const rowOf = (row: number): Uint8Array =>
  joined(
    bytesField(1, utf8(`value ${row * 7_919}`)),
    varintField(2, BigInt(row >> 1) * 104_729n),
    bytesField(3, utf8(`kind ${row % 10}`)),
  )

const kernel = openKernel()

/** Writes a file and tells the encodings of its first pages. */
function write(table: CompiledTable, rows = rowCount): readonly (string | undefined)[] {
  const file = table.openFile()
  appendPayloads(kernel, file, range(rows).map(rowOf))
  const encodings = [0, 1, 2].map((column) => file.takePage(column)?.encoding)
  for (const column of range(3)) file.closeChunk(column)
  file.nextRowGroup()
  file.release()
  return encodings
}

describe('a file begins as the one before it ended', () => {
  test('without a dictionary where that was of little use, and looks anew now and then', () => {
    const table = kernel.compile(planOf(message))
    const first = write(table)
    expect(first).toEqual(['delta-byte-array', 'rle-dictionary', 'rle-dictionary'])
    const [unique, seldom, few] = write(table)
    expect(unique).toBe('delta-byte-array')
    expect(seldom).not.toBe('rle-dictionary')
    expect(few).toBe('rle-dictionary')
    for (const _ of range(6)) expect(write(table)[1]).toBe(seldom)
    expect(write(table)).toEqual(first)
  })

  test('needs less memory by it', () => {
    const table = kernel.compile(planOf(message))
    const heldAfter = (rows: number): number => {
      const file = table.openFile()
      appendPayloads(kernel, file, range(rows).map(rowOf))
      const held = file.bufferedBytes
      file.release()
      return held
    }
    const anew = heldAfter(500)
    write(table)
    expect(heldAfter(500)).toBeLessThan(anew / 2)
  })

  test('knows nothing of another table', () => {
    write(kernel.compile(planOf(message)))
    expect(write(kernel.compile(planOf(message)))[1]).toBe('rle-dictionary')
  })
})

test('while memory is short a file finds out four times as early what repeats', () => {
  const own = openKernel()
  const encodingsOf = (isShort: boolean): readonly (string | undefined)[] => {
    own.isMemoryShort = isShort
    const file = own.compile(planOf(message)).openFile()
    appendPayloads(own, file, range(200).map(rowOf))
    const encodings = [0, 1, 2].map((column) => file.takePage(column)?.encoding)
    file.release()
    return encodings
  }
  const all = ['rle-dictionary', 'rle-dictionary', 'rle-dictionary']
  expect(encodingsOf(false)).toEqual(all)
  expect(encodingsOf(true)).toEqual(['delta-byte-array', 'rle-dictionary', 'rle-dictionary'])
  expect(encodingsOf(false)).toEqual(all)
})

test('a hash begins as large as the one before needed to be, and no larger', () => {
  const own = openKernel()
  const table = own.compile(planOf(messageOf('T', [scalarField(['few', 1], 'string')])))
  const heldAfter = (values: number): number => {
    const file = table.openFile()
    appendPayloads(own, file, [bytesField(1, utf8('kind 0'))])
    const heldBytes = file.bufferedBytes
    appendPayloads(
      own,
      file,
      range(4 * values).map((n) => bytesField(1, utf8(`kind ${n % values}`))),
    )
    file.takePage(0)
    file.closeChunk(0)
    file.nextRowGroup()
    file.release()
    return heldBytes
  }
  const anew = heldAfter(100)
  const entryBytes = 24
  const ofHundred = heldAfter(10) - anew
  expect(ofHundred).toBeGreaterThanOrEqual(200 * entryBytes)
  expect(ofHundred).toBeLessThan(600 * entryBytes)
  expect(heldAfter(10) - anew).toBeLessThan(100 * entryBytes)
  heldAfter(100)
  own.isMemoryShort = true
  expect(heldAfter(10)).toBe(anew)
})
