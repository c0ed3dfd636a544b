/**
 * Which partitions are announced, and why the others wait.
 *
 * Invariants:
 * - a partition is announced only when every topic-partition of the set that can carry its stream
 *   passed its end, by committed facts, and all its files are published;
 * - the set is the brokers' answer asked after the partition's end plus delay; it stands in the
 *   manifest;
 * - partitions of one stream are announced in order; later revisions wait for nothing but
 *   `late.every`, their files, and topic-partitions that were added since.
 *
 * The decision is taken by whoever comes first: the `ready` entry relies on each partition's
 * version, so that it is void for everybody where the partition changed meanwhile.
 *
 * Source: docs/protocol.md, section 7; docs/readiness.md.
 */
import type { Announcement } from '../model/log-entry.ts'
import { type Block, completenessOf } from './readiness-blocks.ts'
import { candidatesOf } from './readiness-candidates.ts'
import type { ReadinessFacts, ReadyStream } from './readiness-facts.ts'
import { manifestOf } from './readiness-manifest.ts'
import { dueRevisions } from './readiness-revisions.ts'

/** Most announcements in one entry; the rest follow in the next. */
export const announcementsMax = 200

export type ReadyDecision =
  | {
      readonly kind: 'announce'
      /** At least one, at most `announcementsMax`, in order within each stream. */
      readonly announcements: readonly Announcement[]
      readonly blocks: readonly Block[]
    }
  /** For each stream with a candidate the first partition that waits, and its rule. */
  | { readonly kind: 'wait'; readonly blocks: readonly Block[] }

/** What to announce on these facts. Pure: the announcer gathers facts and obeys. */
export function decideReady(facts: ReadinessFacts): ReadyDecision {
  const announcements: Announcement[] = []
  const blocks: Block[] = []
  for (const stream of inTurn(facts)) {
    const room = announcementsMax - announcements.length
    const due = dueOf(facts, stream, room)
    announcements.push(...due.announcements)
    announcements.push(...dueRevisions(facts, stream, room - due.announcements.length))
    if (due.block !== undefined) blocks.push(due.block)
  }
  if (announcements.length === 0) return { kind: 'wait', blocks }
  return { kind: 'announce', announcements, blocks }
}

/**
 * The streams in the order of what they announced last. More may be due than an entry takes: those
 * behind come first, or the first ones would take the room of every entry while the last ones wait.
 */
function inTurn({ streams, fold }: ReadinessFacts): readonly ReadyStream[] {
  const reached = ({ name }: ReadyStream): number =>
    fold.streams.get(name)?.announcedNextMs ?? Number.NEGATIVE_INFINITY
  const placed = streams.map((stream) => ({ stream, nextMs: reached(stream) }))
  // Not their difference: of two without an announcement it would be no number.
  placed.sort((one, other) => Number(one.nextMs > other.nextMs) - Number(one.nextMs < other.nextMs))
  return placed.map(({ stream }) => stream)
}

interface DuePartitions {
  readonly announcements: readonly Announcement[]
  /** Of the first partition that is not due. */
  readonly block: Block | undefined
}

function dueOf(facts: ReadinessFacts, stream: ReadyStream, room: number): DuePartitions {
  const announcements: Announcement[] = []
  for (const candidate of candidatesOf(facts, stream)) {
    const completeness = completenessOf(facts, stream, candidate)
    if (completeness.kind === 'blocked') return { announcements, block: completeness.block }
    if (announcements.length === room) break
    announcements.push({
      stream: stream.name,
      partition: candidate.partition,
      version: candidate.folded?.version,
      manifest: manifestOf(facts, stream, candidate, completeness.passed),
      targets: stream.targets,
    })
  }
  return { announcements, block: undefined }
}

/** The first partition of a stream that is not complete, for who must bring what it waits for. */
export function firstBlock(facts: ReadinessFacts, stream: ReadyStream): Block | undefined {
  for (const candidate of candidatesOf(facts, stream)) {
    const completeness = completenessOf(facts, stream, candidate)
    if (completeness.kind === 'blocked') return completeness.block
  }
  return undefined
}
