/** Gaps without rows that are told as one range: what a stream remembers, and what must be so. */
import type { FoldedStream, LogState } from './fold-state.ts'
import type { Manifest, ReadyEntry } from './log-entry.ts'

const gapsKept = 32

export function noteGap(stream: FoldedStream, { skipped }: Manifest, entry: number): void {
  if (skipped === undefined) return
  const { first, next, partitions: partitionCount, emptyRunMax } = skipped
  const [firstMs, nextMs] = [Date.parse(first), Date.parse(next)]
  const gap = { firstMs, nextMs, partitionCount, emptyRunMax, entry }
  stream.skipped = [...(stream.skipped ?? []), gap].slice(-gapsKept)
}

/**
 * No entry brings more empty hours in a row than are configured, and what is skipped had no rows.
 *
 * @param streams of all up to the entry.
 */
export function wrongGaps(
  { streams }: Pick<LogState, 'streams'>,
  { announcements, body }: ReadyEntry,
  emptyRunMax: number,
): readonly string[] {
  const wrong: string[] = []
  const runs = new Map<string, number>()
  for (const [at, { stream, partition }] of announcements.entries()) {
    const { reason, revision, skipped } = body.manifests[at] ?? {}
    const run = reason === 'empty' ? (runs.get(stream) ?? 0) + 1 : 0
    runs.set(stream, run)
    if (run > emptyRunMax) wrong.push(`${stream} ${partition.path} is empty hour ${run} in a row`)
    if (skipped === undefined || revision !== 1) continue
    const name = `${stream} ${skipped.first} up to ${skipped.next}`
    const [firstMs, nextMs] = [Date.parse(skipped.first), Date.parse(skipped.next)]
    const inside = [...(streams.get(stream)?.partitions.values() ?? [])].filter(
      ({ partition: one }) => firstMs <= one.startMs && one.nextMs <= nextMs,
    )
    for (const { files, place, partition: one } of inside) {
      if (files.length > 0) wrong.push(`${name} is skipped, ${one.path} has rows`)
      if (place === 'announced') wrong.push(`${name} is skipped, ${one.path} is announced`)
    }
    if (skipped.emptyRunMax !== emptyRunMax) wrong.push(`${name} says ${skipped.emptyRunMax}`)
  }
  return wrong
}
