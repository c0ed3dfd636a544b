import { expect, test } from 'vitest'
import { unixMs } from '../../../src/base/time.ts'
import { CountTable, countReason } from '../../../src/exporter/count-table.ts'
import { countsAddUp } from '../../../src/model/counts.ts'
import { type LakePartition, partitionPath } from '../../../src/model/lake-partition.ts'

const partition = (hour: number): LakePartition => ({
  path: partitionPath(`dt=2026-11-20/hour=${hour}`),
  startMs: unixMs(hour * 3_600_000),
  nextMs: unixMs((hour + 1) * 3_600_000),
})

test('a cell is found again by stream and partition', () => {
  const table = new CountTable()
  table.cell('a', partition(1)).read += 1
  table.cell('a', partition(1)).read += 1
  table.cell('b', partition(1)).read += 1
  expect(table.cellCount).toBe(2)
  const sealed = table.seal()
  expect(sealed.map(({ stream, counts }) => [stream, counts.read])).toEqual([
    ['a', 2],
    ['b', 1],
  ])
})

test('a seal starts the next commit from nothing', () => {
  const table = new CountTable()
  table.cell('a', partition(1)).read += 1
  table.seal()
  expect(table.seal()).toEqual([])
  expect(table.cellCount).toBe(0)
})

test('an event without a fate leaves counts that do not add up', () => {
  const table = new CountTable()
  const cell = table.cell('a', partition(1))
  cell.read += 2
  countReason(cell.filtered, 'no-country')
  const [sealed] = table.seal()
  expect(sealed && countsAddUp(sealed.counts)).toBe(false)
})

test('a partition that was only looked at makes no cell', () => {
  const table = new CountTable()
  table.cell('a', partition(1))
  expect(table.seal()).toEqual([])
})
