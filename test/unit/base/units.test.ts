import { expect, test } from 'vitest'
import { durationMs } from '../../../src/base/time.ts'
import {
  formatDuration,
  formatPercent,
  formatSize,
  parseDuration,
  parsePercent,
  parseSize,
} from '../../../src/base/units.ts'

test('durations are read with their unit only', () => {
  expect(['500ms', '30s', '5m', '2h', '7d'].map(parseDuration)).toEqual([
    500, 30_000, 300_000, 7_200_000, 604_800_000,
  ])
  expect(['60', '60 s', '1.5s', '-1s', 's', ''].map(parseDuration)).toEqual(
    Array(6).fill(undefined),
  )
})

test('sizes are powers of 1,024 and read with their unit only', () => {
  expect(['10B', '64KiB', '1GiB'].map(parseSize)).toEqual([10, 65_536, 1_073_741_824])
  expect(['64', '64KB', '64 KiB'].map(parseSize)).toEqual(Array(3).fill(undefined))
})

test('shares are read as a part of one', () => {
  expect(['5%', '12.5%', '5'].map(parsePercent)).toEqual([0.05, 0.125, undefined])
})

test('what is printed is read as the same value', () => {
  for (const share of [0, 0.0001, 0.005, 0.07, 0.125, 0.25, 1]) {
    expect(parsePercent(formatPercent(share))).toBe(share)
  }
  expect(formatPercent(0.07)).toBe('7%')
  for (const span of [0, 1, 999, 1_000, 90_000, 3_600_000, 86_400_000]) {
    expect(parseDuration(formatDuration(durationMs(span)))).toBe(span)
  }
  for (const sizeBytes of [0, 1, 1_023, 1_024, 1_048_576, 1_500_000]) {
    expect(parseSize(formatSize(sizeBytes))).toBe(sizeBytes)
  }
})
