/**
 * The answer to "why is this partition not announced?", from the log and the lake alone.
 *
 * Invariants:
 * - needs no daemon: what only a daemon knows (`assigned`, `lakeTrouble`) sharpens the answer;
 * - the rule told is one that holds on these facts; the sentence names the same topic-partition,
 *   offsets and times as the fields.
 *
 * Source: docs/readiness.md.
 */
import { present } from '../base/assert.ts'
import { isoOf, later, type UnixMs, unixMs } from '../base/time.ts'
import { formatDuration } from '../base/units.ts'
import type { FoldedPartition, FoldedSkip } from '../model/fold-state.ts'
import type { WriterId } from '../model/ids.ts'
import type { LakePartition, PartitionScheme } from '../model/lake-partition.ts'
import type { Offset } from '../model/offset.ts'
import type { ManifestSource } from '../model/ready-manifest.ts'
import { topicPartitionName } from '../model/topic-partition.ts'
import { partitionName } from './calendar-text.ts'
import { isClosed } from './fold-closed.ts'
import { changedSince } from './partition-place.ts'
import { type Block, type BlockRule, completenessOf } from './readiness-blocks.ts'
import { type Candidate, candidatesOf } from './readiness-candidates.ts'
import type { ReadinessFacts, ReadyStream } from './readiness-facts.ts'
import { pendingRevisionOf } from './readiness-revisions.ts'
import { releaseOf } from './release.ts'
import { type Gap, isInGap, skippedAt, skippedRangeOf } from './skipped.ts'
import { idleFromMs } from './watermark.ts'

type ExplainRule =
  | BlockRule
  /** It is announced. */
  | 'announced'
  /** Complete: the next round announces it. */
  | 'due'
  /** Event time has not begun it. */
  | 'future'
  /** A later partition is announced and this one never had an event. */
  | 'passed-over'
  /** It lies in a gap that the log tells as one range: nothing of it is announced. */
  | 'skipped'
  /** It lies before the first partition of the stream. */
  | 'before-first'
  /** Without rows, in a gap that is not filled, or beyond what event time is known of. */
  | 'no-rows'

export interface Explanation {
  readonly state: 'announced' | 'open' | 'due' | 'not-begun'
  readonly rule: ExplainRule
  /** "growth.events/3" */
  readonly topicPartition: string | undefined
  readonly writer: WriterId | undefined
  readonly lastOffset: Offset | undefined
  /** Of the next record to be appended there. */
  readonly endOffset: bigint | undefined
  readonly lagRecords: bigint | undefined
  /** How far the stream's event time is there: its highest, less `outOfOrderness`. */
  readonly eventTimeMs: UnixMs | undefined
  readonly sinceMs: UnixMs | undefined
  /** One or two sentences for people. */
  readonly sentence: string
  /** What it waits for, and from when on; undefined where it waits for nothing. */
  readonly release: string | undefined
  /** What it was announced on, of each topic-partition; undefined where it is not. */
  readonly evidence: readonly ManifestSource[] | undefined
}

const nothingMore = {
  topicPartition: undefined,
  writer: undefined,
  lastOffset: undefined,
  endOffset: undefined,
  lagRecords: undefined,
  eventTimeMs: undefined,
  sinceMs: undefined,
  release: undefined,
  evidence: undefined,
} as const

/** Before the reason why a topic-partition is not read, in the sentence of one that lags. */
const pausedText = 'its reading is paused: '

/** The reason why a topic-partition is not read for want of memory, from such a sentence. */
export function heldUpIn(sentence: string): string | undefined {
  const at = sentence.indexOf(pausedText)
  return at === -1 ? undefined : sentence.slice(at + pausedText.length).replace(/\.$/, '')
}

