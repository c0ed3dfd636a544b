/** How long partitions that nobody moved went without an answer. Pure. */

/** Moments at which one partition's records came, ascending, in milliseconds. */
export type Arrivals = readonly number[]

export interface Gap {
  /** The median distance of two answers before. */
  readonly medianMs: number
  /** The longest distance of two answers of which the second came in the time that is judged. */
  readonly longestMs: number
}

interface Span {
  readonly firstMs: number
  readonly nextMs: number
}

/**
 * @param before the time in which nothing moved; it has at least two answers.
 * @param judged begins where `before` ends. What is on its way when it ends counts up to its end.
 * @returns undefined: too few answers before, so that there is no median.
 */
export function gapOf(arrivals: Arrivals, before: Span, judged: Span): Gap | undefined {
  const calm = distances(arrivals.filter((at) => at >= before.firstMs && at < before.nextMs))
  if (calm.length === 0) return undefined
  const last = arrivals.findLast((at) => at < judged.firstMs) ?? judged.firstMs
  const during = arrivals.filter((at) => at >= judged.firstMs && at < judged.nextMs)
  const longestMs = Math.max(...distances([last, ...during, judged.nextMs]))
  return { medianMs: medianOf(calm), longestMs }
}

const distances = (moments: Arrivals): readonly number[] =>
  moments.slice(1).map((at, index) => at - (moments[index] ?? at))

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
