/**
 * Why a partition is not announced: one rule, one topic-partition, since when.
 *
 * Invariant: a block is told only for a partition that may not be announced on the same facts.
 * Rules are stable codes: they stand in metrics, in the API and in what `lakeward why` prints.
 */
import { present } from '../base/assert.ts'
import { later, type UnixMs, unixMs } from '../base/time.ts'
import type { DataFile } from '../model/data-file.ts'
import type { FoldedPartition, UnpublishedCommit } from '../model/fold-state.ts'
import { commitIdParts, type WriterId } from '../model/ids.ts'
import type { LakePartition } from '../model/lake-partition.ts'
import { type NextOffset, type Offset, offset } from '../model/offset.ts'
import type { Removal } from '../model/swap-entry.ts'
import { type SourcePartition, topicPartitionName } from '../model/topic-partition.ts'
import type { Candidate } from './readiness-candidates.ts'
import { brokenCondition } from './readiness-conditions.ts'
import {
  isUnmoved,
  isUnread,
  type ReadinessFacts,
  type ReadyStream,
  type SourceView,
  wantedTopics,
} from './readiness-facts.ts'
import type { PassedSource } from './readiness-manifest.ts'
import { endOf, lagRecordsOf, silentIntervals, waitingSource } from './readiness-sources.ts'
import { type StreamViews, streamViewsOf } from './readiness-views.ts'
import { spilledFileOf } from './spill-plan.ts'
import { passageOf } from './watermark.ts'

export const blockRules = [
  /** The partition's end plus `ready.delay` is not over, by the lake's time or by event time. */
  'delay',
  /** Records were appended that are not committed. */
  'lagging',
  /** All is read as far as known, but the log does not prove that nothing more is coming. */
  'idle-without-proof',
  /** Nobody reads the topic-partition. */
  'unassigned',
  /** The topic-partition stopped until an operator says how to go on. */
  'refused',
  /** A topic of the stream does not exist. */
  'topic-missing',
  /** The brokers have not been asked for the set of topic-partitions since the end plus delay. */
  'metadata',
  /** Writing or publishing on the lake fails. */
  'lake-refuses',
  /** A file lies in the spill area: its table refused it. */
  'spilled',
  /** A decided file is not known as published. */
  'unpublished',
  /** A published file is not on the lake, or has another size. */
  'file-missing',
  /** It has fewer rows than `ready.rowsMin` of its stream. */
  'too-few-rows',
  /** More of its events are dead letters than `ready.deadLettersMax` of its stream. */
  'dead-letters',
  /** A stream of `ready.after` has not announced the same span of time. */
  'other-stream',
  /** Complete itself, but an earlier partition of the stream goes first. */
  'earlier-partition',
] as const

export type BlockRule = (typeof blockRules)[number]

export interface Block {
  readonly stream: string
  readonly partition: LakePartition
  readonly rule: Exclude<BlockRule, 'earlier-partition'>
  /** Lake's clock since when this rule blocks; undefined where nothing tells. */
  readonly sinceMs: UnixMs | undefined
  /** The topic-partition that blocks, for rules about one. */
  readonly at: BlockingSource | undefined
  /** What else there is to know: a path, a topic, a refusal. */
  readonly detail: string | undefined
}

/** A topic-partition that holds a partition back, and what the log knows of it. */
interface BlockingSource {
  readonly source: SourcePartition
  /** Who moved its position last; undefined where nobody did. */
  readonly writer: WriterId | undefined
  /** Last committed record. */
  readonly lastOffset: Offset | undefined
  /** Offset of the next record to be appended; undefined where no high watermark is known. */
  readonly endOffset: NextOffset | undefined
  /** Records appended and not committed; undefined where no high watermark is known. */
  readonly lagRecords: bigint | undefined
  readonly eventWatermarkMs: UnixMs | undefined
  /** Lake's clock of the last commit that moved its position; undefined where none did. */
  readonly movedAtMs: UnixMs | undefined
  /** False where the log has never had a sign of a reader. */
  readonly everRead: boolean
}