/** What blocks or completed a partition of a stream. */
export function explainPartition(
  facts: ReadinessFacts,
  stream: ReadyStream,
  partition: LakePartition,
): Explanation {
  const announced = explainAnnounced(facts, stream, partition)
  if (announced !== undefined) return announced
  let earlier: Block | undefined
  for (const candidate of candidatesOf(facts, stream)) {
    if (candidate.partition.path === partition.path) {
      return explainCandidate(facts, stream, candidate, earlier)
    }
    if (candidate.partition.startMs >= partition.nextMs) {
      const { skips } = candidate
      if (skips === undefined || !isInGap(skips, partition)) break
      return explainGap(facts, stream, { ...candidate, skips }, earlier)
    }
    earlier ??= blockFor(facts, stream, candidate)
  }
  return explainOutside(facts, stream, partition)
}

function blockFor(
  facts: ReadinessFacts,
  stream: ReadyStream,
  candidate: Candidate,
): Block | undefined {
  const completeness = completenessOf(facts, stream, candidate)
  return completeness.kind === 'blocked' ? completeness.block : undefined
}

function explainAnnounced(
  facts: ReadinessFacts,
  stream: ReadyStream,
  partition: LakePartition,
): Explanation | undefined {
  const folded = facts.fold.streams.get(stream.name)
  const known = folded?.partitions.get(partition.path)
  if (known?.manifest !== undefined) {
    const { decidedAt, rows, logEntry, sources: evidence } = known.manifest
    const sinceMs = unixMs(Date.parse(decidedAt))
    const what = `revision ${known.revision}, ${rows} rows, log entry ${logEntry}`
    const next = revisionSentence(facts, stream, known)
    const sentence = `It was announced at ${decidedAt}: ${what}.${next}`
    const told = { sinceMs, sentence, evidence }
    return { ...nothingMore, ...told, state: 'announced', rule: 'announced' }
  }
  const skip = skippedAt(folded, partition)
  if (skip !== undefined) return explainSkipped(stream, skip)
  const announcedNextMs = folded?.announcedNextMs
  if (known !== undefined || announcedNextMs === undefined) return undefined
  if (partition.nextMs > announcedNextMs) return undefined
  const announced = `partitions up to ${isoOf(announcedNextMs)} are announced`
  const sentence = isClosed(folded, partition)
    ? `It has no rows, or was closed long after its announcement: ${announced}.`
    : `It has no rows, and ${announced}.`
  return { ...nothingMore, state: 'not-begun', rule: 'passed-over', sentence }
}

function explainSkipped({ scheme }: ReadyStream, skip: FoldedSkip): Explanation {
  const { partitionCount, emptyRunMax, entry } = skip
  const gap = gapText(skip, partitionCount, scheme)
  const sentence =
    `It has no rows and is not announced: ${gap}, longer than ready.emptyRunMax ` +
    `(${emptyRunMax}), were told as one range by log entry ${entry}. Rows that still come are late.`
  return { ...nothingMore, state: 'not-begun', rule: 'skipped', sentence }
}

/** A gap that is not decided: rows may still come to it. */
function explainGap(
  facts: ReadinessFacts,
  stream: ReadyStream,
  { skips, ...behind }: Candidate & { readonly skips: Gap },
  earlier: Block | undefined,
): Explanation {
  const { partitions, emptyRunMax } = skippedRangeOf(skips, stream)
  const gap = gapText(skips, partitions, stream.scheme)
  const then = explainCandidate(facts, stream, behind, earlier)
  const sentence =
    `It has no rows: ${gap}, longer than ready.emptyRunMax (${emptyRunMax}), are not announced ` +
    `but told as one range with ${partitionName(behind.partition)} (${then.rule}): ${then.sentence}`
  return { ...nothingMore, state: 'not-begun', rule: 'no-rows', sentence }
}

/** "1000 hours from 2026-… up to 2026-…" */
const gapText = ({ firstMs, nextMs }: Gap, count: number, { by }: PartitionScheme): string =>
  `${count} ${by}${count === 1 ? '' : 's'} from ${isoOf(firstMs)} up to ${isoOf(nextMs)}`

