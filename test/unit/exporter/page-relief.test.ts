import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PageRelief, planRelief } from '../../../src/exporter/page-relief.ts'

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

describe('memory for the hour’s turn', () => {
  /** @returns what was had in advance at each seal of files that hold so much. */
  const hadAt = (takenBytesMax: number, held: readonly number[]): readonly number[] => {
    let had = 0
    const builders = {
      takenBytes: 0,
      everTakenBytes: 0,
      takenBytesMax,
      isShort: false,
      growBy: (bytes: number) => {
        had += bytes
      },
    }
    const relief = new PageRelief(builders, () => [])
    return held.map((bytes) => {
      const before = had
      relief.beforeSeal(bytes)
      return had - before
    })
  }
  const mib = 1_024 * kib

  test('as much as open files hold is had once more, and when they hold more than ever', () => {
    const held = [0, 3 * mib - kib, 2 * mib, 3 * mib, 4 * mib + kib, 4 * mib + 2 * kib]
    expect(hadAt(100 * mib, held)).toEqual([0, 3 * mib, 0, 0, 2 * mib, 0])
  })

  test('hundreds of files, or a small budget, have some of it', () => {
    expect(hadAt(100 * mib, [90 * mib, 95 * mib])).toEqual([8 * mib, 0])
    expect(hadAt(16 * mib, [12 * mib])).toEqual([4 * mib])
  })
})
