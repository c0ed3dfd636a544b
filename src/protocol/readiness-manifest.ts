/**
 * The manifest of an announcement: made from the fold alone, written the same by everybody.
 *
 * Invariants:
 * - the same announcement gives the same bytes, whoever writes them and whenever;
 * - counts are the fold's; rows are the sum over the files.
 *
 * Source: docs/interfaces.md, section 4.
 */
import { assert } from '../base/assert.ts'
import { isoOf, type UnixMs } from '../base/time.ts'
import { type Counts, countsAddUp, zeroCounts } from '../model/counts.ts'
import type { FoldedPartition } from '../model/fold-state.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import type { ManifestSource, ReadyManifest } from '../model/ready-manifest.ts'
import { clusterId, type SourcePartition, topicId } from '../model/topic-partition.ts'
import { homeOf } from './log-paths.ts'
import { changedSince } from './partition-place.ts'
import type { Candidate } from './readiness-candidates.ts'
import {
  type ReadinessFacts,
  type ReadyStream,
  type SourceView,
  viewOf,
} from './readiness-facts.ts'
import { skippedInOrder, skippedRangeOf } from './skipped.ts'
import { eventWatermarkOf, type Passage } from './watermark.ts'

/** A manifest before the log gave it an index. */
export type ManifestDraft = Omit<ReadyManifest, 'logEntry'>

/** A topic-partition and how it passed the partition's end. */
export interface PassedSource {
  readonly view: SourceView
  readonly passage: Passage
}

/** "growth/app_events/dt=2026-11-20/hour=13/1" */
const manifestIdOf = (manifest: ManifestKey & { readonly pipeline: string }): string =>
  `${manifest.pipeline}/${manifest.stream}/${manifest.partitionPath}/${manifest.revision}`

/** What tells one announcement of a pipeline from another. */
export interface ManifestKey {
  readonly stream: string
  readonly partitionPath: string
  readonly revision: number
}

/** Where a manifest lies on the lake. */
export const manifestPathOf = (manifest: ManifestKey & { readonly pipeline: string }): string =>
  `${homeOf(manifest.pipeline)}/ready/${manifest.stream}/${manifest.partitionPath}` +
  `/${manifest.revision}.json`

/** { dt: "2026-11-20", hour: "13" } */
function partitionValues(partition: LakePartition): Record<string, string> {
  return Object.fromEntries(partition.path.split('/').map((part) => part.split('=')))
}

const joined = (url: string, ...parts: readonly string[]): string =>
  [url.replace(/\/+$/, ''), ...parts].join('/')

/** The announcement of a partition whose topic-partitions have all passed its end. */
export function manifestOf(
  facts: ReadinessFacts,
  stream: ReadyStream,
  candidate: Candidate,
  passed: readonly PassedSource[],
): ManifestDraft {
  return draftOf(facts, stream, candidate, {
    reason: (candidate.folded?.files ?? []).length === 0 ? 'empty' : 'complete',
    added: [],
    removed: [],
    sources: passed.map(sourceOf),
    eventWatermarkMs: eventWatermarkOf(passed.map(({ view }) => view)),
    ...(candidate.skips && { skipped: skippedRangeOf(candidate.skips, stream) }),
  })
}

/**
 * The next revision of an announced partition, which tells of what changed since the last one.
 *
 * @param passedSince topic-partitions that the last revision does not name.
 */
export function revisionOf(
  facts: ReadinessFacts,
  stream: ReadyStream,
  folded: FoldedPartition & { readonly manifest: ReadyManifest },
  passedSince: readonly PassedSource[],
): ManifestDraft {
  const before = folded.manifest.sources.map((source) => {
    const view = viewOf(facts, stream, sourceIn(source))
    return { source, view }
  })
  const { added, removed } = changedSince(folded)
  const views = [...before, ...passedSince].map(({ view }) => view)
  return draftOf(
    facts,
    stream,
    { partition: folded.partition, folded },
    {
      reason: removed.length === 0 ? 'late' : 'merge',
      added,
      removed,
      sources: [
        ...before.map(({ source, view: { position, progress } }) => ({
          ...source,
          next: position === undefined ? source.next : String(position.next),
          eventWatermark: isoOrNull(progress?.eventWatermarkMs) ?? source.eventWatermark,
        })),
        ...passedSince.map(sourceOf),
      ],
      eventWatermarkMs: eventWatermarkOf(views),
      ...skippedInOrder(folded.manifest),
    },
  )
}

