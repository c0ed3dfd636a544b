import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planRelief } from '../../../src/exporter/page-relief.ts'

const kib = 1_024

/** Pages of files, by their capacities. */
const held =
  (files: readonly (readonly number[])[]) =>
  (leastBytes: number): readonly number[] =>
    files.map((pages) =>
      pages.filter((page) => page >= leastBytes).reduce((sum, page) => sum + page, 0),
    )

describe('relief', () => {
  test('takes the largest pages, wherever they are', () => {
    const files = [[32 * kib], [256 * kib, 32 * kib], [64 * kib]]
    expect(planRelief(held(files), 100 * kib)).toEqual({ files: [1], leastBytes: 256 * kib })
    expect(planRelief(held(files), 300 * kib)).toEqual({ files: [1, 2], leastBytes: 64 * kib })
  })

  test('ends with the file that is enough, the fullest first', () => {
    const files = [[64 * kib], [64 * kib, 64 * kib], [64 * kib], [64 * kib, 64 * kib, 64 * kib]]
    expect(planRelief(held(files), 300 * kib)).toEqual({ files: [3, 1], leastBytes: 64 * kib })
  })

  test('leaves small pages alone, also where there is not enough', () => {
    const files = [[16 * kib, 32 * kib], [16 * kib]]
    expect(planRelief(held(files), 1_000 * kib)).toEqual({ files: [0], leastBytes: 32 * kib })
    expect(planRelief(held([[16 * kib]]), 1)).toEqual({ files: [], leastBytes: 32 * kib })
    expect(planRelief(held([]), 1)).toEqual({ files: [], leastBytes: 32 * kib })
  })

  test('frees what is wanted where there is so much, and not a file more than that takes', () => {
    const page = fc.constantFrom(8, 16, 32, 64, 128, 256, 512).map((size) => size * kib)
    const files = fc.array(fc.array(page, { maxLength: 8 }), { maxLength: 30 })
    fc.assert(
      fc.property(files, fc.integer({ min: 1, max: 4_000 * kib }), (all, wantedBytes) => {
        const heldBy = held(all)
        const plan = planRelief(heldBy, wantedBytes)
        const freed = plan.files.map((index) => heldBy(plan.leastBytes)[index] ?? 0)
        const sum = freed.reduce((total, bytes) => total + bytes, 0)
        const possible = heldBy(32 * kib).reduce((total, bytes) => total + bytes, 0)
        expect(sum >= Math.min(wantedBytes, possible)).toBe(true)
        expect(sum - (freed.at(-1) ?? 0)).toBeLessThan(wantedBytes)
      }),
    )
  })
})
