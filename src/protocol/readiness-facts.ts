/** What a decision about readiness is made from. Gathered by `readiness/` and by tools. */
import type { DurationMs, UnixMs } from '../base/time.ts'
import type {
  FoldedEvidence,
  FoldedPosition,
  FoldedProgress,
  FoldState,
} from '../model/fold-state.ts'
import type { CommitId } from '../model/ids.ts'
import type { PartitionScheme } from '../model/lake-partition.ts'
import { type SourceKey, type SourcePartition, sourceKey } from '../model/topic-partition.ts'
import {
  isTopicPattern,
  selectsTopic,
  topicNamesIn,
  topicPatternsIn,
} from '../model/topic-selection.ts'

/** A configured stream, as far as readiness goes. */
export interface ReadyStream {
  readonly name: string
  readonly table: string
  readonly topics: readonly string[]
  readonly scheme: PartitionScheme
  /** `ready.delay`: how far beyond a partition's end event time must be. */
  readonly readyDelayMs: DurationMs
  /** `ready.idle`: how long a topic-partition must be quiet to count as idle. */
  readonly idleMs: DurationMs
  /** `late.every`: how long after a revision late rows wait for the next one. */
  readonly lateEveryMs: DurationMs
  /** `ready.emptyRunMax`: the longest run of partitions without rows that is announced. */
  readonly emptyRunMax: number
  /** What its partitions wait for besides; absent: nothing. */
  readonly conditions?: ReadyConditions
  /** Names of the targets that announcements go to. */
  readonly targets: readonly string[]
}

/** What keeps a complete partition from being announced, where the configuration says so. */
export interface ReadyConditions {
  readonly rowsMin: number | undefined
  /** Of events. */
  readonly deadLettersMax: number | undefined
  /** Streams that must have announced everything up to the partition's end. */
  readonly after: readonly string[]
}

/** The set of topic-partitions of all configured topics, as the brokers told it. */
export interface MetadataFact {
  readonly sources: readonly SourcePartition[]
  readonly missingTopics: readonly string[]
  /** Lake's clock, read before the brokers were asked. */
  readonly askedAtMs: UnixMs
}

/** Writes to the lake fail. */
export interface LakeTrouble {
  readonly sinceMs: UnixMs
  readonly reason: string
}

/** By path, the bytes found in its place. */
export type FilesMissing = ReadonlyMap<string, number | undefined>

export interface ReadinessFacts {
  readonly pipeline: string
  /** As configured; manifests' locations are made from it. */
  readonly lakeUrl: string
  /** The lane whose committed offsets the streams share. */
  readonly lane: string
  readonly fold: FoldState
  readonly lakeNowMs: UnixMs
  readonly commitIntervalMs: DurationMs
  readonly streams: readonly ReadyStream[]
  readonly metadata: MetadataFact | undefined
  /** High watermarks asked lately and not in the log. They tell of lag; they prove nothing. */
  readonly ends: ReadonlyMap<SourceKey, FoldedEvidence>
  /** What this process reads now; undefined where no daemon was asked. */
  readonly assigned: ReadonlySet<SourceKey> | undefined
  readonly lakeTrouble: LakeTrouble | undefined
  /**
   * Topic-partitions that stopped until an operator says how to go on, and why. By their names: the
   * brokers may have another topic id under one than what was read.
   */
  readonly refused: ReadonlyMap<string, string>
  /**
   * Topic-partitions that the asked daemon does not read at this moment for want of memory, and
   * why, by their names. They lag, and say so; nothing else is decided by it.
   */
  readonly heldUp?: ReadonlyMap<string, string>
  /** Commits that are published, though the log will say so only in this process's next entry. */
  readonly publishedHere: ReadonlySet<CommitId>
  /** Staged paths of what stands published, though others of its commit do not. */
  readonly standing?: ReadonlySet<string>
  /** Commits that this process could not publish when it tried last, and why. */
  readonly stuck: ReadonlyMap<CommitId, string>
  /**
   * Published files that were not on the lake, or had another size, when last looked: by path, the
   * bytes found; undefined where nothing was.
   */
  readonly filesMissing: FilesMissing
}

/** All that is known of one stream on one topic-partition. */
export interface SourceView extends CommittedSource {
  readonly source: SourcePartition
  readonly progress: FoldedProgress | undefined
}

/** What the log says of a topic-partition, whatever its streams. */
export interface CommittedSource {
  /** Of the topic-partition: made once, for it is looked up by again and again. */
  readonly key: SourceKey
  readonly position: FoldedPosition | undefined
  readonly evidence: FoldedEvidence | undefined
}

export function committedOf(facts: ReadinessFacts, source: SourcePartition): CommittedSource {
  const key = sourceKey(source)
  return {
    key,
    position: facts.fold.positions.get(facts.lane)?.get(key),
    evidence: facts.fold.evidence.get(key),
  }
}

