/** Median and quartiles of a sample. */
export interface Quartiles {
  readonly low: number
  readonly median: number
  readonly high: number
}

/** @param sample not empty; between two values the quartiles are interpolated. */
export function quartilesOf(sample: readonly number[]): Quartiles {
  const sorted = [...sample].sort((one, other) => one - other)
  const at = (share: number): number => {
    const place = share * (sorted.length - 1)
    const below = sorted[Math.floor(place)] ?? Number.NaN
    const above = sorted[Math.ceil(place)] ?? Number.NaN
    return below + (above - below) * (place - Math.floor(place))
  }
  return { low: at(0.25), median: at(0.5), high: at(0.75) }
}

/** Distance of the quartiles, as a share of the median. */
export const spreadOf = ({ low, median, high }: Quartiles): number => (high - low) / median

/** "47.8 (quartiles 47.0 to 48.9)" */
export const quartilesText = ({ low, median, high }: Quartiles, digits: number): string =>
  `${median.toFixed(digits)} (quartiles ${low.toFixed(digits)} to ${high.toFixed(digits)})`
