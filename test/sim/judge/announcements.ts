import { type LogState, partitionsEver } from './fold-state.ts'
import type { Judged } from './lake-oracle.ts'
import type { JudgedLog } from './log.ts'

/** Each stream's hours are announced in order, each revision once, and none is left. */
export function wrongAnnouncements(
  judged: Judged,
  { entries, state }: JudgedLog,
): readonly string[] {
  const wrong: string[] = []
  /** The newest revision. */
  const announced = new Map<string, number>()
  const newestMs = new Map<string, number>()
  /** Hours with late rows: one that was passed over is announced when they come. */
  const late = new Set<string>()
  for (const { entry, decided } of entries) {
    if (!decided) continue
    if (entry.kind === 'append') {
      for (const place of entry.places) {
        if (place.late === true) late.add(`${place.stream} ${place.partition.path}`)
      }
    }
    if (entry.kind !== 'ready') continue
    for (const [at, { stream, partition }] of entry.announcements.entries()) {
      const key = `${stream} ${partition.path}`
      const revision = entry.body.manifests[at]?.revision
      const wanted = (announced.get(key) ?? 0) + 1
      if (revision !== wanted) wrong.push(`${key}: revision ${revision} follows ${wanted - 1}`)
      announced.set(key, wanted)
      if (wanted > 1 || late.has(key)) continue
      const before = newestMs.get(stream)
      const { first } = entry.body.manifests[at]?.skipped ?? {}
      const fromMs = first === undefined ? partition.startMs : Date.parse(first)
      if (before !== undefined && before > partition.nextMs) {
        wrong.push(`${key} is announced after a later hour`)
      } else if (before !== undefined && before !== fromMs) {
        wrong.push(`${key} is announced, and nothing tells of what lies before it`)
      }
      newestMs.set(stream, Math.max(before ?? partition.nextMs, partition.nextMs))
    }
  }
  return [...wrong, ...wrongAtEnd(judged, state, announced)]
}

/** Every hour with rows is announced, and the newest revision of each names all of them. */
function wrongAtEnd(
  { settledAtMs, readyDelayMs, readyIdleMs, streams }: Judged,
  state: LogState,
  announced: ReadonlyMap<string, number>,
): readonly string[] {
  const wrong: string[] = []
  for (const { name, folded } of partitionsEver(state)) {
    if (!streams.includes(name)) continue
    const { partition, files, manifest } = folded
    const key = `${name} ${partition.path}`
    const isDue = partition.nextMs + readyDelayMs + readyIdleMs <= settledAtMs
    const isWanted = files.length > 0 && isDue
    if (isWanted && !announced.has(key)) wrong.push(`${key} is not announced`)
    if (manifest === null) continue
    const rows = files.reduce((sum, { rowCount }) => sum + rowCount, 0)
    if (manifest.rows !== rows) wrong.push(`${key}: ${manifest.rows} rows announced of ${rows}`)
  }
  return wrong
}
