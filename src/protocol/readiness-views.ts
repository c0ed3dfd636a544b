/**
 * What the log says of each stream on each topic-partition that can carry it.
 *
 * 500 streams on 32 topic-partitions are 16,000 views, of which a commit changes few, and each
 * decision asks for all of them. So what did not change is kept from the state before, and what
 * every decision compares lies in lists of numbers instead of behind pointers.
 *
 * Invariant: what is kept equals what would be made anew; `test/property/readiness-views.test.ts`.
 */
import { PersistentMap } from '../base/persistent-map.ts'
import type { FoldedProgress } from '../model/fold-state.ts'
import { type SourceKey, type SourcePartition } from '../model/topic-partition.ts'
import {
  type CommittedSource,
  committedOf,
  type ReadinessFacts,
  type ReadyStream,
  type SourceView,
  sourcesOf,
} from './readiness-facts.ts'
import { quietSinceOf } from './watermark.ts'

/** Each list has one place for each topic-partition, in the order of `sourcesOf`. */
export interface StreamViews {
  readonly list: readonly SourceView[]
  /** Event time; NaN where the stream has had no rows. */
  readonly watermarksMs: readonly number[]
  /** Lake's clock of `quietSinceOf`; NaN where that is unknown. */
  readonly quietSinceMs: readonly number[]
  /** One and the same for all streams of a topic, as long as the log says the same of it. */
  readonly committed: CommittedSources
}

export type CommittedSources = readonly (CommittedSource & { readonly source: SourcePartition })[]

type Progress = ReadonlyMap<SourceKey, FoldedProgress>

interface Known {
  readonly progress: Progress | undefined
  readonly views: StreamViews
}

/** Of the newest state that was asked for. */
const viewsKnown = new WeakMap<ReadyStream, Known>()

const nothingSeen: Progress = PersistentMap.empty()

/** The views of a stream, with what decisions compare. */
export function streamViewsOf(facts: ReadinessFacts, stream: ReadyStream): StreamViews {
  const committed = committedOfAll(facts, sourcesOf(facts, stream))
  const progress = facts.fold.streams.get(stream.name)?.progress ?? nothingSeen
  const known = viewsKnown.get(stream)
  if (known?.views.committed === committed && known.progress === progress) return known.views
  const views = known === undefined ? undefined : changedViews(known, committed, progress)
  const made = views ?? newViews(committed, progress)
  viewsKnown.set(stream, { progress, views: made })
  return made
}

/** The views of a stream, in the order of its topic-partitions. */
export const viewsOf = (facts: ReadinessFacts, stream: ReadyStream): readonly SourceView[] =>
  streamViewsOf(facts, stream).list

function newViews(committed: CommittedSources, progress: Progress): StreamViews {
  const list = committed.map((one) => viewIn(one, progress))
  const watermarksMs = list.map(watermarkIn)
  const quietSinceMs = list.map(quietIn)
  return { list, watermarksMs, quietSinceMs, committed }
}

/** @returns undefined where the lists are of other topic-partitions, or say not what changed. */
function changedViews(
  { progress: before, views }: Known,
  committed: CommittedSources,
  progress: Progress,
): StreamViews | undefined {
  if (views.committed.length !== committed.length) return undefined
  if (!(before instanceof PersistentMap) || !(progress instanceof PersistentMap)) return undefined
  const moved = before.keysChangedIn(progress)
  const list = views.list.slice()
  const watermarksMs = views.watermarksMs.slice()
  const quietSinceMs = views.quietSinceMs.slice()
  committed.forEach((one, place) => {
    if (views.committed[place] === one && !moved.has(one.key)) return
    const view = viewIn(one, progress)
    list[place] = view
    watermarksMs[place] = watermarkIn(view)
    quietSinceMs[place] = quietIn(view)
  })
  return { list, watermarksMs, quietSinceMs, committed }
}

function viewIn({ source, key, position, evidence }: CommittedSources[number], progress: Progress) {
  return { source, key, progress: progress.get(key), position, evidence }
}

const watermarkIn = ({ progress }: SourceView): number => progress?.eventWatermarkMs ?? Number.NaN

const quietIn = (view: SourceView): number => quietSinceOf(view) ?? Number.NaN

interface CommittedKnown {
  readonly positions: object | undefined
  readonly evidence: object
  readonly committed: CommittedSources
}

const committedKnown = new WeakMap<readonly SourcePartition[], CommittedKnown>()

/** The same for every stream on these topic-partitions: remembered for the newest state. */
function committedOfAll(
  facts: ReadinessFacts,
  sources: readonly SourcePartition[],
): CommittedSources {
  const { evidence } = facts.fold
  const positions = facts.fold.positions.get(facts.lane)
  const known = committedKnown.get(sources)
  if (known !== undefined && known.positions === positions && known.evidence === evidence) {
    return known.committed
  }
  const committed = sources.map((source, place) => {
    const one = { source, ...committedOf(facts, source) }
    const before = known?.committed[place]
    return before !== undefined && saysTheSame(before, one) ? before : one
  })
  committedKnown.set(sources, { positions, evidence, committed })
  return committed
}

const saysTheSame = (one: CommittedSource, other: CommittedSource): boolean =>
  one.position === other.position && one.evidence === other.evidence