export type Completeness =
  | { readonly kind: 'complete'; readonly passed: readonly PassedSource[] }
  | { readonly kind: 'blocked'; readonly block: Block }

/** Whether every topic-partition of a stream passed the partition's end, and all is published. */
export function completenessOf(
  facts: ReadinessFacts,
  stream: ReadyStream,
  candidate: Candidate,
): Completeness {
  const { partition } = candidate
  const early = delayBlock(facts, stream, partition)
  if (early !== undefined) return { kind: 'blocked', block: early }
  const views = streamViewsOf(facts, stream)
  const block =
    setBlock(facts, stream, partition, views) ??
    sourceBlock(facts, stream, partition, views) ??
    metadataBlock(facts, stream, partition) ??
    publishBlock(facts, stream, candidate) ??
    conditionBlock(facts, stream, candidate)
  if (block !== undefined) return { kind: 'blocked', block }
  return { kind: 'complete', passed: passedBy(stream, views.list, partition.nextMs) }
}

/** @param views all of them have passed the end. */
const passedBy = (
  stream: ReadyStream,
  views: readonly SourceView[],
  endMs: UnixMs,
): readonly PassedSource[] =>
  views.map((view) => {
    return { view, passage: present(passageOf(stream, view, endMs), 'it has passed') }
  })

function conditionBlock(
  facts: ReadinessFacts,
  stream: ReadyStream,
  { partition, folded }: Candidate,
): Block | undefined {
  const broken = brokenCondition(facts, stream, partition, folded)
  if (broken === undefined) return undefined
  return blockOf(stream, partition, { sinceMs: dueFromMs(stream, partition), ...broken })
}

type BlockParts = Pick<Block, 'rule' | 'sinceMs'> & Partial<Block>

const blockOf = (stream: ReadyStream, partition: LakePartition, parts: BlockParts): Block => ({
  stream: stream.name,
  partition,
  at: undefined,
  detail: undefined,
  ...parts,
})

/** The partition's end plus delay, which both event time and the lake's time must pass. */
const dueFromMs = (stream: ReadyStream, partition: LakePartition): UnixMs =>
  later(partition.nextMs, stream.readyDelayMs)

function delayBlock(
  facts: ReadinessFacts,
  stream: ReadyStream,
  partition: LakePartition,
): Block | undefined {
  if (facts.lakeNowMs >= dueFromMs(stream, partition)) return undefined
  return blockOf(stream, partition, { rule: 'delay', sinceMs: partition.nextMs })
}

/** The set must have at least one topic-partition of each topic, or passing would mean nothing. */
function setBlock(
  facts: ReadinessFacts,
  stream: ReadyStream,
  partition: LakePartition,
  { committed }: StreamViews,
): Block | undefined {
  const { metadata } = facts
  for (const topic of wantedTopics(facts, stream)) {
    const known = committed.some(({ source }) => source.topic === topic)
    if (known && !metadata?.missingTopics.includes(topic)) continue
    const rule = metadata === undefined ? 'metadata' : 'topic-missing'
    return blockOf(stream, partition, { rule, sinceMs: metadata?.askedAtMs, detail: topic })
  }
  return undefined
}

function metadataBlock(
  facts: ReadinessFacts,
  stream: ReadyStream,
  partition: LakePartition,
): Block | undefined {
  const dueMs = dueFromMs(stream, partition)
  if (facts.metadata !== undefined && facts.metadata.askedAtMs >= dueMs) return undefined
  return blockOf(stream, partition, { rule: 'metadata', sinceMs: dueMs })
}

