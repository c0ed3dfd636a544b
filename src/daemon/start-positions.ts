/**
 * Where to read each topic-partition from. The commit log says so; where it knows nothing,
 * `kafka.start` does, and that choice is itself an entry, put before the first fetch.
 *
 * A partition of a topic that the log knows already was added later: it starts at 0, as does a
 * topic of a pattern by which the log knows others. A topic whose id or cluster is not the one in
 * the log is another topic under the same name: it is refused.
 */
import type { Fault } from '../base/fault.ts'
import type { AppendRange } from '../model/log-entry.ts'
import { nextOffset, type Offset } from '../model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import { isSelectedByPattern, sharesPattern } from '../model/topic-selection.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { OffsetPosition, Source, StartAt } from '../ports/source.ts'
import {
  decideStart,
  type LanePositions,
  readUnder,
  type StartDecision,
  type StartPosition,
} from '../protocol/source-judgement.ts'
import { configVersionIn, type OwnConfig } from './own-config.ts'

export interface StartPositions {
  readonly from: ReadonlyMap<SourceKey, StartPosition>
  readonly refused: ReadonlyMap<SourceKey, Fault>
  /** The log knows nothing of these and no leader answered for them: to be asked again. */
  readonly unanswered: readonly SourcePartition[]
}

export interface StartRule {
  readonly lane: string
  /** `kafka.start`. */
  readonly start: StartAt
  /** Names and patterns of all streams. */
  readonly topics: readonly string[]
  readonly config: OwnConfig
  /** Called before the first position of each of these topics is put; what it throws hinders it. */
  readonly beginTopics?: ((topics: ReadonlySet<string>) => Promise<void>) | undefined
}

/**
 * Reads positions from the log, and puts those it does not know yet.
 *
 * @throws {Fault} LAKE_…, KAFKA_…: nothing was decided, or it was and the next call finds it;
 *   CONFIG_CONFLICT; LOG_SHARD_TAKEN.
 */
export async function resolveStartPositions(
  log: CommitLog,
  source: Source,
  sources: readonly SourcePartition[],
  rule: StartRule,
): Promise<StartPositions> {
  for (;;) {
    const fold = await log.refresh()
    const configVersion = configVersionIn(fold, rule.config)
    const positions = fold.positions.get(rule.lane) ?? new Map()
    const decisions = sources.map((at) => ({ at, decision: decideStart(positions, at) }))
    const unknown = decisions.filter(isUnknown)
    const ranges =
      unknown.length === 0 ? [] : await startRanges({ source, rule, positions }, unknown)
    if (ranges.length === 0) return positionsOf(decisions)
    await rule.beginTopics?.(new Set(ranges.map((range) => range.source.topic)))
    await putStart(log, configVersion, ranges)
  }
}

interface Decided {
  readonly at: SourcePartition
  readonly decision: StartDecision
}

const isUnknown = ({ decision: { kind } }: Decided): boolean =>
  kind === 'new-topic' || kind === 'added-partition'

function positionsOf(decisions: readonly Decided[]): StartPositions {
  const from = new Map<SourceKey, StartPosition>()
  const refused = new Map<SourceKey, Fault>()
  for (const { at, decision } of decisions) {
    if (decision.kind === 'known') from.set(sourceKey(at), decision.start)
    if (decision.kind === 'refused') refused.set(sourceKey(at), decision.fault)
  }
  return { from, refused, unanswered: decisions.filter(isUnknown).map(({ at }) => at) }
}

/** Start positions of all that leaders answered for, to be put as one entry. */
async function startRanges(
  parts: StartParts,
  unknown: readonly Decided[],
): Promise<readonly AppendRange[]> {
  const { source, rule } = parts
  const isLater = ({ at, decision }: Decided): boolean =>
    decision.kind === 'added-partition' || isLaterTopic(parts, at.topic)
  const later = unknown.filter(isLater).map(({ at }) => at)
  const fresh = unknown.filter((one) => !isLater(one)).map(({ at }) => at)
  return [
    ...rangesOf(rule, later, await offsetsAt(source, later, 'earliest')),
    ...(await freshRanges(parts, fresh)),
  ]
}