/** What is to be told of late rows that no revision names yet; empty where there are none. */
function revisionSentence(
  facts: ReadinessFacts,
  stream: ReadyStream,
  folded: FoldedPartition,
): string {
  const pending = pendingRevisionOf(facts, stream, folded)
  if (pending === undefined) return ''
  const { added } = changedSince(folded)
  const files = added.length === 1 ? '1 late file' : `${added.length} late files`
  const begin = ` ${files} came since; revision ${folded.revision + 1}`
  switch (pending.kind) {
    case 'due':
      return `${begin} is announced by the next round.`
    case 'early':
      return `${begin} is due at ${isoOf(pending.dueMs)} (late.every).`
    case 'blocked': {
      const { rule } = pending.block
      return `${begin} waits (${rule}): ${sentenceOf(facts, stream, pending.block)}`
    }
    case 'not-passed': {
      const name = topicPartitionName(pending.source)
      return `${begin} waits for "${name}", which was added and has not passed.`
    }
  }
}

function explainCandidate(
  facts: ReadinessFacts,
  stream: ReadyStream,
  candidate: Candidate,
  earlier: Block | undefined,
): Explanation {
  const block = blockFor(facts, stream, candidate)
  if (block !== undefined) return explainBlock(facts, stream, block)
  if (earlier === undefined) {
    const sentence = 'Every topic-partition has passed it: the next round announces it.'
    const release = 'the next round, within seconds'
    return { ...nothingMore, state: 'due', rule: 'due', sentence, release }
  }
  const first = explainBlock(facts, stream, earlier)
  const sentence =
    `It is complete, but ${partitionName(earlier.partition)} goes first ` +
    `and waits (${first.rule}): ${first.sentence}`
  return { ...first, rule: 'earlier-partition', sentence }
}

/** A partition that is no candidate: nothing is expected to be announced about it. */
function explainOutside(
  facts: ReadinessFacts,
  stream: ReadyStream,
  partition: LakePartition,
): Explanation {
  if (partition.startMs > facts.lakeNowMs) {
    const sentence = `It begins at ${isoOf(partition.startMs)}.`
    return { ...nothingMore, state: 'not-begun', rule: 'future', sentence }
  }
  const dueMs = later(partition.nextMs, stream.readyDelayMs)
  if (facts.lakeNowMs < dueMs) {
    const sentence = `It has no rows so far; its end plus ready.delay is ${isoOf(dueMs)}.`
    const release = `the lake's clock at ${isoOf(dueMs)}`
    const sinceMs = partition.nextMs
    return { ...nothingMore, state: 'open', rule: 'delay', sinceMs, sentence, release }
  }
  const [first] = candidatesOf(facts, stream)
  if (first !== undefined && partition.nextMs <= first.partition.startMs) {
    const sentence = `The stream begins with ${partitionName(first.partition)}.`
    return { ...nothingMore, state: 'not-begun', rule: 'before-first', sentence }
  }
  const sentence =
    'It has no rows, and event time on the topics of the stream is not known to have passed it: ' +
    'gaps beyond the bounds of docs/readiness.md are not filled with empty partitions.'
  return { ...nothingMore, state: 'not-begun', rule: 'no-rows', sentence }
}

function explainBlock(facts: ReadinessFacts, stream: ReadyStream, block: Block): Explanation {
  return {
    state: 'open',
    rule: block.rule,
    topicPartition: block.at === undefined ? undefined : topicPartitionName(block.at.source),
    writer: block.at?.writer,
    lastOffset: block.at?.lastOffset,
    endOffset: block.at?.endOffset,
    lagRecords: block.at?.lagRecords,
    eventTimeMs: block.at?.eventWatermarkMs,
    sinceMs: block.sinceMs,
    sentence: sentenceOf(facts, stream, block),
    release: releaseOf(facts, stream, block),
    evidence: undefined,
  }
}

