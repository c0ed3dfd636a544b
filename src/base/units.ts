/**
 * Values as humans write them in configuration: a number with its unit, never a bare number.
 *
 *     "500ms" "30s" "5m" "2h" "7d"      durations
 *     "64KiB" "256MiB" "1GiB" "10B"     sizes, powers of 1,024 only
 *     "5%"                              shares
 */
import { type DurationMs, durationMs } from './time.ts'

const msPerUnit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const bytesPerUnit = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 } as const
const durationShape = /^(\d+)(ms|s|m|h|d)$/
const sizeShape = /^(\d+)(B|KiB|MiB|GiB)$/
const percentShape = /^(\d+(?:\.\d+)?)%$/

/** @returns the span, or undefined when `text` has no known unit. */
export function parseDuration(text: string): DurationMs | undefined {
  const [, amount, unit] = durationShape.exec(text) ?? []
  if (amount === undefined || unit === undefined) return undefined
  return durationMs(Number(amount) * msPerUnit[unit as keyof typeof msPerUnit])
}

/** @returns the size in bytes, or undefined when `text` has no known unit. */
export function parseSize(text: string): number | undefined {
  const [, amount, unit] = sizeShape.exec(text) ?? []
  if (amount === undefined || unit === undefined) return undefined
  return Number(amount) * bytesPerUnit[unit as keyof typeof bytesPerUnit]
}

/** @returns the share as 0..1, or undefined when `text` is not a percentage. */
export function parsePercent(text: string): number | undefined {
  const amount = percentShape.exec(text)?.[1]
  return amount === undefined ? undefined : Number(amount) / 100
}

/** A share of 0..1 as a percentage: 0.07 → "7%". Twelve digits, so that 7.000000000000001 is 7. */
export const formatPercent = (share: number): string => `${Number((share * 100).toPrecision(12))}%`

/** The shortest exact writing of a duration: 90_000 → "90s", 3_600_000 → "1h". */
export function formatDuration(span: DurationMs): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (span > 0 && span % msPerUnit[unit] === 0) return `${span / msPerUnit[unit]}${unit}`
  }
  return `${span}ms`
}

/** The shortest exact writing of a size: 1_048_576 → "1MiB". */
export function formatSize(sizeBytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (sizeBytes > 0 && sizeBytes % bytesPerUnit[unit] === 0) {
      return `${sizeBytes / bytesPerUnit[unit]}${unit}`
    }
  }
  return `${sizeBytes}B`
}
