import type { DurationMs } from '../base/time.ts'
import { encodeClosedList } from '../codec/log/closed-list.ts'
import type { Closing } from '../model/close-entry.ts'
import type { CommitLog, PutEntryOutcome } from '../ports/commit-log.ts'
import type { Lake } from '../ports/lake.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { planClosing } from '../protocol/close-plan.ts'
import { newestListOf } from '../protocol/fold-closed.ts'
import { closedListPath } from '../protocol/log-paths.ts'

const closingsMaxDefault = 100

export interface LateCloserOptions {
  readonly lake: Lake
  readonly log: CommitLog
  readonly pipeline: string
  readonly telemetry: Telemetry
  readonly closeAfterMs: (stream: string) => DurationMs
  readonly closingsMax?: number
}

/**
 * Closes partitions that were announced long ago: their lists first, then the entry that names
 * them. What another process closed meanwhile is discarded; lists that no entry names do no harm.
 *
 * @returns undefined when there was nothing to close.
 * @throws {Fault} `LAKE_…`: try again later.
 */
export async function closeLate(options: LateCloserOptions): Promise<PutEntryOutcome | undefined> {
  const { lake, log, telemetry, closeAfterMs, closingsMax = closingsMaxDefault } = options
  const state = await log.refresh()
  const facts = { state, nowMs: log.lakeNowMs(), closeAfterMs, closingsMax }
  const closings: Closing[] = []
  const newest = new Map<string, string>()
  for (const { stream, folded } of planClosing(facts)) {
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
