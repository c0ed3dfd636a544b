import type { DiscardReason } from '../model/log-entry.ts'

/** Something that an entry relies on and that does not hold. */
export interface BrokenReliance {
  readonly reason: DiscardReason
  /** For people: what does not hold, with both values. */
  readonly because: string
}

export const broken = (reason: DiscardReason, because: string): BrokenReliance => ({
  reason,
  because: `${reason}: ${because}`,
})
