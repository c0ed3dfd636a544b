/**
 * The fold: what the commit log says, entry by entry.
 *
 * Invariants:
 * - `foldEntry` is pure and total: it never throws, whatever an entry of a known kind says;
 * - an entry whose reliances do not hold changes `voids`, `voidCount`, `writers`, `next` and
 *   `checksum`, nothing else;
 * - the cost is that of the entry, not of the state: maps share what they have in common;
 * - from a checkpoint or from the first entry, the same entries give the same state.
 *
 *     empty ──config──▶ version 1 ──append (start position)──▶ next known ──append──▶ files, open
 *       ──ready──▶ announced, undelivered ──delivered──▶ nothing left to do
 *
 * Source: docs/protocol.md, "The fold".
 */
import { hash } from 'node:crypto'
import { present } from '../base/assert.ts'
import { PersistentMap } from '../base/persistent-map.ts'
import { type FoldedStreamConfig, type FoldedWriter, type FoldState } from '../model/fold-state.ts'
import { commitIdParts } from '../model/ids.ts'
import {
  type ConfigEntry,
  type EntryIndex,
  firstFormat,
  type LogEntry,
} from '../model/log-entry.ts'
import type { BrokenReliance } from './broken-reliance.ts'
import { foldAppend } from './fold-append.ts'
import { foldClosedLate } from './fold-closed.ts'
import { foldDelivered, foldReady } from './fold-ready.ts'
import { foldForget, foldVoid, withVoidAt } from './fold-repair.ts'
import { foldSource } from './fold-source.ts'
import { foldForgottenFiles, foldSwap, withoutUnpublished } from './fold-swap.ts'
import { brokenReliance } from './reliance.ts'

export type EntryVerdict =
  | { readonly kind: 'decided' }
  | ({ readonly kind: 'void' } & BrokenReliance)

export interface FoldStep {
  readonly state: FoldState
  readonly verdict: EntryVerdict
}

/** A log without entries. */
export function emptyFold(): FoldState {
  return {
    next: 0,
    checksum: '0'.repeat(64),
    config: { version: 0, format: firstFormat, checksum: '', streams: [], putAtMs: undefined },
    positions: PersistentMap.empty(),
    streams: PersistentMap.empty(),
    evidence: PersistentMap.empty(),
    writers: PersistentMap.empty(),
    unpublished: PersistentMap.empty(),
    undelivered: [],
    voids: [],
    voidCount: 0,
    steppedOver: [],
    forgotten: new Set(),
  }
}

/** SHA-256 of a head's bytes, hex: what `foldEntry` wants to know of them. */
export const headChecksumOf = (head: Uint8Array): string => hash('sha256', head, 'hex')

/**
 * Folds the next entry.
 *
 * @param index of the entry; it is the state's `next`, or the caller has a bug.
 * @param headChecksum of the head's bytes, from `headChecksumOf`.
 */
export function foldEntry(
  state: FoldState,
  index: EntryIndex,
  entry: LogEntry,
  headChecksum: string,
): FoldStep {
  const passed: FoldState = {
    ...state,
    next: index + 1,
    checksum: hash('sha256', state.checksum + headChecksum, 'hex'),
    writers: withWriterSeen(state, entry),
  }
  const broken = brokenReliance(state, entry)
  if (broken !== undefined) {
    return { state: withVoid(passed, index, entry, broken), verdict: { kind: 'void', ...broken } }
  }
  return {
    state: decided(withPublished(passed, entry), index, entry),
    verdict: { kind: 'decided' },
  }
}

function decided(state: FoldState, index: EntryIndex, entry: LogEntry): FoldState {
  switch (entry.kind) {
    case 'append':
      return foldAppend(state, index, entry)
    case 'ready':
      return foldReady(state, index, entry)
    case 'delivered':
      return foldDelivered(state, entry)
    case 'source':
      return foldSource(state, entry)
    case 'config': {
      const { version, format, checksum, stagedAtMs: putAtMs } = entry
      const streams = withSince(state, entry)
      return { ...state, config: { version, format, checksum, streams, putAtMs } }
    }
    case 'void':
      return foldVoid(state, index, entry)
    case 'forget':
      return foldForgottenFiles(foldForget(state, entry), index, entry)
    case 'closed-late':
      return foldClosedLate(state, entry)
    case 'swap':
      return foldSwap(state, index, entry)
  }
}

function withSince(state: FoldState, entry: ConfigEntry): readonly FoldedStreamConfig[] {
  const known = new Map(state.config.streams.map(({ name, sinceMs }) => [name, sinceMs]))
  return entry.streams.map((stream) => ({
    ...stream,
    sinceMs: known.get(stream.name) ?? entry.stagedAtMs,
  }))
}

function withVoid(
  state: FoldState,
  entry: EntryIndex,
  { commitId }: LogEntry,
  { because }: BrokenReliance,
): FoldState {
  return withVoidAt(state, { entry, commitId, because })
}

const newWriter: Omit<FoldedWriter, 'lastEntryAtMs'> = {
  counterNext: 0,
  publishedNext: 0,
  unpublished: [],
  discardedCount: 0,
}

function withWriterSeen(state: FoldState, entry: LogEntry): FoldState['writers'] {
  const { writerId, commitId, stagedAtMs, discarded } = entry
  const known = state.writers.get(writerId) ?? { ...newWriter, lastEntryAtMs: stagedAtMs }
  const { counter } = commitIdParts(commitId)
  return PersistentMap.of(state.writers).with(writerId, {
    ...known,
    counterNext: Math.max(known.counterNext, counter + 1),
    lastEntryAtMs: stagedAtMs,
    discardedCount: known.discardedCount + discarded.length,
  })
}

/** Takes the entry's word for what is published: its writer's own commits, and others'. */
function withPublished(state: FoldState, entry: LogEntry): FoldState {
  const { writerId, publishedNext } = entry
  const writer = present(state.writers.get(writerId), 'who put an entry was seen')
  const own = writer.unpublished.filter((id) => commitIdParts(id).counter < publishedNext)
  const writers = PersistentMap.of(state.writers).with(writerId, { ...writer, publishedNext })
  return [...own, ...entry.published].reduce(withoutUnpublished, { ...state, writers })
}