/** What the log says of a stream on a topic-partition. */
export function viewOf(
  facts: ReadinessFacts,
  stream: ReadyStream,
  source: SourcePartition,
): SourceView {
  const committed = committedOf(facts, source)
  const progress = facts.fold.streams.get(stream.name)?.progress.get(committed.key)
  return { source, progress, ...committed }
}

/**
 * True while nobody moved a position from where it was put at the start.
 *
 * The epoch is asked too: on a lake with a coarse clock a first commit may bear the start's time.
 */
export const isUnmoved = ({ sinceMs, movedAtMs, leaderEpoch }: FoldedPosition): boolean =>
  movedAtMs === sinceMs && leaderEpoch === -1

/**
 * True while the log has no sign of a reader: nobody moved the position, nobody told of the leader.
 *
 * The start position itself is no sign. Who comes first puts those of all partitions of a topic,
 * also of the partitions that another worker reads, or none.
 */
export const isUnread = ({ position, evidence }: CommittedSource): boolean =>
  evidence === undefined && (position === undefined || isUnmoved(position))

/**
 * The topic-partitions that can carry a stream: the brokers' answer, or, where they have not been
 * asked, what the log knows, which may lack some and so is never enough to announce anything.
 */
export function sourcesOf(facts: ReadinessFacts, stream: ReadyStream): readonly SourcePartition[] {
  const byTopic = sourcesByTopic(facts)
  const lists = selectedSources.get(byTopic) ?? new Map<readonly string[], Sources>()
  selectedSources.set(byTopic, lists)
  const known = lists.get(stream.topics)
  if (known !== undefined) return known
  const selected = selectedBy(byTopic, stream.topics)
  lists.set(stream.topics, selected)
  return selected
}

/** One and the same list for all streams of one topic: what is known of it is made once. */
function selectedBy(byTopic: SourcesByTopic, selectors: readonly string[]): Sources {
  const topics = topicsIn(byTopic, selectors)
  const [only] = topics
  const ofOnly = topics.length === 1 && only !== undefined ? byTopic.get(only) : undefined
  return ofOnly ?? topics.flatMap((topic) => byTopic.get(topic) ?? [])
}

/**
 * The topics that must be in the set: those named, and of those that a pattern selects each that
 * the log reads. A pattern stands for itself while there is none: passing nothing means nothing.
 */
export function wantedTopics(facts: ReadinessFacts, stream: ReadyStream): readonly string[] {
  const patterns = patternsIn(stream.topics)
  if (patterns.length === 0) return stream.topics
  const read = [...(facts.fold.positions.get(facts.lane)?.values() ?? [])]
    .filter(({ ended }) => ended !== true)
    .map(({ source }) => source.topic)
  const selected = [...new Set(read)].filter((topic) => selectsTopic(patterns, topic))
  const empty = selected.length === 0 && sourcesOf(facts, stream).length === 0
  return [...topicNamesIn(stream.topics), ...selected, ...(empty ? patterns : [])]
}

const patternsKnown = new WeakMap<readonly string[], readonly string[]>()

/** Remembered: asked of every stream at every decision, and mostly there are none. */
function patternsIn(selectors: readonly string[]): readonly string[] {
  const known = patternsKnown.get(selectors)
  if (known !== undefined) return known
  const patterns = topicPatternsIn(selectors)
  patternsKnown.set(selectors, patterns)
  return patterns
}

type SourcesByTopic = ReadonlyMap<string, readonly SourcePartition[]>

type Sources = readonly SourcePartition[]

/** Remembered for each set and each list of a configuration: patterns are not tried each time. */
const selectedSources = new WeakMap<SourcesByTopic, Map<readonly string[], Sources>>()

function topicsIn(byTopic: SourcesByTopic, selectors: readonly string[]): readonly string[] {
  if (!selectors.some(isTopicPattern)) return [...new Set(selectors)]
  return [...byTopic.keys()].filter((topic) => selectsTopic(selectors, topic))
}

/** Remembered by what it was made from: streams are many and ask again and again. */
const groupedByTopic = new WeakMap<object, SourcesByTopic>()

function sourcesByTopic({ metadata, fold, lane }: ReadinessFacts): SourcesByTopic {
  const origin = metadata?.sources ?? fold.positions.get(lane)
  if (origin === undefined) return new Map()
  const known = groupedByTopic.get(origin)
  if (known !== undefined) return known
  const sources = [...origin.values()].flatMap((one) => {
    if (!('source' in one)) return [one]
    return one.ended === true ? [] : [one.source]
  })
  const grouped = Map.groupBy(sources, ({ topic }) => topic)
  groupedByTopic.set(origin, grouped)
  return grouped
}
