import { Fault } from '../base/fault.ts'
import { type DurationMs, durationMs } from '../base/time.ts'
import type { AskedPartition } from '../committer/closed-lists.ts'
import type { FoldedSkip } from '../model/fold-state.ts'
import type { ReadyManifest } from '../model/ready-manifest.ts'
import type { Clock } from '../ports/clock.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import { isClosed } from '../protocol/fold-closed.ts'
import { skippedAt } from '../protocol/skipped.ts'

/** Reading the end of the log costs one or two calls of the lake. */
const pauseMs = durationMs(2_000)

export type WaitOutcome =
  | { readonly kind: 'announced'; readonly manifest: ReadyManifest }
  /** It has left what the log takes rows for: no revision comes after those it has. */
  | { readonly kind: 'closed' }
  /** It lies in a gap that is not announced, and has no rows. */
  | { readonly kind: 'skipped'; readonly skip: FoldedSkip }
  /** The time is up. */
  | { readonly kind: 'overdue' }
  /** A signal came. */
  | { readonly kind: 'stopped' }

export interface WaitParts {
  readonly log: Pick<CommitLog, 'state' | 'refresh'>
  readonly clock: Clock
  /** Without one there is no end to the waiting. */
  readonly timeoutMs: DurationMs | undefined
  readonly signal: AbortSignal
  /** Hears of a lake that does not answer, once for each spell of it. */
  readonly onTrouble: (fault: Fault) => void
}

/**
 * Waits until the log announces a partition at `revision` or a newer one.
 *
 * A lake that does not answer is asked again: whoever waits for hours outlives its restarts.
 *
 * @throws {Fault} a `LOG_…` fault: an entry cannot be read, which waiting does not mend.
 */
export async function waitAnnounced(
  parts: WaitParts,
  { stream, partition }: AskedPartition,
  revision: number,
): Promise<WaitOutcome> {
  const { log, clock, timeoutMs, signal } = parts
  const endMs = clock.monotonicMs() + (timeoutMs ?? Number.POSITIVE_INFINITY)
  const refresh = refreshing(parts)
  while (!signal.aborted) {
    const folded = log.state.streams.get(stream)
    const { manifest } = folded?.partitions.get(partition.path) ?? {}
    if (manifest !== undefined && manifest.revision >= revision) {
      return { kind: 'announced', manifest }
    }
    if (isClosed(folded, partition)) return { kind: 'closed' }
    const skip = skippedAt(folded, partition)
    if (skip !== undefined) return { kind: 'skipped', skip }
    const leftMs = endMs - clock.monotonicMs()
    if (leftMs <= 0) return { kind: 'overdue' }
    await clock.sleep(durationMs(Math.min(pauseMs, leftMs)), signal)
    if (!signal.aborted) await refresh()
  }
  return { kind: 'stopped' }
}

function refreshing({ log, onTrouble }: WaitParts): () => Promise<void> {
  let isSilent = false
  return async () => {
    try {
      await log.refresh()
      isSilent = false
    } catch (error) {
      if (!(error instanceof Fault) || error.retry === 'never') throw error
      if (!isSilent) onTrouble(error)
      isSilent = true
    }
  }
}
