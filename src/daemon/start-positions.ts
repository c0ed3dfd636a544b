/**
 * Where to read each topic-partition from. The commit log says so; where it knows nothing,
 * `kafka.start` does, and that choice is itself an entry, put before the first fetch.
 *
 * A partition of a topic that the log knows already was added later: it starts at 0. A topic whose
 * id or cluster is not the one in the log is another topic under the same name: it is refused.
 */
import { Fault } from '../base/fault.ts'
import type { FoldedPosition, FoldState } from '../model/fold-state.ts'
import type { AppendRange } from '../model/log-entry.ts'
import { nextOffset, type Offset, offset } from '../model/offset.ts'
import {
  type SourceKey,
  type SourcePartition,
  sourceKey,
  topicPartitionName,
} from '../model/topic-partition.ts'
import type { CommitLog } from '../ports/commit-log.ts'
import type { OffsetPosition, Source } from '../ports/source.ts'

export interface StartPositions {
  readonly from: ReadonlyMap<SourceKey, StartPosition>
  readonly refused: ReadonlyMap<SourceKey, Fault>
}

/** Where to read on, and the leader epoch of the record before; -1 when it is not known. */
export interface StartPosition {
  readonly from: Offset
  readonly leaderEpoch: number
}

export interface StartRule {
  readonly lane: string
  /** `kafka.start`. */
  readonly start: OffsetPosition
}

/** What the log says of where to read one topic-partition from. */
export type StartDecision =
  | { readonly kind: 'known'; readonly start: StartPosition }
  | { readonly kind: 'new-topic' }
  | { readonly kind: 'added-partition' }
  | { readonly kind: 'refused'; readonly fault: Fault }

/** Pure: what to do about one topic-partition. */
export function decideStart(
  positions: ReadonlyMap<SourceKey, FoldedPosition>,
  source: SourcePartition,
): StartDecision {
  const known = positions.get(sourceKey(source))
  if (known !== undefined) {
    const { next, leaderEpoch } = known
    return { kind: 'known', start: { from: offset(next), leaderEpoch } }
  }
  const sameName = [...positions.values()].filter((at) => at.source.topic === source.topic)
  const [first] = sameName
  if (first === undefined) return { kind: 'new-topic' }
  const before = first.source
  const facts = { topicPartition: topicPartitionName(source), logHas: '', brokerHas: '' }
  if (before.clusterId !== source.clusterId) {
    const ids = { logHas: before.clusterId, brokerHas: source.clusterId }
    return { kind: 'refused', fault: new Fault('KAFKA_CLUSTER_CHANGED', { ...facts, ...ids }) }
  }
  if (before.topicId !== source.topicId) {
    const ids = { logHas: before.topicId, brokerHas: source.topicId }
    return { kind: 'refused', fault: new Fault('KAFKA_TOPIC_RECREATED', { ...facts, ...ids }) }
  }
  return { kind: 'added-partition' }
}

/** Reads positions from the log, and puts those it does not know yet. */
export async function resolveStartPositions(
  log: CommitLog,
  source: Source,
  sources: readonly SourcePartition[],
  rule: StartRule,
): Promise<StartPositions> {
  for (;;) {
    const fold = await log.refresh()
    const positions = fold.positions.get(rule.lane) ?? new Map()
    const decisions = sources.map((at) => ({ at, decision: decideStart(positions, at) }))
    const unknown = decisions.filter(({ decision }) => isUnknown(decision))
    if (unknown.length === 0) return positionsOf(decisions)
    await putStart({ log, source, rule, fold, unknown })
  }
}

interface Decided {
  readonly at: SourcePartition
  readonly decision: StartDecision
}

const isUnknown = ({ kind }: StartDecision): boolean =>
  kind === 'new-topic' || kind === 'added-partition'

function positionsOf(decisions: readonly Decided[]): StartPositions {
  const from = new Map<SourceKey, StartPosition>()
  const refused = new Map<SourceKey, Fault>()
  for (const { at, decision } of decisions) {
    if (decision.kind === 'known') from.set(sourceKey(at), decision.start)
    if (decision.kind === 'refused') refused.set(sourceKey(at), decision.fault)
  }
  return { from, refused }
}

interface StartFacts {
  readonly log: CommitLog
  readonly source: Source
  readonly rule: StartRule
  readonly fold: FoldState
  readonly unknown: readonly Decided[]
}

/** Puts the start positions as an entry. Losing a race is no failure: the next look folds it. */
async function putStart({ log, source, rule, fold, unknown }: StartFacts): Promise<void> {
  const added = unknown.filter(({ decision }) => decision.kind === 'added-partition')
  const fresh = unknown.filter(({ decision }) => decision.kind === 'new-topic')
  const places = (of: readonly Decided[]): readonly SourcePartition[] => of.map(({ at }) => at)
  const offsets = new Map([
    ...(await offsetsAt(source, places(added), 'earliest')),
    ...(await offsetsAt(source, places(fresh), rule.start)),
  ])
  const ranges = unknown.flatMap(({ at }): readonly AppendRange[] => {
    const first = offsets.get(sourceKey(at))
    if (first === undefined) return []
    const range = { first, next: nextOffset(first), leaderEpoch: -1 }
    return [{ lane: rule.lane, source: at, expected: undefined, ...range }]
  })
  await log.put({
    kind: 'append',
    commitId: log.nextCommitId(),
    ranges,
    places: [],
    configVersion: fold.config.version,
    body: { files: [], counts: [], progress: [], evidence: [] },
  })
}

const offsetsAt = async (
  source: Source,
  sources: readonly SourcePartition[],
  position: OffsetPosition,
): Promise<ReadonlyMap<SourceKey, Offset>> =>
  sources.length === 0 ? new Map() : source.offsetsAt(sources, position)
