/** What trials of one kind come to together. */
import type { ContentionFigures } from './world.ts'

export interface ContentionSummary {
  readonly commits: number
  readonly discarded: number
  readonly announcements: number
  readonly entries: number
  readonly racesPerCommit: number
  readonly commitSeconds: {
    readonly median: number
    readonly p99: number
    readonly max: number
  }
  readonly lakeCalls: number
}

export function summed(trials: readonly ContentionFigures[]): ContentionSummary {
  const sorted = trials.flatMap(({ commitSeconds }) => commitSeconds).toSorted((a, b) => a - b)
  const commits = sorted.length
  const at = (share: number): number => sorted[Math.ceil(share * commits) - 1] ?? Number.NaN
  const sum = (of: (figures: ContentionFigures) => number): number =>
    trials.reduce((total, figures) => total + of(figures), 0)
  return {
    commits,
    discarded: sum(({ discarded }) => discarded),
    announcements: sum(({ announcements }) => announcements),
    entries: sum(({ entries }) => entries),
    racesPerCommit: sum(({ racesLost }) => racesLost) / commits,
    commitSeconds: { median: at(0.5), p99: at(0.99), max: at(1) },
    lakeCalls: sum(({ lakeCalls }) => lakeCalls),
  }
}
