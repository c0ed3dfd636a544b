import type { DurationMs } from '../base/time.ts'
import { encodeClosedList } from '../codec/log/closed-list.ts'
import type { Closing } from '../model/close-entry.ts'
import type { FoldedPartition } from '../model/fold-state.ts'
import type { CommitLog, PutEntryOutcome } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { planClosing } from '../protocol/close-plan.ts'
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
  let last: PutEntryOutcome | undefined
  do {
    const outcome = await closeSome(options)
    if (outcome === undefined) return last
    last = outcome
    // Whoever came first is at it: both would only discard each other's.
  } while (last.kind === 'decided' && options.signal?.aborted !== true)
  return last
}

/** What must be found without the state comes first, then the entry. */
async function closeSome(options: LateCloserOptions): Promise<PutEntryOutcome | undefined> {
  const { lake, log, telemetry, closeAfterMs, closingsMax = closingsMaxDefault } = options
  const state = await log.refresh()
  const facts = { state, nowMs: log.lakeNowMs(), closeAfterMs, closingsMax }
  const closings: Closing[] = []
  const newest = new Map<string, string>()
  for (const { stream, folded } of planClosing(facts)) {
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
  const outcome = await log.put({ kind: 'closed-late', commitId: log.nextCommitId(), closings })
  telemetry.log.info(`partitions closed: ${outcome.kind}`, { partitions: closings.length })
  return outcome
}

/** Who announced it may have died before its manifest stood, and nobody looks for it after. */
async function keepManifest(lake: Lake, { manifest }: FoldedPartition): Promise<void> {
  if (manifest === undefined) return
  const path = manifestPathOf(manifest)
  if ((await lake.stat(path)) === undefined) await lake.put(path, encodeManifest(manifest))
}
