import { deadLetteredTotal, filteredTotal } from '../model/counts.ts'
import type { SealedCommit } from '../model/sealed-commit.ts'
import type { Metrics } from '../ports/telemetry.ts'

/** Counts what a commit brought, once it is decided: a commit that falls is counted by none. */
export function countCommit(metrics: Metrics, sealed: SealedCommit): void {
  const rows = (outcome: string, amount: number): void => {
    if (amount > 0) metrics.count('lakeward_rows_total', amount, { stage: 'commit', outcome })
  }
  for (const { stream, counts } of sealed.counts) {
    rows('read', counts.read)
    rows('written', counts.written)
    rows('filtered', filteredTotal(counts))
    rows('late', counts.late)
    rows('dead-lettered', deadLetteredTotal(counts))
    for (const [reason, amount] of Object.entries(counts.deadLettered)) {
      metrics.count('lakeward_dead_letters_total', amount, { stream, reason })
    }
    if (counts.late > 0) {
      metrics.count('lakeward_dead_letters_total', counts.late, { stream, reason: 'late' })
    }
  }
  const records = sealed.ranges.reduce((sum, { first, next }) => sum + Number(next - first), 0)
  const bytes = sealed.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  metrics.count('lakeward_records_read_total', records)
  metrics.count('lakeward_files_written_total', sealed.files.length)
  metrics.count('lakeward_bytes_written_total', bytes)
}