interface StartParts {
  readonly source: Source
  readonly rule: StartRule
  readonly positions: LanePositions
}

/** A pattern selects it that was begun before: it came later, and is read from its beginning. */
const isLaterTopic = ({ rule, positions }: StartParts, topic: string): boolean =>
  isSelectedByPattern(rule.topics, topic) &&
  [...positions.values()].some(({ source }) => sharesPattern(rule.topics, source.topic, topic))

/**
 * Start positions of topics that the log does not know, for every partition they have, whoever
 * reads it: one that is put later counts as added to the topic, and would start at its beginning.
 *
 * So a topic waits for all of its leaders, unless it starts at the first record anyway.
 */
async function freshRanges(
  { source, rule, positions }: StartParts,
  fresh: readonly SourcePartition[],
): Promise<readonly AppendRange[]> {
  if (fresh.length === 0) return []
  const { sources } = await source.metadata()
  const isFresh = (at: SourcePartition): boolean => readUnder(positions, at.topic).length === 0
  // Put after one of them, another topic of the pattern would count as one that came later.
  const together = (at: SourcePartition): boolean =>
    fresh.some((one) => sharesPattern(rule.topics, one.topic, at.topic)) && isFresh(at)
  const topics = new Set(fresh.map(idOf))
  const all = sources.filter((at) => topics.has(idOf(at)) || together(at))
  const offsets = await startOffsets(source, all, rule.start)
  if (rule.start === 'earliest') return rangesOf(rule, all, offsets)
  const late = all.filter((at) => !offsets.has(sourceKey(at)))
  const waits = (at: SourcePartition): boolean =>
    late.some((one) => idOf(one) === idOf(at) || sharesPattern(rule.topics, one.topic, at.topic))
  return rangesOf(
    rule,
    all.filter((at) => !waits(at)),
    offsets,
  )
}

const idOf = ({ clusterId, topicId }: SourcePartition): string => `${clusterId}/${topicId}`

/** What a group never committed is read from its beginning: nobody has read it. */
async function startOffsets(
  source: Source,
  all: readonly SourcePartition[],
  start: StartAt,
): Promise<ReadonlyMap<SourceKey, Offset>> {
  if (typeof start !== 'object') return offsetsAt(source, all, start)
  const committed = await source.groupOffsets(start.group)
  const others = all.filter((at) => !committed.has(sourceKey(at)))
  return new Map([...(await offsetsAt(source, others, 'earliest')), ...committed])
}

const rangesOf = (
  { lane }: StartRule,
  sources: readonly SourcePartition[],
  offsets: ReadonlyMap<SourceKey, Offset>,
): readonly AppendRange[] =>
  sources.flatMap((source): readonly AppendRange[] => {
    const first = offsets.get(sourceKey(source))
    if (first === undefined) return []
    const range = { first, next: nextOffset(first), leaderEpoch: -1 }
    return [{ lane, source, expected: undefined, ...range }]
  })

/** Puts the start positions as an entry. Losing a race is no failure: the next look folds it. */
async function putStart(
  log: CommitLog,
  configVersion: number,
  ranges: readonly AppendRange[],
): Promise<void> {
  const body = { files: [], counts: [], progress: [], evidence: [] }
  const commitId = log.nextCommitId()
  await log.put({ kind: 'append', commitId, ranges, places: [], configVersion, body })
}

const offsetsAt = async (
  source: Source,
  sources: readonly SourcePartition[],
  position: OffsetPosition,
): Promise<ReadonlyMap<SourceKey, Offset>> =>
  sources.length === 0 ? new Map() : source.offsetsAt(sources, position)
