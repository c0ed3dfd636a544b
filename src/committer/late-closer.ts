import type { DurationMs } from '../base/time.ts'
import { encodeClosedList } from '../codec/log/closed-list.ts'
import { encodeCanonicalJson } from '../codec/log/json.ts'
import type { Closing } from '../model/close-entry.ts'
import type { FoldedPartition, FoldState } from '../model/fold-state.ts'
import type { CommitLog, PutEntryOutcome } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { type ClosablePartition, planClosing } from '../protocol/close-plan.ts'
import { newestListOf } from '../protocol/fold-closed.ts'
import { closedListPath } from '../protocol/log-paths.ts'
import { encodeManifest, manifestPathOf } from '../protocol/readiness-manifest.ts'

const closingsMaxDefault = 100

export interface LateCloserOptions {
  readonly lake: Lake
  readonly log: CommitLog
  readonly pipeline: string
  readonly telemetry: Telemetry
  readonly closeAfterMs: (stream: string) => DurationMs
  /** Of one entry. */
  readonly closingsMax?: number
  /** Ends it between two entries. */
  readonly signal?: AbortSignal
}

/**
 * Closes partitions that were announced long ago, entry by entry until none is left. What another
 * process closed meanwhile is discarded; lists that no entry names do no harm.
 *
 * @returns the outcome of the last entry; undefined when there was nothing to close.
 * @throws {Fault} `LAKE_…`: try again later.
 */
export async function closeLate(options: LateCloserOptions): Promise<PutEntryOutcome | undefined> {
  /** Got counts while their lists were made: another time. */
  const busy = new Set<string>()
  let last: PutEntryOutcome | undefined
  for (;;) {
    const knownBusy = busy.size
    const outcome = await closeSome(options, busy)
    if (outcome === undefined) return last
    last = outcome
    // Whoever came first is at it: both would only discard each other's.
    const goesOn = last.kind === 'decided' || busy.size > knownBusy
    if (!goesOn || options.signal?.aborted === true) return last
  }
}

/** What must be found without the state comes first, then the entry. */
async function closeSome(
  options: LateCloserOptions,
  busy: Set<string>,
): Promise<PutEntryOutcome | undefined> {
  const { lake, log, telemetry, closeAfterMs, closingsMax = closingsMaxDefault } = options
  const state = await log.refresh()
  const facts = { state, nowMs: log.lakeNowMs(), closeAfterMs, closingsMax }
  const closings: Closing[] = []
  const newest = new Map<string, string>()
  const closable = planClosing(facts).filter((one) => !busy.has(nameOf(one)))
  for (const { stream, folded } of closable) {
    await keepManifest(lake, folded)
    const previous = newest.get(stream) ?? newestListOf(state, stream)
    const { bytes, sha256 } = encodeClosedList({ previous, stream, partition: folded })
    const path = closedListPath(options.pipeline, { stream, path: folded.partition.path, sha256 })
    await lake.putIfAbsent(path, bytes)
    const list = { path, sizeBytes: bytes.byteLength, sha256, previous }
    closings.push({ stream, partition: folded.partition, version: folded.version, list })
    newest.set(stream, sha256)
  }
  if (closings.length === 0) return undefined
  const draft = { kind: 'closed-late', commitId: log.nextCommitId(), closings } as const
  const outcome = await log.put(draft, (below) => closable.every((one) => isAsListed(below, one)))
  telemetry.log.info(`partitions closed: ${outcome.kind}`, { partitions: closings.length })
  for (const one of closable) if (!isAsListed(log.state, one)) busy.add(nameOf(one))
  return outcome
}

const nameOf = ({ stream, folded }: ClosablePartition): string =>
  `${stream} ${folded.partition.path}`

/** Counts without rows leave the version of what is announced, and are in its list all the same. */
function isAsListed(state: FoldState, { stream, folded }: ClosablePartition): boolean {
  const standing = state.streams.get(stream)?.partitions.get(folded.partition.path)
  if (standing === undefined || standing === folded) return true
  return encodeCanonicalJson(standing.counts) === encodeCanonicalJson(folded.counts)
}

/** Who announced it may have died before its manifest stood, and nobody looks for it after. */
async function keepManifest(lake: Lake, { manifest }: FoldedPartition): Promise<void> {
  if (manifest === undefined) return
  const path = manifestPathOf(manifest)
  if ((await lake.stat(path)) === undefined) await lake.put(path, encodeManifest(manifest))
}