/** The block in words. */
function sentenceOf(facts: ReadinessFacts, stream: ReadyStream, block: Block): string {
  const { at, detail, sinceMs } = block
  const name = at === undefined ? '' : `"${topicPartitionName(at.source)}"`
  const dueMs = later(block.partition.nextMs, stream.readyDelayMs)
  const since = sinceMs === undefined ? '' : ` since ${isoOf(sinceMs)}`
  switch (block.rule) {
    case 'delay':
      return delaySentence(facts, block, name, dueMs)
    case 'lagging':
      return laggingSentence(facts, block, name)
    case 'idle-without-proof':
      return idleSentence(stream, block, name)
    case 'unassigned':
      return at?.everRead
        ? `Topic-partition ${name} has no writer: the log has had no sign of one${since}.`
        : `Topic-partition ${name} has never been read: no writer has it.`
    case 'refused':
      return `Topic-partition ${name} has stopped${since}: ${detail}.`
    case 'topic-missing':
      return `Topic "${detail}" does not exist: what belongs to the partition is not known.`
    case 'metadata':
      return `The brokers have not been asked for the topic-partitions since ${isoOf(dueMs)}.`
    case 'lake-refuses':
      return `The lake refuses writes${since}: ${detail}.`
    case 'spilled':
      return `File "${detail}" was refused by its table, and is brought home when it takes files.`
    case 'unpublished':
      return `File "${detail}" is decided${since} and not yet published.`
    case 'file-missing':
      return missingSentence(facts, block)
    case 'too-few-rows':
    case 'dead-letters':
      return `It is complete, and has ${detail}.`
    case 'other-stream':
      return `It is complete, and waits for stream "${detail}" (ready.after).`
  }
}

/**
 * A file that is too long grew by an entry that was stepped over: its tail was still on its way
 * when the files were cut back.
 */
function missingSentence({ fold, filesMissing }: ReadinessFacts, block: Block): string {
  const { stream, partition, detail = '' } = block
  const foundBytes = filesMissing.get(detail)
  if (foundBytes === undefined) return `File "${detail}" is in the log but not on the lake.`
  const folded = fold.streams.get(stream)?.partitions.get(partition.path)
  const file = folded?.files.find(({ path }) => path === detail)
  const { sizeBytes } = present(file, 'a file that is missed is live')
  const sizes = `File "${detail}" has ${foundBytes} bytes on the lake and ${sizeBytes} in the log`
  if (foundBytes < sizeBytes || fold.steppedOver.length === 0) return `${sizes}.`
  const entries = fold.steppedOver.join(',')
  return `${sizes}: stop all daemons, and give "lakeward log void ${entries}" once more.`
}

function delaySentence(facts: ReadinessFacts, block: Block, name: string, dueMs: UnixMs): string {
  if (facts.lakeNowMs < dueMs) return `Its end plus ready.delay is at ${isoOf(dueMs)}.`
  const reached = isoOf(present(block.at?.eventWatermarkMs, 'event time falls short of the delay'))
  return `Event time of ${name} is at ${reached}; its end plus ready.delay is ${isoOf(dueMs)}.`
}

function laggingSentence({ heldUp }: ReadinessFacts, { at }: Block, name: string): string {
  const lag = `Topic-partition ${name} has ${at?.lagRecords} records that are not committed`
  const reason = at && heldUp?.get(topicPartitionName(at.source))
  const pause = reason === undefined ? '' : `; ${pausedText}${reason}`
  if (at?.movedAtMs === undefined) return `${lag}; it has had no commit yet${pause}.`
  return `${lag}; its last commit was at ${isoOf(at.movedAtMs)}${pause}.`
}

function idleSentence(stream: ReadyStream, block: Block, name: string): string {
  const idle = formatDuration(stream.idleMs)
  const sinceMs = present(block.sinceMs, 'what is read has brought nothing since a moment')
  const provableMs = idleFromMs(stream, sinceMs, block.partition.nextMs)
  return (
    `Topic-partition ${name} has brought no rows since ${isoOf(sinceMs)}; ` +
    `it counts as idle with a proof asked at or after ${isoOf(provableMs)} (ready.idle is ${idle}).`
  )
}