/** The block of the topic-partition that tells most, among those that have not passed. */
function sourceBlock(
  facts: ReadinessFacts,
  stream: ReadyStream,
  partition: LakePartition,
  views: StreamViews,
): Block | undefined {
  const waiting = waitingSource(facts, stream, partition.nextMs, views)
  if (waiting === undefined) return undefined
  if (facts.lakeTrouble !== undefined) {
    const { sinceMs, reason } = facts.lakeTrouble
    return blockOf(stream, partition, { rule: 'lake-refuses', sinceMs, detail: reason })
  }
  const { rule, sinceMs, view } = waiting
  const detail = facts.refused.get(topicPartitionName(view.source))
  return blockOf(stream, partition, { rule, sinceMs, at: blockingSourceOf(facts, view), detail })
}

function blockingSourceOf(facts: ReadinessFacts, view: SourceView): BlockingSource {
  const { source, position, progress } = view
  const moved = position === undefined || isUnmoved(position) ? undefined : position
  const next = moved?.next ?? 0n
  return {
    source,
    writer: moved && commitIdParts(moved.commitId).writer,
    lastOffset: next === 0n ? undefined : offset(next - 1n),
    endOffset: endOf(facts, view),
    lagRecords: lagRecordsOf(facts, view),
    eventWatermarkMs: progress?.eventWatermarkMs,
    movedAtMs: moved?.movedAtMs,
    everRead: !isUnread(view),
  }
}

/** A file of the partition that is not where its readers look, or not known as published. */
export function publishBlock(
  facts: ReadinessFacts,
  stream: ReadyStream,
  candidate: Candidate,
): Block | undefined {
  const { partition, folded } = candidate
  if (folded === undefined) return undefined
  const spilled = spilledFileOf(folded)
  if (spilled !== undefined) {
    const detail = spilled.path
    return blockOf(stream, partition, { rule: 'spilled', sinceMs: undefined, detail })
  }
  const { standing } = facts
  const paths = new Set(folded.files.map(({ path }) => path))
  // What a table refuses of a commit keeps no partition of another that has all of its files.
  const isOpen = ({ path, stagedPath }: DataFile): boolean =>
    paths.has(path) && standing?.has(stagedPath) !== true
  for (const commit of facts.fold.unpublished.values()) {
    if (facts.publishedHere.has(commit.commitId)) continue
    const file = commit.files.find(isOpen) ?? leftoverOf(commit, stream, folded)
    if (file === undefined) continue
    const { lakeTrouble, stuck } = facts
    return blockOf(stream, partition, {
      rule: publishingFails(facts, commit) ? 'lake-refuses' : 'unpublished',
      sinceMs: lakeTrouble?.sinceMs ?? commit.stagedAtMs,
      detail: stuck.get(commit.commitId) ?? lakeTrouble?.reason ?? file.path,
    })
  }
  return missingBlock(facts, stream, candidate)
}

/** A file that was merged away and may still stand: readers of the folder would count it twice. */
const leftoverOf = (
  { removals = [] }: UnpublishedCommit,
  { name }: ReadyStream,
  { partition }: FoldedPartition,
): Removal | undefined =>
  removals.find(({ stream, partitionPath }) => stream === name && partitionPath === partition.path)

function missingBlock(
  facts: ReadinessFacts,
  stream: ReadyStream,
  { partition, folded }: Candidate,
): Block | undefined {
  const missing = folded?.files.find(({ path }) => facts.filesMissing.has(path))
  if (missing === undefined) return undefined
  const detail = missing.path
  return blockOf(stream, partition, { rule: 'file-missing', sinceMs: undefined, detail })
}

/** The writer goes on and puts entries, yet this commit of it stays unpublished: it is refused. */
function publishingFails(facts: ReadinessFacts, commit: UnpublishedCommit): boolean {
  if (facts.lakeTrouble !== undefined || facts.stuck.has(commit.commitId)) return true
  const writer = facts.fold.writers.get(commitIdParts(commit.commitId).writer)
  const spanMs = silentIntervals * facts.commitIntervalMs
  return writer !== undefined && writer.lastEntryAtMs > unixMs(commit.stagedAtMs + spanMs)
}