/** The topic-partition that a manifest names. */
export const sourceIn = (source: ManifestSource): SourcePartition => ({
  clusterId: clusterId(source.clusterId),
  topic: source.topic,
  topicId: topicId(source.topicId),
  partition: source.partition,
})

interface Told extends Pick<ReadyManifest, 'reason' | 'added' | 'removed' | 'sources' | 'skipped'> {
  readonly eventWatermarkMs: UnixMs | undefined
}

function draftOf(
  facts: ReadinessFacts,
  stream: ReadyStream,
  { partition, folded }: Candidate,
  { eventWatermarkMs, ...told }: Told,
): ManifestDraft {
  const files = folded?.files ?? []
  const counts = folded?.counts ?? zeroCounts
  assert(countsAddUp(counts), `counts of "${stream.name}" ${partition.path} add up`)
  const key = {
    pipeline: facts.pipeline,
    stream: stream.name,
    partitionPath: partition.path,
    revision: (folded?.revision ?? 0) + 1,
  }
  return {
    lakeward: 1,
    kind: 'partition-ready',
    id: manifestIdOf(key),
    pipeline: facts.pipeline,
    stream: stream.name,
    table: stream.table,
    partition: partitionValues(partition),
    partitionPath: partition.path,
    location: joined(facts.lakeUrl, stream.table, partition.path),
    revision: key.revision,
    rows: files.reduce((sum, file) => sum + file.rowCount, 0),
    files: files.map((file) => ({
      path: file.path,
      bytes: file.sizeBytes,
      rows: file.rowCount,
      crc32c: file.crc32c,
    })),
    counts: countsOf(counts),
    schemaVersions: [...new Set(files.map((file) => file.schemaVersion))].sort((a, b) => a - b),
    eventWatermark: isoOrNull(eventWatermarkMs),
    decidedAt: isoOf(facts.lakeNowMs),
    ...told,
  }
}

/** Keys in the order of the contract, reasons by name: bytes do not depend on who counted first. */
const countsOf = (counts: Counts): ReadyManifest['counts'] => ({
  read: counts.read,
  written: counts.written,
  filtered: sortedByName(counts.filtered),
  late: counts.late,
  deadLettered: sortedByName(counts.deadLettered),
  lateAppended: counts.lateAppended,
})

const sortedByName = (byReason: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(byReason).sort(([a], [b]) => (a < b ? -1 : 1)))

const isoOrNull = (at: UnixMs | undefined): string | null => (at === undefined ? null : isoOf(at))

function sourceOf({ view, passage }: PassedSource): ManifestSource {
  const { source, position, progress } = view
  assert(position !== undefined, 'a topic-partition that passed has a position')
  return {
    clusterId: source.clusterId,
    topic: source.topic,
    topicId: source.topicId,
    partition: source.partition,
    next: String(position.next),
    eventWatermark: isoOrNull(progress?.eventWatermarkMs),
    evidence: passage,
  }
}

/** The manifest's JSON, the same bytes from everybody. */
export const encodeManifest = (manifest: ReadyManifest): Uint8Array =>
  new TextEncoder().encode(`${manifestText(manifest)}\n`)

/** The manifest as JSON on one line, its keys in the order of the contract. */
export function manifestText(manifest: ReadyManifest): string {
  return JSON.stringify({
    lakeward: manifest.lakeward,
    kind: manifest.kind,
    id: manifest.id,
    pipeline: manifest.pipeline,
    stream: manifest.stream,
    table: manifest.table,
    partition: manifest.partition,
    partitionPath: manifest.partitionPath,
    location: manifest.location,
    revision: manifest.revision,
    reason: manifest.reason,
    rows: manifest.rows,
    files: manifest.files.map(({ path, bytes, rows, crc32c }) => ({ path, bytes, rows, crc32c })),
    added: manifest.added,
    removed: manifest.removed,
    counts: countsOf(manifest.counts),
    sources: manifest.sources.map(sourceInOrder),
    schemaVersions: manifest.schemaVersions,
    eventWatermark: manifest.eventWatermark,
    logEntry: manifest.logEntry,
    decidedAt: manifest.decidedAt,
    ...skippedInOrder(manifest),
  })
}

const sourceInOrder = (source: ManifestSource): ManifestSource => ({
  clusterId: source.clusterId,
  topic: source.topic,
  topicId: source.topicId,
  partition: source.partition,
  next: source.next,
  eventWatermark: source.eventWatermark,
  evidence: source.evidence,
})
