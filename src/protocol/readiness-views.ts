/**
 * What the log says of each stream on each topic-partition that can carry it.
 *
 * 500 streams on 32 topic-partitions are 16,000 views, of which a commit changes few, and each
 * decision asks for all of them. So what did not change is kept from the state before, and what
 * every decision compares lies in lists of numbers instead of behind pointers.
 *
 * Invariant: what is kept equals what would be made anew; `test/property/readiness-views.test.ts`.
 */
import { present } from '../base/assert.ts'
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

export type CommittedSources = readonly (CommittedSource & { readonly source: SourcePartition })[]

/** What rows of a stream said of each topic-partition, whatever else the log says of it. */
interface SeenRows {
  readonly progress: readonly (FoldedProgress | undefined)[]
  /** Event time; NaN where the stream has had no rows. */
  readonly watermarksMs: readonly number[]
  /** Lake's clock of its last rows; NaN where it has had none. */
  readonly rowsAtMs: readonly number[]
}

/** Each list has one place for each topic-partition, in the order of `sourcesOf`. */
export class StreamViews {
  /** One and the same for all streams of a topic, as long as the log says the same of it. */
  readonly committed: CommittedSources
  readonly seen: SeenRows
  #list: readonly SourceView[] | undefined

  constructor(committed: CommittedSources, seen: SeenRows) {
    this.committed = committed
    this.seen = seen
  }

  /** Made when somebody asks: most decisions compare numbers. */
  get list(): readonly SourceView[] {
    this.#list ??= this.committed.map((_, place) => this.viewAt(place))
    return this.#list
  }

  viewAt(place: number): SourceView {
    const one = present(this.committed[place], 'a place of the lists')
    const { source, key, position, evidence } = one
    return { source, key, progress: this.seen.progress[place], position, evidence }
  }
}

type Progress = ReadonlyMap<SourceKey, FoldedProgress>

interface Known {
  readonly askedOf: Pick<ReadinessFacts, 'fold' | 'metadata' | 'lane'>
  readonly sources: readonly SourcePartition[]
  readonly progress: Progress
  readonly views: StreamViews
}

/** Of the newest state that was asked for. */
const viewsKnown = new WeakMap<ReadyStream, Known>()

const nothingSeen: Progress = PersistentMap.empty()

/** The views of a stream, with what decisions compare. */
export function streamViewsOf(facts: ReadinessFacts, stream: ReadyStream): StreamViews {
  const known = viewsKnown.get(stream)
  // One decision asks several times.
  if (known !== undefined && isSameAsked(known.askedOf, facts)) return known.views
  const sources = sourcesOf(facts, stream)
  const committed = committedOfAll(facts, sources)
  const progress = facts.fold.streams.get(stream.name)?.progress ?? nothingSeen
  const isSame = known?.views.committed === committed && known.progress === progress
  const views = isSame
    ? known.views
    : new StreamViews(
        committed,
        known?.sources === sources ? changedSeen(known, progress) : newSeen(committed, progress),
      )
  const { fold, metadata, lane } = facts
  viewsKnown.set(stream, { askedOf: { fold, metadata, lane }, sources, progress, views })
  return views
}

const isSameAsked = (one: Known['askedOf'], other: Known['askedOf']): boolean =>
  one.fold === other.fold && one.metadata === other.metadata && one.lane === other.lane

/** The views of a stream, in the order of its topic-partitions. */
export const viewsOf = (facts: ReadinessFacts, stream: ReadyStream): readonly SourceView[] =>
  streamViewsOf(facts, stream).list

function newSeen(committed: CommittedSources, progressBy: Progress): SeenRows {
  const progress = committed.map(({ key }) => progressBy.get(key))
  const watermarksMs = progress.map((one) => one?.eventWatermarkMs ?? Number.NaN)
  const rowsAtMs = progress.map((one) => one?.rowsAtMs ?? Number.NaN)
  return { progress, watermarksMs, rowsAtMs }
}

function changedSeen({ sources, progress: before, views }: Known, after: Progress): SeenRows {
  const { committed, seen } = views
  if (before === after) return seen
  if (!(before instanceof PersistentMap) || !(after instanceof PersistentMap)) {
    return newSeen(committed, after)
  }
  const places = placesOf(sources, committed)
  const progress = seen.progress.slice()
  const watermarksMs = seen.watermarksMs.slice()
  const rowsAtMs = seen.rowsAtMs.slice()
  for (const key of before.keysChangedIn(after)) {
    const place = places.get(key)
    if (place === undefined) continue
    const one = after.get(key)
    progress[place] = one
    watermarksMs[place] = one?.eventWatermarkMs ?? Number.NaN
    rowsAtMs[place] = one?.rowsAtMs ?? Number.NaN
  }
  return { progress, watermarksMs, rowsAtMs }
}

const placesKnown = new WeakMap<readonly SourcePartition[], ReadonlyMap<SourceKey, number>>()

function placesOf(
  sources: readonly SourcePartition[],
  committed: CommittedSources,
): ReadonlyMap<SourceKey, number> {
  const known = placesKnown.get(sources)
  if (known !== undefined) return known
  const places = new Map(committed.map(({ key }, place) => [key, place]))
  placesKnown.set(sources, places)
  return places
}

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
