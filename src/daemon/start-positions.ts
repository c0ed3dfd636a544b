/**
 * Where to read each topic-partition from. The commit log says so; where it knows nothing,
 * `kafka.start` does, and that choice is itself an entry, put before the first fetch.
 *
 * A partition of a topic that the log knows already was added later: it starts at 0. A topic whose
 * id or cluster is not the one in the log is another topic under the same name: it is refused.
 */
import type { Fault } from '../base/fault.ts'
import type { AppendRange } from '../model/log-entry.ts'
import { nextOffset, type Offset } from '../model/offset.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { OffsetPosition, Source } from '../ports/source.ts'
import {
  decideStart,
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
  readonly start: OffsetPosition
  readonly config: OwnConfig
}

/**
 * Reads positions from the log, and puts those it does not know yet.
 *
 * @throws {Fault} LAKE_…, KAFKA_…: nothing was decided, or it was and the next call finds it;
 *   CONFIG_CONFLICT.
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
    const ranges = unknown.length === 0 ? [] : await startRanges(source, rule, unknown)
    if (ranges.length === 0) return positionsOf(decisions)
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
  source: Source,
  rule: StartRule,
  unknown: readonly Decided[],
): Promise<readonly AppendRange[]> {
  const added = unknown.filter(({ decision }) => decision.kind === 'added-partition')
  const fresh = unknown.filter(({ decision }) => decision.kind === 'new-topic')
  const places = added.map(({ at }) => at)
  return [
    ...rangesOf(rule, places, await offsetsAt(source, places, 'earliest')),
    ...(await freshRanges(
      source,
      rule,
      fresh.map(({ at }) => at),
    )),
  ]
}

/**
 * Start positions of topics that the log does not know, for every partition they have, whoever
 * reads it: one that is put later counts as added to the topic, and would start at its beginning.
 *
 * So a topic waits for all of its leaders, unless it starts at the first record anyway.
 */
async function freshRanges(
  source: Source,
  rule: StartRule,
  fresh: readonly SourcePartition[],
): Promise<readonly AppendRange[]> {
  if (fresh.length === 0) return []
  const idOf = ({ clusterId, topicId }: SourcePartition): string => `${clusterId}/${topicId}`
  const topics = new Set(fresh.map(idOf))
  const { sources } = await source.metadata()
  const all = sources.filter((at) => topics.has(idOf(at)))
  const offsets = await offsetsAt(source, all, rule.start)
  if (rule.start === 'earliest') return rangesOf(rule, all, offsets)
  const late = new Set(all.filter((at) => !offsets.has(sourceKey(at))).map(idOf))
  const whole = all.filter((at) => !late.has(idOf(at)))
  return rangesOf(rule, whole, offsets)
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
