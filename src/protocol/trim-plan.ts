/**
 * Which old entries and checkpoints of the log may be deleted.
 *
 * Invariants:
 * - the newest two checkpoints stay, and every entry at or above the older of them: the newest may
 *   turn out to be unreadable, and who then begins at the older one must find all that follows;
 * - one checkpoint stays below all entries that stand (the *base*): from it the log is read and
 *   checked by those who want more than its end, and it is the last resort of those who start;
 * - only what was folded into a checkpoint longer ago than `keepMs` goes: entries are the audit
 *   record. That is a wish, told on the lake's clock; safety rests on the checkpoints alone, so
 *   facts as old as they like plan nothing wrong.
 *
 *     entries      [ deleted ........ )[ stand .......................................... tail )
 *     checkpoints                     base    one a span    one a span    older    newest
 *
 * Source: docs/protocol.md, "Old entries"; test/model shows what breaks without the second one.
 */
import type { DurationMs, UnixMs } from '../base/time.ts'
import type { EntryIndex } from '../model/log-entry.ts'
import type { CheckpointName } from './log-paths.ts'

export interface StandingCheckpoint extends CheckpointName {
  /** Lake's clock when it was put. */
  readonly putAtMs: UnixMs
}

export interface TrimFacts {
  readonly checkpoints: readonly StandingCheckpoint[]
  /** The lake's clock. */
  readonly nowMs: UnixMs
  /** How long an entry stays after a checkpoint was made over it. */
  readonly keepMs: DurationMs
  /** Of older checkpoints one stays in each span of so many entries. */
  readonly sparseEvery: number
}

export interface TrimPlan {
  /** Entries below `base.next` may be deleted, if it can be read; undefined: none. */
  readonly base: CheckpointName | undefined
  readonly checkpoints: readonly CheckpointName[]
}

/** What may be deleted. Pure; carried out by `trimLog`. */
export function planTrim(facts: TrimFacts): TrimPlan {
  const { checkpoints, nowMs, keepMs } = facts
  const levels = [...new Set(checkpoints.map(({ next }) => next))].sort((a, b) => b - a)
  const older = levels[1]
  if (older === undefined) return { base: undefined, checkpoints: [] }
  const base = checkpoints
    .filter(({ next, putAtMs }) => next <= older && putAtMs + keepMs <= nowMs)
    .reduce<StandingCheckpoint | undefined>(higher, undefined)
  const kept = new Set([...levels.slice(0, 2), ...sparseLevels(facts, base?.next ?? 0, older)])
  return { base, checkpoints: checkpoints.filter(({ next }) => !kept.has(next)) }
}

const higher = (
  known: StandingCheckpoint | undefined,
  one: StandingCheckpoint,
): StandingCheckpoint => (known === undefined || one.next > known.next ? one : known)

/** The base, and from there up to the older one the first level of each span. */
function sparseLevels(
  { checkpoints, sparseEvery }: TrimFacts,
  first: EntryIndex,
  next: EntryIndex,
): readonly EntryIndex[] {
  const bySpan = new Map<number, EntryIndex>()
  const between = checkpoints
    .map((checkpoint) => checkpoint.next)
    .filter((level) => level >= first && level < next)
    .sort((a, b) => a - b)
  for (const level of between) {
    const span = Math.floor(level / sparseEvery)
    if (!bySpan.has(span)) bySpan.set(span, level)
  }
  return [...bySpan.values()]
}
