/**
 * Whether an operator may step over a log entry, and what then stands in its place.
 *
 * Invariants:
 * - only what nobody can read is stepped over, and only while the log has to be read through it: a
 *   checkpoint above it was made by somebody who could read it, and its word stands;
 * - the stand-in is made from the index and the bytes it replaces alone: whoever puts it, and
 *   however often, it is the same bytes.
 *
 *     unreadable ──notice put at the log's end──▶ bytes kept aside ──▶ stand-in put over them
 *
 * Source: docs/protocol.md, "Operator's repairs"; docs/adr, operators repairs.
 */
import { unixMs } from '../base/time.ts'
import { commitIdOf, writerId } from '../model/ids.ts'
import { type EntryIndex, firstFormat } from '../model/log-entry.ts'
import type { VoidEntry } from '../model/repair-entry.ts'

export interface StepOverFacts {
  readonly index: EntryIndex
  readonly standing: 'absent' | 'whole' | 'stand-in' | 'unreadable'
  /** Checkpoints over more entries than `index`: each with whether it can be read. */
  readonly checkpointsAbove: readonly { readonly path: string; readonly readable: boolean }[]
}

export type StepOverDecision =
  | { readonly kind: 'step-over' }
  /** Somebody did it before. */
  | { readonly kind: 'done' }
  /** `because` is for people: a sentence without its full stop. */
  | { readonly kind: 'refuse'; readonly because: string }

const refuse = (because: string): StepOverDecision => ({ kind: 'refuse', because })

export function decideStepOver(facts: StepOverFacts): StepOverDecision {
  const { index, standing, checkpointsAbove } = facts
  switch (standing) {
    case 'absent':
      return refuse(`no entry ${index} stands in the log`)
    case 'whole':
      return refuse(`entry ${index} can be read`)
    case 'stand-in':
      return { kind: 'done' }
    case 'unreadable': {
      const [above] = checkpointsAbove
      if (above === undefined) return { kind: 'step-over' }
      const readable = checkpointsAbove.find((checkpoint) => checkpoint.readable)
      if (readable !== undefined) {
        return refuse(`the log is read from checkpoint "${readable.path}", which stands above it`)
      }
      return refuse(
        `checkpoint "${above.path}" stands above it and is unreadable: restore it first`,
      )
    }
  }
}

/** Nobody's: no process start has this id. */
const nobody = writerId('0'.repeat(32))

/** What is put over the unreadable bytes. */
export const standInOf = (index: EntryIndex, sha256: string): VoidEntry => ({
  kind: 'void',
  format: firstFormat,
  commitId: commitIdOf(nobody, index),
  writerId: nobody,
  stagedAtMs: unixMs(0),
  publishedNext: 0,
  published: [],
  discarded: [],
  entry: index,
  sha256,
  why: '',
})
