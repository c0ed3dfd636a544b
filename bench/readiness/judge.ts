/** What stands on the lake after a run: which announcements, and whether they hold. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalLake } from '../../src/adapters/local/local-lake.ts'
import { crc32cOf } from '../../src/audit/decode-file.ts'
import { readFooterRows } from '../../src/audit/footer-rows.ts'
import { openBase, walkEntries } from '../../src/audit/walk-log.ts'
import { countsAddUp } from '../../src/model/counts.ts'
import type { FoldState } from '../../src/model/fold-state.ts'
import type { ReadyManifest } from '../../src/model/ready-manifest.ts'
import { hourMs, partitionCount, pipeline, type ReadinessWorld } from './world.ts'

export interface Judged {
  /** What does not hold, as lines. */
  readonly wrong: readonly string[]
  /** By stream and number of the hour: the append after which nothing held it back. */
  readonly releasedBy: ReadonlyMap<string, number>
  readonly firstCount: number
  readonly laterCount: number
  readonly rowCount: number
  readonly fileCount: number
}

const cellOf = (stream: string, hour: number): string => `${stream}/${hour}`

/** The key in `releasedBy` of a manifest. */
export const cellOfManifest = (world: ReadinessWorld, manifest: ReadyManifest): string =>
  cellOf(manifest.stream, hourOf(world, manifest))

const hourOf = ({ startMs }: ReadinessWorld, { partition }: ReadyManifest): number =>
  (Date.parse(`${partition['dt']}T${partition['hour']}:00:00Z`) - startMs) / hourMs

/** Walks the log entry by entry, then reads every file that a manifest names. */
export async function judge(world: ReadinessWorld, hours: number): Promise<Judged> {
  const lake = new LocalLake(`file:${world.lake}`)
  const wrong: string[] = []
  const releasedBy = new Map<string, number>()
  const manifests = new Map<string, ReadyManifest[]>()
  const passed = new Map<string, number>()
  for await (const walked of walkEntries(lake, pipeline, await openBase(lake, pipeline))) {
    const { index, entry, verdict, state } = walked
    if (verdict.kind !== 'decided') continue
    if (entry.kind === 'append') noteReleased(world, { index, state, passed, releasedBy })
    if (entry.kind !== 'ready') continue
    for (const announcement of entry.announcements) {
      const manifest = { ...announcement.manifest, logEntry: index }
      const cell = cellOfManifest(world, manifest)
      const known = manifests.get(cell) ?? []
      if (manifest.revision !== known.length + 1) {
        wrong.push(`${manifest.id}: revision ${manifest.revision} after ${known.length}`)
      }
      if (!releasedBy.has(cell)) wrong.push(`${manifest.id}: announced before it was released`)
      manifests.set(cell, [...known, manifest])
    }
  }
  const counted = { first: 0, later: 0, rows: 0, files: 0 }
  for (const stream of world.streams) {
    for (let hour = 0; hour < hours; hour++) {
      const revisions = manifests.get(cellOf(stream, hour)) ?? []
      if (revisions.length === 0) wrong.push(`${cellOf(stream, hour)}: never announced`)
      counted.first += Math.min(1, revisions.length)
      counted.later += Math.max(0, revisions.length - 1)
      wrong.push(...wrongRevisions(revisions))
      const newest = revisions.at(-1)
      if (newest === undefined) continue
      counted.rows += newest.rows
      counted.files += newest.files.length
      wrong.push(...(await wrongOnLake(world, newest)))
    }
  }
  return {
    wrong,
    releasedBy,
    firstCount: counted.first,
    laterCount: counted.later,
    rowCount: counted.rows,
    fileCount: counted.files,
  }
}

interface Walk {
  readonly index: number
  readonly state: FoldState
  /** By stream: hours that were released so far. */
  readonly passed: Map<string, number>
  readonly releasedBy: Map<string, number>
}

/** An hour is released when each topic-partition has brought rows of a later one. */
function noteReleased(world: ReadinessWorld, walk: Walk): void {
  const { index, state, passed, releasedBy } = walk
  for (const stream of world.streams) {
    const progress = state.streams.get(stream)?.progress
    if (progress === undefined || progress.size < partitionCount) continue
    let lowestMs = Number.POSITIVE_INFINITY
    for (const { eventWatermarkMs } of progress.values()) {
      if (eventWatermarkMs < lowestMs) lowestMs = eventWatermarkMs
    }
    const nextHour = Math.floor((lowestMs - world.startMs) / hourMs)
    for (let hour = passed.get(stream) ?? 0; hour < nextHour; hour++) {
      releasedBy.set(cellOf(stream, hour), index)
    }
    passed.set(stream, nextHour)
  }
}

/** Each revision has the files of the one before and those that it adds, and its sums are right. */
function wrongRevisions(revisions: readonly ReadyManifest[]): readonly string[] {
  const wrong: string[] = []
  let before = new Set<string>()
  for (const { id, files, added, removed, rows, counts, revision } of revisions) {
    const paths = new Set(files.map(({ path }) => path))
    const expected = new Set([...before, ...added])
    if (
      revision > 1 &&
      (paths.size !== expected.size || ![...paths].every((path) => expected.has(path)))
    ) {
      wrong.push(`${id}: files are not those before and the added ones`)
    }
    if (removed.length > 0) wrong.push(`${id}: removes files`)
    const sum = files.reduce((some, file) => some + file.rows, 0)
    if (sum !== rows) wrong.push(`${id}: ${rows} rows, ${sum} in its files`)
    if (!countsAddUp(counts)) wrong.push(`${id}: counts do not add up`)
    if (counts.written !== rows) wrong.push(`${id}: ${counts.written} written, ${rows} rows`)
    before = paths
  }
  return wrong
}

/** Each file stands with its size, checksum and rows, and the manifest says what the log says. */
async function wrongOnLake(
  { lake }: ReadinessWorld,
  manifest: ReadyManifest,
): Promise<readonly string[]> {
  const wrong: string[] = []
  const { id, stream, partitionPath, revision, files } = manifest
  const path = join(lake, '_lakeward', pipeline, 'ready', stream, partitionPath, `${revision}.json`)
  const text = await readFile(path, 'utf8').catch(() => 'null')
  const standing = JSON.parse(text) as ReadyManifest | null
  if (standing?.id !== id || JSON.stringify(standing.files) !== JSON.stringify(files)) {
    wrong.push(`${id}: its manifest on the lake says something else`)
  }
  for (const file of files) {
    const bytes = await readFile(join(lake, file.path)).catch(() => undefined)
    if (bytes === undefined) {
      wrong.push(`${id}: ${file.path} is missing`)
      continue
    }
    const part = async (first: number, next: number): Promise<Uint8Array> =>
      bytes.subarray(first, next)
    const footer = await readFooterRows(bytes.length, part)
    const rows = footer.kind === 'unreadable' ? -1 : footer.rowCount
    if (bytes.length !== file.bytes || crc32cOf(bytes) !== file.crc32c || rows !== file.rows) {
      wrong.push(`${id}: ${file.path} is not what the manifest says`)
    }
  }
  return wrong
}
