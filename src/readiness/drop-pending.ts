/** Targets that announcements wait for, and that no configuration names any more. */
import { Fault } from '../base/fault.ts'
import { isoOf } from '../base/time.ts'
import type { FoldState } from '../model/fold-state.ts'
import { partitionPath } from '../model/lake-partition.ts'
import type { Delivery } from '../model/log-entry.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { pendingFor } from './delivery-plan.ts'

const deliveriesInEntryMax = 500

/** @param targets as they are configured. */
function orphansOf({ undelivered }: FoldState, targets: readonly string[]): readonly string[] {
  const configured = new Set(targets)
  const waiting = new Set(undelivered.flatMap((at) => at.targets))
  return [...waiting].filter((target) => !configured.has(target)).sort()
}

/** @throws {Fault} `NOTIFY_TARGET_PENDING`: somebody would never be told, and nobody said so. */
export function refusePending(state: FoldState, targets: readonly string[]): void {
  const [target] = orphansOf(state, targets)
  if (target === undefined) return
  const pending = pendingFor(state, target)
  const [oldest] = pending
  const since = oldest === undefined ? '-' : isoOf(oldest.decidedAtMs)
  const facts = { target, pendingCount: pending.length, oldest: since }
  throw new Fault('NOTIFY_TARGET_PENDING', facts)
}

/**
 * Says in the log that what waits for such targets is given up. What another process says first, or
 * announces meanwhile, is looked at again.
 *
 * @throws {Fault} `LAKE_…`, `LOG_…`
 */
export async function dropPending(
  log: CommitLog,
  telemetry: Telemetry,
  targets: readonly string[],
): Promise<void> {
  for (;;) {
    const state = await log.refresh()
    const deliveries = droppedOf(state, orphansOf(state, targets))
    if (deliveries.length === 0) return
    const commitId = log.nextCommitId()
    const outcome = await log.put({ kind: 'delivered', commitId, deliveries })
    const fields = { deliveries: deliveries.length, outcome: outcome.kind }
    telemetry.log.warn('pending deliveries dropped', fields)
  }
}

/** One for each partition and target, of the newest revision: it stands for the earlier ones. */
function droppedOf(state: FoldState, orphans: readonly string[]): readonly Delivery[] {
  const dropped = new Map<string, Delivery>()
  for (const target of orphans) {
    for (const { manifest } of pendingFor(state, target)) {
      const { stream } = manifest
      const path = partitionPath(manifest.partitionPath)
      const revision = state.streams.get(stream)?.partitions.get(path)?.revision
      if (revision === undefined) continue
      const delivery = { stream, partitionPath: path, revision, target, dropped: true } as const
      dropped.set(JSON.stringify([target, stream, path]), delivery)
    }
  }
  return [...dropped.values()].slice(0, deliveriesInEntryMax)
}
